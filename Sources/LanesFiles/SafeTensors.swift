import Foundation
import Lanes

/// A `.safetensors` file: named arrays, as PyTorch, JAX and NumPy write and read them.
///
/// ```swift
/// let file = try SafeTensors("model.safetensors")
/// let weights = try file.matrix("linear1.weight")   // Matrix<Float>
/// ```
///
/// The file is mapped, so an array costs memory and time when it is read, not before. Its header is checked whole: names, types, shapes,
/// and that the arrays fill the file without gaps or overlaps. Nobody may cut the file while it is open.
public struct SafeTensors: Sendable {
    /// One array of a file.
    public struct Entry: Equatable, Sendable {
        /// Its name.
        public let name: String
        /// The type of its numbers as the file spells it: `F32`.
        public let type: String
        /// Its sizes, outermost first; none for a single number.
        public let shape: [Int]
        // Of its bytes, from the beginning of the file.
        fileprivate let range: Range<Int>

        /// How many numbers it has.
        public var count: Int { shape.reduce(1, *) }
    }

    /// The arrays, in the order in which they stand in the file.
    public let entries: [Entry]
    /// Texts that the writer added.
    public let metadata: [String: String]
    private let mapped: MappedFile
    private let indices: [String: Int]

    /// Opens a file and checks its header.
    public init(_ file: String) throws(ArrayFileError) {
        mapped = try MappedFile(file)
        let all = mapped.count
        guard all >= 8 else { throw .malformed(file: file, reason: "is no safetensors file: shorter than 8 bytes") }
        let headerCount = unsafe UInt64(littleEndian: mapped.base.loadUnaligned(as: UInt64.self))
        // The limit that the format's own library has.
        guard headerCount <= 100_000_000, headerCount <= UInt64(all - 8) else {
            throw .malformed(file: file, reason: "is no safetensors file, or cut: its header would have \(headerCount) bytes")
        }
        let start = 8 + Int(headerCount)
        let header: Header
        do { header = try JSONDecoder().decode(Header.self, from: mapped.data(8..<start)) } catch {
            throw .malformed(file: file, reason: "is no safetensors file: its header is not JSON of arrays")
        }
        var entries: [Entry] = []
        // In the order of their places; of those that begin at one place all but one are empty.
        let order = header.tensors.sorted { a, b in
            let (mine, theirs) = (a.value.dataOffsets, b.value.dataOffsets)
            return mine == theirs ? a.key < b.key : mine.lexicographicallyPrecedes(theirs)
        }
        for (name, tensor) in order {
            let place = start + (entries.last.map { $0.range.upperBound - start } ?? 0)
            guard tensor.dataOffsets.count == 2, tensor.dataOffsets[0] == place - start,
                tensor.dataOffsets[1] >= tensor.dataOffsets[0],
                tensor.dataOffsets[1] <= all - start
            else {
                throw .malformed(
                    file: file,
                    reason: "'\(name)' stands at \(tensor.dataOffsets), where the arrays before it end at \(place - start)")
            }
            let range = place..<start + tensor.dataOffsets[1]
            var count = 1
            for size in tensor.shape {
                let (product, overflow) = count.multipliedReportingOverflow(by: size)
                guard size >= 0, !overflow else {
                    throw .malformed(file: file, reason: "'\(name)' has the shape \(tensor.shape)")
                }
                count = product
            }
            // Types that are not read are not measured either.
            if let type = NumberType(rawValue: tensor.dtype) {
                let (byteCount, overflow) = count.multipliedReportingOverflow(by: type.byteCount)
                guard !overflow, byteCount == range.count else {
                    throw .malformed(
                        file: file,
                        reason:
                            "'\(name)' of shape \(tensor.shape) and type \(tensor.dtype) does not fill its \(range.count) bytes"
                    )
                }
            }
            entries.append(Entry(name: name, type: tensor.dtype, shape: tensor.shape, range: range))
        }
        guard (entries.last?.range.upperBound ?? start) == all else {
            throw .malformed(file: file, reason: "is cut, or has bytes that belong to no array")
        }
        self.entries = entries
        metadata = header.metadata
        indices = Dictionary(uniqueKeysWithValues: entries.enumerated().map { ($1.name, $0) })
    }

    /// The names of the arrays, in the order in which they stand in the file.
    public var names: [String] { entries.map(\.name) }

