import CZlib
import Foundation

/// An array of bytes in the IDX format of MNIST: a magic number, sizes, and the bytes, row-major. Plain or gzip.
struct IDX {
    let sizes: [Int]
    let bytes: [UInt8]

    /// Reads a file whose array has `dimensions` dimensions. Errors name the file and the offset.
    init(file: String, dimensions: Int) throws {
        guard let handle = unsafe gzopen(file, "rb") else { throw Failure("cannot open '\(file)'") }
        defer { unsafe gzclose(handle) }
        var offset = 0
        func read(_ count: Int) throws -> [UInt8] {
            var buffer = [UInt8](repeating: 0, count: count)
            var done = 0
            while done < count {
                let part = min(count - done, 1 << 24)
                let got = unsafe buffer.withUnsafeMutableBytes {
                    unsafe gzread(handle, $0.baseAddress! + done, UInt32(part))
                }
                if got < 0 { throw Failure("'\(file)' is damaged at offset \(offset + done)") }
                if got == 0 { throw Failure("'\(file)' ends at offset \(offset + done), \(count - done) bytes early") }
                done += Int(got)
            }
            offset += count
            return buffer
        }
        func number(_ bytes: ArraySlice<UInt8>) -> Int { bytes.reduce(0) { $0 << 8 | Int($1) } }

        let magic = try read(4)
        guard magic[0] == 0, magic[1] == 0, magic[2] == 8, magic[3] == UInt8(dimensions) else {
            throw Failure("'\(file)' does not begin with the magic number of \(dimensions)-dimensional bytes at offset 0")
        }
        let header = try read(4 * dimensions)
        var count = 1
        var sizes: [Int] = []
        for index in 0..<dimensions {
            let size = number(header[4 * index..<4 * index + 4])
            let (product, overflow) = count.multipliedReportingOverflow(by: size)
            // Far above any data set of images, far below memory.
            guard size > 0, !overflow, product <= 1 << 31 else {
                throw Failure("'\(file)' states an impossible size (\(size)) at offset \(4 + 4 * index)")
            }
            count = product
            sizes.append(size)
        }
        bytes = try read(count)
        var rest: UInt8 = 0
        // The read that meets the end also compares gzip's checksum.
        switch unsafe gzread(handle, &rest, 1) {
        case 0: break
        case 1: throw Failure("'\(file)' goes on after its array, at offset \(offset)")
        default: throw Failure("'\(file)' is damaged: its checksum does not fit its bytes")
        }
        self.sizes = sizes
    }

    /// The test images of Fashion-MNIST where Debian's package puts them, or in another folder.
    static func testImages(folder: String?) throws -> IDX {
        let folder = folder ?? "/usr/share/datasets/fashion-mnist"
        for name in ["t10k-images-idx3-ubyte.gz", "t10k-images-idx3-ubyte"] {
            let path = "\(folder)/\(name)"
            if FileManager.default.fileExists(atPath: path) { return try IDX(file: path, dimensions: 3) }
        }
        throw Failure(
            "there is no t10k-images-idx3-ubyte[.gz] in '\(folder)': install dataset-fashion-mnist, or name a folder by --data DIR"
        )
    }
}
