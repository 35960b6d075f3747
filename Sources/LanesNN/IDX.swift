internal import CZlib
import Foundation

/// A data file that cannot be used: which, where in it, and why.
public struct DataError: Error, Equatable, CustomStringConvertible {
    /// The name as it was given.
    public let file: String
    /// Bytes from the beginning, of the unpacked contents; nil where the place does not matter.
    public let offset: Int?
    /// What is wrong, in a sentence.
    public let reason: String

    /// An error about a file, or a place in it.
    public init(file: String, offset: Int? = nil, _ reason: String) {
        self.file = file
        self.offset = offset
        self.reason = reason
    }

    /// File, offset and reason.
    public var description: String { "'\(file)'\(offset.map { ", offset \($0)" } ?? ""): \(reason)" }
}

/// Why a name is none of a file that can be read from its beginning to its end; nil where it is one, or where there is nothing of that name.
/// Opening a pipe would wait for whoever writes to it.
internal func complaintAboutKind(of file: String) -> String? {
    var status = stat()
    guard unsafe stat(file, &status) == 0, status.st_mode & S_IFMT != S_IFREG else { return nil }
    return status.st_mode & S_IFMT == S_IFDIR ? "is a folder" : "is a pipe or a device, not a file"
}

/// Reads an array of bytes in the IDX format of MNIST, a magic number, sizes, and the bytes, row-major, plain or gzip, piece after piece:
/// memory grows with what is asked for, not with what the file says or holds.
@safe public final class IDXReader {
    /// The sizes of the array, outermost first.
    public let sizes: [Int]
    private let file: String
    private let handle: gzFile
    private var offset = 0
    // Of the array.
    private var remaining: Int

    /// Opens a file whose array has `dimensions` dimensions, and reads its sizes.
    public init(file: String, dimensions: Int) throws(DataError) {
        if let complaint = complaintAboutKind(of: file) { throw DataError(file: file, complaint) }
        guard let handle = unsafe gzopen(file, "rb") else { throw DataError(file: file, "cannot be opened") }
        self.file = file
        unsafe self.handle = unsafe handle
        var sizes: [Int] = []
        do throws(DataError) {
            func number(_ bytes: ArraySlice<UInt8>) -> Int { bytes.reduce(0) { $0 << 8 | Int($1) } }
            let magic = try unsafe IDXReader.read(4, handle, file, at: 0)
            guard magic[0] == 0, magic[1] == 0, magic[2] == 8, magic[3] == UInt8(dimensions) else {
                throw DataError(file: file, offset: 0, "no magic number of \(dimensions)-dimensional bytes")
            }
            let header = try unsafe IDXReader.read(4 * dimensions, handle, file, at: 4)
            var count = 1
            for index in 0..<dimensions {
                let size = number(header[4 * index..<4 * index + 4])
                let (product, overflow) = count.multipliedReportingOverflow(by: size)
                // Far above any data set of images, far below memory.
                guard size > 0, !overflow, product <= 1 << 31 else {
                    throw DataError(file: file, offset: 4 + 4 * index, "an impossible size (\(size))")
                }
                count = product
                sizes.append(size)
            }
        } catch {
            unsafe gzclose(handle)
            throw error
        }
        offset = 4 + 4 * dimensions
        remaining = sizes.reduce(1, *)
        self.sizes = sizes
    }

    deinit { unsafe gzclose(handle) }

    /// The next bytes of the array, exactly so many.
    ///
    /// - Precondition: so many are left of it.
    public func read(_ count: Int) throws(DataError) -> [UInt8] {
        guard count >= 0 && count <= remaining else {
            fatalError("IDXReader: \(count) bytes of an array of which \(remaining) are left")
        }
        remaining -= count
        let bytes = try unsafe IDXReader.read(count, handle, file, at: offset)
        offset += count
        return bytes
    }

    /// The file ends here, and gzip's checksum fits its bytes.
    public func expectEnd() throws(DataError) {
        var rest: UInt8 = 0
        // The read that reaches the end also compares gzip's checksum, where an earlier one has not.
        switch unsafe gzread(handle, &rest, 1) {
        case 0:
            var status: Int32 = 0
            _ = unsafe gzerror(handle, &status)
            guard status != Z_BUF_ERROR else { throw DataError(file: file, "ends early: its checksum is missing") }
        case 1: throw DataError(file: file, offset: offset, "goes on after its array")
        default: throw DataError(file: file, "is damaged: its checksum does not fit its bytes")
        }
    }

    private static func read(_ count: Int, _ handle: gzFile, _ file: String, at offset: Int) throws(DataError) -> [UInt8] {
        var buffer: [UInt8] = []
        while buffer.count < count {
            let part = min(count - buffer.count, 1 << 20)
            var got: Int32 = 0
            let piece = unsafe [UInt8](unsafeUninitializedCapacity: part) { piece, initialized in
                got = unsafe gzread(handle, piece.baseAddress, UInt32(part))
                initialized = Int(max(0, got))
            }
            let done = buffer.count
            if got < 0 { throw DataError(file: file, offset: offset + done, "is damaged here") }
            if got == 0 {
                throw DataError(file: file, offset: offset + done, "ends here, \(count - done) bytes early")
            }
            buffer += piece
        }
        return buffer
    }
}

/// The whole of such an array.
public struct IDX: Sendable {
    /// The sizes of the array, outermost first.
    public let sizes: [Int]
    /// The array, row-major.
    public let bytes: [UInt8]

    /// Reads a file whose array has `dimensions` dimensions. Memory grows with what the file holds, not with what it says.
    public init(file: String, dimensions: Int) throws(DataError) {
        let reader = try IDXReader(file: file, dimensions: dimensions)
        sizes = reader.sizes
        bytes = try reader.read(sizes.reduce(1, *))
        try reader.expectEnd()
    }

    /// The test images of Fashion-MNIST where Debian's package puts them, or of another folder.
    public static func testImages(folder: String?) throws(DataError) -> IDX {
        let folder = folder ?? DataSet.fashionMNISTFolder
        guard let file = find(["t10k-images-idx3-ubyte"], in: folder) else {
            throw DataError(
                file: folder,
                "there is no t10k-images-idx3-ubyte[.gz] in this folder; install Debian's dataset-fashion-mnist, or name a folder by --data DIR"
            )
        }
        return try IDX(file: file, dimensions: 3)
    }

    /// The file of a folder whose name ends so, plain or with `.gz`; nil where there is none.
    static func find(_ endings: [String], in folder: String) -> String? {
        let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
        for ending in endings {
            if let name = names.first(where: { $0.hasSuffix(ending) || $0.hasSuffix(ending + ".gz") }) {
                return "\(folder)/\(name)"
            }
        }
        return nil
    }
}
