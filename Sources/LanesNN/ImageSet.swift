import Foundation

/// Grey images of 8 bits with a label each.
public struct ImageSet: Sendable {
    /// Rows of pixels of one image.
    public let rows: Int
    /// Columns of pixels of one image.
    public let columns: Int
    /// How many classes there are: labels are less.
    public let classes: Int
    /// Image after image, row-major.
    public let pixels: [UInt8]
    /// The class of every image.
    public let labels: [Int32]

    /// Images of the set.
    public var count: Int { labels.count }
    /// Rows times columns.
    public var pixelsPerImage: Int { rows * columns }

    /// - Precondition: pixels fill the images, and labels are in 0 ..< classes.
    public init(rows: Int, columns: Int, classes: Int, pixels: [UInt8], labels: [Int32]) {
        guard pixels.count == rows * columns * labels.count, labels.allSatisfy({ $0 >= 0 && $0 < classes }) else {
            fatalError("ImageSet: \(pixels.count) pixels, \(labels.count) labels of \(classes) classes")
        }
        (self.rows, self.columns, self.classes, self.pixels, self.labels) = (rows, columns, classes, pixels, labels)
    }

    /// Reads images and labels in the IDX format.
    ///
    /// - Parameters:
    ///   - images: name of the file of pixels, plain or gzip.
    ///   - labels: name of the file of classes, plain or gzip.
    ///   - classes: how many there are: labels are less.
    ///   - transposed: images are stored column by column, as in EMNIST.
    public init(images: String, labels: String, classes: Int, transposed: Bool = false) throws(DataError) {
        let data = try IDX(file: images, dimensions: 3)
        let names = try IDX(file: labels, dimensions: 1)
        guard data.sizes[0] == names.sizes[0] else {
            throw DataError(file: labels, "\(names.sizes[0]) labels for the \(data.sizes[0]) images of '\(images)'")
        }
        if let index = names.bytes.firstIndex(where: { Int($0) >= classes }) {
            throw DataError(
                file: labels, offset: 8 + index,
                "label \(names.bytes[index]), but there are \(classes) classes (0 to \(classes - 1))")
        }
        var pixels = data.bytes
        if transposed {
            let (rows, columns) = (data.sizes[2], data.sizes[1])
            for start in stride(from: 0, to: pixels.count, by: rows * columns) {
                for row in 0..<rows {
                    for column in 0..<columns {
                        pixels[start + row * columns + column] = data.bytes[start + column * rows + row]
                    }
                }
            }
            self.init(rows: rows, columns: columns, classes: classes, pixels: pixels, labels: names.bytes.map(Int32.init))
        } else {
            self.init(
                rows: data.sizes[1], columns: data.sizes[2], classes: classes, pixels: pixels,
                labels: names.bytes.map(Int32.init))
        }
    }

    /// Some of the images.
    public subscript(range: Range<Int>) -> ImageSet {
        ImageSet(
            rows: rows, columns: columns, classes: classes,
            pixels: Array(pixels[range.lowerBound * pixelsPerImage..<range.upperBound * pixelsPerImage]),
            labels: Array(labels[range]))
    }

    /// One image as lines of characters, darker ones for larger numbers.
    public func drawing(of index: Int) -> [String] {
        let ramp = Array(" .:-=+*#%@")
        return (0..<rows).map { row in
            String((0..<columns).map { ramp[Int(pixels[index * pixelsPerImage + row * columns + $0]) * ramp.count / 256] })
        }
    }