    /// The array of a name.
    public func entry(_ name: String) throws(ArrayFileError) -> Entry {
        guard let index = indices[name] else { throw .unknownName(file: mapped.file, name: name) }
        return entries[index]
    }

    /// The numbers of an array of any shape, the last index first.
    ///
    /// - Parameters:
    ///   - name: which array.
    ///   - type: what its numbers become: `Float` for files of F32, F16 and BF16, `Double` for those of F64 too.
    public func buffer<Element: LaneElement>(_ name: String, as type: Element.Type = Float.self) throws(ArrayFileError)
        -> Buffer<Element>
    {
        let entry = try entry(name)
        guard let stored = NumberType(rawValue: entry.type), stored.fits(type) else {
            throw .type(file: mapped.file, name: name, stored: entry.type, asked: "\(type)")
        }
        do {
            var buffer = try Buffer<Element>(allocating: entry.count)
            var elements = buffer.mutableSpan
            unsafe stored.copy(mapped.base + entry.range.lowerBound, entry.count, to: &elements)
            return buffer
        } catch { throw .system(file: mapped.file, reason: "'\(name)': \(error)") }
    }

    /// An array of two sizes as a matrix; one of one size becomes a matrix of one row.
    ///
    /// - Parameters:
    ///   - name: which array.
    ///   - type: what its numbers become: `Float` for files of F32, F16 and BF16, `Double` for those of F64 too.
    public func matrix<Element: LaneElement>(_ name: String, as type: Element.Type = Float.self) throws(ArrayFileError)
        -> Matrix<Element>
    {
        let entry = try entry(name)
        let (rows, columns) = try sizes(entry)
        return try Matrix(rows: rows, columns: columns, buffer: buffer(name, as: type))
    }

    /// A view of an array where it stands in the mapped file, without a copy. Its type must be the element type, and its place a multiple
    /// of the type's size, which files with arrays of several types do not promise.
    ///
    /// - Parameters:
    ///   - name: which array.
    ///   - type: the element type: `Float` for F32, `Double` for F64.
    @_lifetime(borrow self)
    public func view<Element: LaneElement>(_ name: String, as type: Element.Type = Float.self) throws(ArrayFileError)
        -> MatrixView<Element>
    {
        let entry = try entry(name)
        let (rows, columns) = try sizes(entry)
        guard NumberType(rawValue: entry.type) == .of(type) else {
            throw .type(file: mapped.file, name: name, stored: entry.type, asked: "\(type) in a view")
        }
        let place = unsafe mapped.base + entry.range.lowerBound
        guard Int(bitPattern: place) % MemoryLayout<Element>.alignment == 0 && UInt16(littleEndian: 1) == 1 else {
            throw .shape(
                file: mapped.file, name: name, shape: entry.shape,
                reason: "does not stand where a view could show it: read it as a matrix")
        }
        let view = unsafe MatrixView(
            base: place.assumingMemoryBound(to: Element.self), rows: rows, columns: columns, leadingDimension: columns)
        return unsafe _overrideLifetime(view, borrowing: self)
    }

    private func sizes(_ entry: Entry) throws(ArrayFileError) -> (rows: Int, columns: Int) {
        switch entry.shape.count {
        case 1: return (1, entry.shape[0])
        case 2: return (entry.shape[0], entry.shape[1])
        default:
            throw .shape(
                file: mapped.file, name: entry.name, shape: entry.shape, reason: "is no matrix: read its numbers as a buffer")
        }
    }

    // The JSON before the arrays.
    private struct Header: Decodable {
        struct Tensor: Decodable {
            let dtype: String
            let shape: [Int]
            let dataOffsets: [Int]
            private enum CodingKeys: String, CodingKey {
                case dtype, shape
                case dataOffsets = "data_offsets"
            }
        }
        var tensors: [String: Tensor] = [:]
        var metadata: [String: String] = [:]

        private struct Name: CodingKey {
            let stringValue: String
            var intValue: Int? { nil }
            init(stringValue: String) { self.stringValue = stringValue }
            init?(intValue: Int) { nil }
        }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: Name.self)
            for key in container.allKeys {
                if key.stringValue == "__metadata__" {
                    metadata = try container.decode([String: String].self, forKey: key)
                } else {
                    tensors[key.stringValue] = try container.decode(Tensor.self, forKey: key)
                }
            }
        }
    }
}
