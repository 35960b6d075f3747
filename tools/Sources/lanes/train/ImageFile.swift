import CPNG
import Foundation
import LanesNN

/// Grey images of a known size from a file: PNG (any kind, made grey), PGM (binary, 8 bits), or IDX with many of them, read piece after
/// piece. A file with images of another size is refused before its pixels are read.
struct ImageFile {
    private enum Source {
        case one([UInt8])
        case many(IDXReader)
    }
    let count: Int
    private let pixelsEach: Int
    private let source: Source

    /// - Parameter check: complains about rows and columns of an image.
    init(_ file: String, check: (_ rows: Int, _ columns: Int) throws -> Void) throws {
        // Opening a pipe would wait for whoever writes to it.
        let kind =
            try? FileManager.default.attributesOfItem(
                atPath: URL(fileURLWithPath: file).resolvingSymlinksInPath().path)[.type] as? FileAttributeType
        guard kind == nil || kind == .typeRegular else { throw Failure("'\(file)' is no file: \(kind!.rawValue)") }
        guard let handle = FileHandle(forReadingAtPath: file) else { throw Failure("cannot open '\(file)'") }
        defer { try? handle.close() }
        let start = [UInt8]((try? handle.read(upToCount: 4096)) ?? Data())
        if start.starts(with: [0x89, 0x50, 0x4e, 0x47]) {
            let pixels = try ImageFile.readPNG(file, check)
            (count, pixelsEach, source) = (1, pixels.count, .one(pixels))
        } else if start.starts(with: Array("P5".utf8)) {
            let pixels = try ImageFile.readPGM(file, start, handle, check)
            (count, pixelsEach, source) = (1, pixels.count, .one(pixels))
        } else if start.starts(with: [0, 0, 8, 3]) || start.starts(with: [0x1f, 0x8b]) {
            let reader = try IDXReader(file: file, dimensions: 3)
            try check(reader.sizes[1], reader.sizes[2])
            (count, pixelsEach, source) = (reader.sizes[0], reader.sizes[1] * reader.sizes[2], .many(reader))
        } else {
            throw Failure("'\(file)' is no PNG, no binary PGM (P5) and no IDX file of images")
        }
    }

    /// The pixels of the next images, image after image, row-major; `isLast` where no more are there.
    func next(_ images: Int, isLast: Bool) throws -> [UInt8] {
        switch source {
        case .one(let pixels): return pixels
        case .many(let reader):
            let pixels = try reader.read(images * pixelsEach)
            if isLast { try reader.expectEnd() }
            return pixels
        }
    }

    private static func readPNG(_ file: String, _ check: (Int, Int) throws -> Void) throws -> [UInt8] {
        var image = unsafe png_image()
        unsafe image.version = UInt32(PNG_IMAGE_VERSION)
        func complaint() -> Failure {
            let text = unsafe withUnsafeBytes(of: &image.message) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            return Failure("cannot read '\(file)': \(text)")
        }
        guard unsafe png_image_begin_read_from_file(&image, file) != 0 else { throw complaint() }
        let (rows, columns) = unsafe (Int(image.height), Int(image.width))
        guard rows > 0, columns > 0, rows <= 1 << 14, columns <= 1 << 14 else {
            unsafe png_image_free(&image)
            throw Failure("'\(file)' has \(columns) x \(rows) pixels, at most 16384 x 16384 are read")
        }
        do {
            try check(rows, columns)
        } catch {
            unsafe png_image_free(&image)
            throw error
        }
        unsafe image.format = UInt32(PNG_FORMAT_GRAY)
        var pixels = [UInt8](repeating: 0, count: rows * columns)
        var black = png_color()
        guard unsafe png_image_finish_read(&image, &black, &pixels, 0, nil) != 0 else { throw complaint() }
        return pixels
    }

    // `start` are the first 4096 bytes of the file, in which its header has to end.
    private static func readPGM(
        _ file: String, _ start: [UInt8], _ handle: FileHandle, _ check: (Int, Int) throws -> Void
    ) throws -> [UInt8] {
        var bytes = start
        var position = 2
        func number() throws -> Int {
            while position < bytes.count {
                if bytes[position] == UInt8(ascii: "#") {
                    while position < bytes.count && bytes[position] != 10 { position += 1 }
                } else if [9, 10, 13, 32].contains(bytes[position]) {
                    position += 1
                } else {
                    break
                }
            }
            var value = 0
            let first = position
            while position < bytes.count, let digit = Character(UnicodeScalar(bytes[position])).wholeNumberValue,
                value < 1 << 20
            {
                value = value * 10 + digit
                position += 1
            }
            guard position > first else {
                throw Failure(
                    "'\(file)', offset \(position): a number is missing in the PGM header (within the first 4096 bytes)")
            }
            return value
        }
        let (columns, rows, maximum) = (try number(), try number(), try number())
        position += 1
        guard maximum == 255, rows > 0, columns > 0, rows <= 1 << 14, columns <= 1 << 14 else {
            throw Failure("'\(file)': \(columns) x \(rows) with values up to \(maximum); 8-bit images (255) are read")
        }
        try check(rows, columns)
        let missing = position + rows * columns - bytes.count
        if missing > 0 { bytes += [UInt8]((try? handle.read(upToCount: missing)) ?? Data()) }
        guard bytes.count - position >= rows * columns else {
            throw Failure(
                "'\(file)', offset \(bytes.count): ends here, \(rows * columns - (bytes.count - position)) bytes early")
        }
        return Array(bytes[position..<position + rows * columns])
    }
}