    /// Digits as seven-segment displays would draw them, moved, slanted and with noise: for tests and for machines without data.
    public static func drawn(count: Int, seed: UInt64) -> ImageSet {
        //  0     segments by digit: 0 top, 1 upper left, 2 upper right, 3 middle, 4 lower left, 5 lower right, 6 bottom
        // 1 2
        //  3
        // 4 5
        //  6
        let segments: [[Int]] = [
            [0, 1, 2, 4, 5, 6], [2, 5], [0, 2, 3, 4, 6], [0, 2, 3, 5, 6], [1, 2, 3, 5], [0, 1, 3, 5, 6], [0, 1, 3, 4, 5, 6],
            [0, 2, 5], [0, 1, 2, 3, 4, 5, 6], [0, 1, 2, 3, 5, 6],
        ]
        var pixels = [UInt8](repeating: 0, count: count * 784)
        var labels: [Int32] = []
        for image in 0..<count {
            var random = SplitMix64(seed: seed, stream: UInt64(image))
            let label = random.below(10)
            labels.append(Int32(label))
            let left = 6 + random.below(5)
            let top = 3 + random.below(4)
            let width = 8 + random.below(4)
            let half = 8 + random.below(2)
            let thickness = 2 + random.below(2)
            let slant = random.below(3) - 1
            func line(_ fromX: Int, _ fromY: Int, _ isHorizontal: Bool, _ length: Int) {
                for along in 0...length {
                    for across in 0..<thickness {
                        let y = fromY + (isHorizontal ? across : along)
                        let x = fromX + (isHorizontal ? along : across) + slant * (14 - y) / 7
                        if x >= 0 && x < 28 && y >= 0 && y < 28 {
                            pixels[image * 784 + y * 28 + x] = UInt8(180 + random.below(76))
                        }
                    }
                }
            }
            for segment in segments[label] {
                switch segment {
                case 0: line(left, top, true, width)
                case 1: line(left, top, false, half)
                case 2: line(left + width, top, false, half)
                case 3: line(left, top + half, true, width)
                case 4: line(left, top + half, false, half)
                case 5: line(left + width, top + half, false, half)
                default: line(left, top + 2 * half, true, width)
                }
            }
            for _ in 0..<60 { pixels[image * 784 + random.below(784)] = UInt8(random.below(256)) }
        }
        return ImageSet(rows: 28, columns: 28, classes: 10, pixels: pixels, labels: labels)
    }
}

/// Images to learn from and images to be asked about.
public struct DataSet: Sendable {
    /// Where it came from, for people.
    public let origin: String
    /// Images to learn from.
    public let training: ImageSet
    /// Images that training never sees.
    public let test: ImageSet

    /// Where Debian's package dataset-fashion-mnist puts its files.
    public static let fashionMNISTFolder = "/usr/share/datasets/fashion-mnist"

    /// Digits drawn by this program.
    public static func drawn(training: Int = 10_000, test: Int = 2_000, seed: UInt64 = 1) -> DataSet {
        DataSet(
            origin: "digits drawn by this program, no real data", training: .drawn(count: training, seed: seed),
            test: .drawn(count: test, seed: seed ^ 0xffff_ffff))
    }

    private init(origin: String, training: ImageSet, test: ImageSet) {
        (self.origin, self.training, self.test) = (origin, training, test)
    }

    /// Reads a folder with MNIST's, Fashion-MNIST's or EMNIST's files: names that end in `train-images-idx3-ubyte`,
    /// `train-labels-idx1-ubyte`, and `t10k-` or `test-` for `train-`, each plain or with `.gz`. Without test files the last fifth of the
    /// images is held back for the test.
    public init(folder: String, classes: Int = 10, transposed: Bool = false) throws(DataError) {
        func pair(_ names: [String]) throws(DataError) -> ImageSet? {
            guard let images = IDX.find(names.map { "\($0)-images-idx3-ubyte" }, in: folder) else { return nil }
            guard let labels = IDX.find(names.map { "\($0)-labels-idx1-ubyte" }, in: folder) else {
                throw DataError(file: images, "there is no file of labels beside it (…\(names[0])-labels-idx1-ubyte[.gz])")
            }
            return try ImageSet(images: images, labels: labels, classes: classes, transposed: transposed)
        }
        guard let all = try pair(["train"]) else {
            throw DataError(
                file: folder,
                "there is no train-images-idx3-ubyte[.gz] in this folder; install Debian's dataset-fashion-mnist, or name a folder by --data DIR"
            )
        }
        if let test = try pair(["t10k", "test"]) {
            guard test.rows == all.rows && test.columns == all.columns else {
                throw DataError(
                    file: folder, "training images are \(all.rows) x \(all.columns), test images \(test.rows) x \(test.columns)"
                )
            }
            self.init(origin: folder, training: all, test: test)
        } else {
            let held = all.count / 5
            guard held >= 1 else {
                throw DataError(file: folder, "\(all.count) images are too few to hold some back for a test")
            }
            self.init(
                origin: "\(folder), the last \(held) images held back for the test", training: all[0..<all.count - held],
                test: all[all.count - held..<all.count])
        }
    }
}
