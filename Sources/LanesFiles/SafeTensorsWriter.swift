import Foundation
import Lanes

/// A `.safetensors` file in the making: arrays are added, then written together.
///
/// ```swift
/// var file = SafeTensorsWriter()
/// file.add("linear1.weight", weights)
/// try file.write(to: "model.safetensors")
/// ```
///
/// The same arrays in the same order give the same bytes. After a crash there is the old file or the new one, and nothing in between.
public struct SafeTensorsWriter: Sendable {
    /// Texts beside the arrays.
    public var metadata: [String: String] = [:]
    private var header: [(name: String, type: String, shape: [Int], range: Range<Int>)] = []
    private var data = Data()

    /// A file without arrays.
    public init() {}

    /// Adds an array: a matrix with its rows and columns, anything else with its number of elements, as F32 or F64.
    ///
    /// - Precondition: no array has this name, which is not `__metadata__`.
    public mutating func add<X: LaneOperand & ~Copyable & ~Escapable>(
        _ name: String, _ operand: borrowing X, file: StaticString = #fileID, line: UInt = #line
    ) {
        guard name != "__metadata__", !header.contains(where: { $0.name == name }) else {
            fatalError("SafeTensorsWriter: a second array '\(name)'", file: file, line: line)
        }
        let shape = operand.shape
        let start = data.count
        data += bytes(of: operand.span)
        header.append(
            (
                name, NumberType.of(X.Element.self).rawValue,
                shape.rows.map { [$0, shape.columns ?? 0] } ?? [shape.count], start..<data.count
            ))
    }

    /// Writes the file, in the place of one of this name.
    public func write(to file: String) throws(ArrayFileError) {
        func text(_ value: some Encodable) -> String {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            // Strings and whole numbers: nothing that JSON has no form for.
            return String(decoding: try! encoder.encode(value), as: UTF8.self)
        }
        var items = metadata.isEmpty ? [] : ["\"__metadata__\":\(text(metadata))"]
        for entry in header {
            items.append(
                "\(text(entry.name)):{\"dtype\":\"\(entry.type)\",\"shape\":\(text(entry.shape)),\"data_offsets\":\(text([entry.range.lowerBound, entry.range.upperBound]))}"
            )
        }
        var header = Data("{\(items.joined(separator: ","))}".utf8)
        // The first array begins at a multiple of 8 bytes.
        while header.count % 8 != 0 { header.append(UInt8(ascii: " ")) }
        var contents = Data()
        unsafe withUnsafeBytes(of: UInt64(header.count).littleEndian) { unsafe contents.append(contentsOf: $0) }
        contents += header
        contents += data
        do { try FileReplacement.write(contents, to: file) } catch { throw .system(file: file, reason: error.reason) }
    }
}
