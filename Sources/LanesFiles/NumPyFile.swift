import Foundation
import Lanes

/// Files of NumPy (`.npy`): one array of numbers each.
///
/// ```swift
/// let x = try NumPyFile.matrix("x.npy")       // numpy.save("x.npy", x), float32
/// try NumPyFile.write(x, to: "y.npy")         // numpy.load("y.npy")
/// ```
public enum NumPyFile {
    /// The array of a file as a matrix; one of one size becomes a matrix of one row. Arrays in the order of Fortran are put in that of C.
    ///
    /// - Parameters:
    ///   - file: its name.
    ///   - type: what its numbers become: `Float` for files of float32 and float16, `Double` for those of float64 too.
    public static func matrix<Element: LaneElement>(
        _ file: String, as type: Element.Type = Float.self
    ) throws(ArrayFileError) -> Matrix<Element> {
        let mapped = try MappedFile(file)
        let header = try Header(mapped)
        guard header.type.fits(type) else {
            throw .type(file: file, name: "array", stored: header.type.rawValue, asked: "\(type)")
        }
        let shape = header.shape
        guard shape.count == 1 || shape.count == 2 else {
            throw .shape(file: file, name: "array", shape: shape, reason: "is no matrix: reshape it before it is saved")
        }
        let (rows, columns) = shape.count == 1 ? (1, shape[0]) : (shape[0], shape[1])
        do {
            var buffer = try Buffer<Element>(allocating: rows * columns)
            var elements = buffer.mutableSpan
            unsafe header.type.copy(mapped.base + header.byteCount, rows * columns, to: &elements)
            guard header.isFortran && rows > 1 else { return Matrix(rows: rows, columns: columns, buffer: buffer) }
            return transpose(Matrix(rows: columns, columns: rows, buffer: buffer))
        } catch { throw .system(file: file, reason: "\(error)") }
    }

    /// Writes a matrix with its rows and columns, anything else with its number of elements, as float32 or float64, in the place of a file
    /// of this name.
    public static func write<X: LaneOperand & ~Copyable & ~Escapable>(
        _ operand: borrowing X, to file: String
    ) throws(ArrayFileError) {
        let shape = operand.shape
        let sizes = shape.rows.map { "(\($0), \(shape.columns ?? 0))" } ?? "(\(shape.count),)"
        let type = X.Element.self == Double.self ? "<f8" : "<f4"
        var text = "{'descr': '\(type)', 'fortran_order': False, 'shape': \(sizes), }"
        // The array begins at a multiple of 64 bytes; the text ends with a new line.
        text += String(repeating: " ", count: (64 - (10 + text.utf8.count + 1) % 64) % 64) + "\n"
        var contents = Data([0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(text.utf8.count & 255), UInt8(text.utf8.count >> 8)])
        contents += Data(text.utf8)
        contents += bytes(of: operand.span)
        do { try FileReplacement.write(contents, to: file) } catch { throw .system(file: file, reason: error.reason) }
    }

    // What stands before the numbers: a text with a Python dictionary of three keys, whose values have few forms.
    private struct Header {
        let type: NumberType
        let isFortran: Bool
        let shape: [Int]
        let byteCount: Int

        init(_ mapped: MappedFile) throws(ArrayFileError) {
            let file = mapped.file
            let start = mapped.data(0..<min(12, mapped.count))
            guard start.count >= 10, start.starts(with: [0x93] + Array("NUMPY".utf8)), (1...3).contains(start[6]) else {
                throw .malformed(file: file, reason: "is no .npy file of version 1, 2 or 3")
            }
            let lengthBytes = start[6] == 1 ? 2 : 4
            guard start.count >= 8 + lengthBytes else { throw .malformed(file: file, reason: "is cut") }
            let length = start[8..<8 + lengthBytes].reversed().reduce(0) { $0 << 8 | Int($1) }
            byteCount = 8 + lengthBytes + length
            guard length <= 1 << 20, byteCount <= mapped.count else {
                throw .malformed(file: file, reason: "is cut: its header would have \(length) bytes")
            }
            let text = String(decoding: mapped.data(8 + lengthBytes..<byteCount), as: UTF8.self)
            func value(_ key: String, _ form: Regex<(Substring, Substring)>) throws(ArrayFileError) -> Substring {
                guard let found = text.firstRange(of: "'\(key)':"),
                    let match = try? form.prefixMatch(in: text[found.upperBound...].drop { $0 == " " })
                else { throw .malformed(file: file, reason: "its header has no '\(key)' that can be read") }
                return match.1
            }
            let name = try value("descr", /'([<>|=]?[a-zA-Z]+[0-9]+)'/)
            switch name {
            case "<f4": type = .f32
            case "<f8": type = .f64
            case "<f2": type = .f16
            default: throw .type(file: file, name: "array", stored: String(name), asked: "Float or Double")
            }
            isFortran = try value("fortran_order", /(True|False)/) == "True"
            var shape: [Int] = []
            var count = type.byteCount
            for part in try value("shape", /\(([0-9, ]*)\)/).split(separator: ",") {
                let text = part.filter { $0 != " " }
                if text.isEmpty { continue }
                guard let size = Int(text) else { throw .malformed(file: file, reason: "its shape has a size of \(text)") }
                let (product, overflow) = count.multipliedReportingOverflow(by: size)
                guard !overflow else { throw .malformed(file: file, reason: "its sizes do not fit in memory") }
                count = product
                shape.append(size)
            }
            self.shape = shape
            guard count == mapped.count - byteCount else {
                throw .malformed(
                    file: file, reason: "has \(mapped.count - byteCount) bytes of numbers, its shape \(shape) has \(count)")
            }
        }
    }
}
