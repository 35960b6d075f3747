import Foundation
import Lanes
import LanesParallel
import Testing

@testable import LanesNN

@Suite struct DataTests {
    private let folder: String

    init() throws {
        folder = NSTemporaryDirectory() + "lanes-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    private func write(_ name: String, _ bytes: [UInt8]) throws -> String {
        try Data(bytes).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
        return "\(folder)/\(name)"
    }

    private func idx(_ sizes: [Int], _ bytes: [UInt8]) -> [UInt8] {
        [0, 0, 8, UInt8(sizes.count)] + sizes.flatMap { size in (0..<4).map { UInt8(size >> (24 - 8 * $0) & 255) } } + bytes
    }

    @Test func readsWhatIsThere() throws {
        let pixels = (0..<30).map { UInt8($0) }
        let images = try write("train-images-idx3-ubyte", idx([5, 2, 3], pixels))
        let labels = try write("train-labels-idx1-ubyte", idx([5], [0, 1, 2, 3, 9]))
        let set = try ImageSet(images: images, labels: labels, classes: 10)
        #expect(set.count == 5 && set.rows == 2 && set.columns == 3 && set.pixels == pixels && set.labels == [0, 1, 2, 3, 9])
        let turned = try ImageSet(images: images, labels: labels, classes: 10, transposed: true)
        #expect(turned.rows == 3 && turned.columns == 2 && Array(turned.pixels[0..<6]) == [0, 3, 1, 4, 2, 5])
        // Without test files the last fifth is held back.
        let data = try DataSet(folder: folder)
        #expect(data.training.count == 4 && data.test.count == 1 && data.test.labels == [9])
    }

    @Test func damagedFilesAreNamedWithTheirOffset() throws {
        let good = idx([5, 2, 3], (0..<30).map { UInt8($0) })
        func reading(_ bytes: [UInt8], _ dimensions: Int = 3) throws -> DataError? {
            let file = try write("x", bytes)
            do { _ = try IDX(file: file, dimensions: dimensions) } catch { return error }
            return nil
        }
        #expect(try reading(good) == nil)
        for count in 0..<good.count { #expect(try reading(Array(good[0..<count]))?.reason.hasPrefix("ends here") == true) }
        #expect(try reading(Array(good[0..<20]))?.offset == 20)
        #expect(try reading(good + [1])?.reason == "goes on after its array")
        #expect(try reading([1] + good.dropFirst())?.offset == 0)
        #expect(try reading(good, 1)?.offset == 0)
        #expect(try reading(idx([1 << 31, 1 << 31, 4], []))?.offset == 8)
        #expect(try reading(idx([0, 2, 3], []))?.offset == 4)
        // Says two gigabytes, holds nothing: an error, and no two gigabytes of memory.
        #expect(try reading(idx([1 << 30, 2, 1], []))?.offset == 16)
        #expect(throws: DataError.self) { _ = try IDX(file: "\(folder)/missing", dimensions: 1) }
        let images = try write("images", good)
        #expect(throws: DataError.self) {
            _ = try ImageSet(images: images, labels: write("few", idx([4], [0, 1, 2, 3])), classes: 10)
        }
        let large = try write("large", idx([5], [0, 1, 2, 3, 10]))
        let error = #expect(throws: DataError.self) { _ = try ImageSet(images: images, labels: large, classes: 10) }
        #expect(error?.offset == 12)
        #expect(throws: DataError.self) { _ = try DataSet(folder: folder) }
    }

    // zlib unpacks short reads through a buffer of its own, long ones to ours.
    @Test(arguments: [5, 5000]) func checksumsOfGzipAreCompared(images: Int) throws {
        let bytes = idx([images, 2, 3], (0..<6 * images).map { UInt8($0 % 251) })
        func little(_ value: UInt32, _ count: Int = 4) -> [UInt8] {
            (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
        }
        var sum = UInt32.max
        for byte in bytes {
            sum ^= UInt32(byte)
            for _ in 0..<8 { sum = sum & 1 == 1 ? sum >> 1 ^ 0xedb8_8320 : sum >> 1 }
        }
        let count = UInt32(bytes.count)
        // A header, one block that is stored as it is, the checksum, the length.
        func packed(_ checksum: UInt32, _ length: UInt32) -> [UInt8] {
            [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1] + little(count, 2) + little(~count, 2) + bytes + little(checksum)
                + little(length)
        }
        #expect(try IDX(file: write("good.gz", packed(~sum, count)), dimensions: 3).bytes.count == 6 * images)
        for wrong in [packed(~sum ^ 1, count), packed(~sum, count + 1)] {
            let file = try write("wrong.gz", wrong)
            let error = #expect(throws: DataError.self) { _ = try IDX(file: file, dimensions: 3) }
            #expect(error?.reason.contains("is damaged") == true)
        }
        for missing in 1...8 {
            let file = try write("cut.gz", packed(~sum, count).dropLast(missing))
            let error = #expect(throws: DataError.self) { _ = try IDX(file: file, dimensions: 3) }
            #expect(error?.reason == "ends early: its checksum is missing")
        }
    }

    @Test func everyByteMayBeWrong() throws {
        // A small fuzzer: files with random bytes changed and cut are read or refused, and nothing else happens.
        let good = idx([5, 2, 3], (0..<30).map { UInt8($0) })
        var random = SplitMix64(seed: 1)
        for _ in 0..<2000 {
            var bytes = good
            for _ in 0...random.below(4) { bytes[random.below(bytes.count)] = UInt8(random.below(256)) }
            let file = try write("fuzz", Array(bytes[0..<random.below(bytes.count + 1)]))
            do { #expect(try IDX(file: file, dimensions: 3).bytes.count < 60) } catch { #expect(error.file == file) }
        }
        let checkpoint = "\(folder)/c.safetensors"
        try Checkpoint.write(Network<Float>(shape: NetworkShape([4, 3])), to: checkpoint)
        let whole = [UInt8](try Data(contentsOf: URL(fileURLWithPath: checkpoint)))
        for _ in 0..<2000 {
            var bytes = whole
            for _ in 0...random.below(4) { bytes[random.below(bytes.count)] = UInt8(random.below(256)) }
            bytes.removeLast(random.below(4) == 0 ? random.below(bytes.count) : 0)
            let file = try write("fuzz.safetensors", bytes)
            if bytes != whole { _ = try? Checkpoint.read(file) }
        }
    }

    @Test func checkpointsComeBack() throws {
        let file = "\(folder)/model.safetensors"
        let images = ImageSet.drawn(count: 64, seed: 1)
        for optimizer in [Optimizer.sgd(), .sgd(momentum: 0.9), .adam()] {
            var options = TrainingOptions()
            options.optimizer = optimizer
            let trainer = Trainer(Network<Float>(shape: NetworkShape([784, 17, 10])), options: options)
            let order = Array(0..<Int64(64))
            for _ in 0..<3 { try trainer.step(images, indices: order[...]) }
            try Checkpoint.write(trainer, to: file)
            let resumed = try Checkpoint.resume(file, options: options)
            #expect(resumed.steps == 3)
            try trainer.step(images, indices: order[0..<40])
            try resumed.step(images, indices: order[0..<40])
            #expect(resumed.network.layer(0).weights == trainer.network.layer(0).weights)
            #expect(try Checkpoint.read(file).shape == trainer.shape)
        }
        // The same parameters, the same bytes; nothing is left beside the file.
        let network = Network<Float>(shape: NetworkShape([784, 17, 10]), seed: 4)
        try Checkpoint.write(network, to: file)
        let first = try Data(contentsOf: URL(fileURLWithPath: file))
        try Checkpoint.write(try Checkpoint.read(file), to: file)
        #expect(try Data(contentsOf: URL(fileURLWithPath: file)) == first)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).allSatisfy { !$0.hasSuffix(".tmp") })
    }

    @Test func damagedCheckpointsAreRefused() throws {
        let file = "\(folder)/model.safetensors"
        try Checkpoint.write(Network<Float>(shape: NetworkShape([20, 10])), to: file)
        let good = [UInt8](try Data(contentsOf: URL(fileURLWithPath: file)))
        for count in stride(from: 0, to: good.count, by: 7) {
            let cut = try write("cut", Array(good[0..<count]))
            #expect(throws: CheckpointError.self) { _ = try Checkpoint.read(cut) }
        }
        // Every byte of it counts, those of the header too, and there is none after the last.
        for position in good.indices {
            var bytes = good
            bytes[position] ^= 4
            let damaged = try write("damaged", bytes)
            #expect(throws: CheckpointError.self, "byte \(position)") { _ = try Checkpoint.read(damaged) }
        }
        let longer = try write("longer", good + [0, 0, 0, 0])
        #expect(throws: CheckpointError.self) { _ = try Checkpoint.read(longer) }
        let foreign = try write("foreign", Array("{\"a\":1}".utf8) + [UInt8](repeating: 0, count: 100))
        #expect(throws: CheckpointError.self) { _ = try Checkpoint.read(foreign) }
        // Where it cannot be written, the old file stays.
        #expect(throws: CheckpointError.self) {
            try Checkpoint.write(Network<Float>(shape: NetworkShape([2, 2])), to: "\(folder)/no/such/x")
        }
    }

    /// A file with a right checksum whose optimizer's state no training has, and one of so many steps that nobody can take.
    @Test func statesThatNoTrainingHasAreRefused() throws {
        let file = "\(folder)/model.safetensors"
        var options = TrainingOptions()
        options.optimizer = .adam()
        let trainer = Trainer(Network<Float>(shape: NetworkShape([784, 3, 10])), options: options)
        try trainer.step(ImageSet.drawn(count: 64, seed: 1), indices: Array(0..<Int64(64))[...])
        for (first, second) in [(Float.nan, Float(1)), (.infinity, 1), (0, -1), (0, .nan), (0, .infinity)] {
            try Checkpoint.write(
                trainer.network, steps: 1, batch: 64, optimizer: "adam",
                first: [Float](repeating: first, count: trainer.state.first.count),
                second: [Float](repeating: second, count: trainer.state.second.count), to: file)
            let error = #expect(throws: CheckpointError.self) { _ = try Checkpoint.resume(file, options: options) }
            #expect(error?.reason.contains("state that no training has") == true)
        }
        try Checkpoint.write(
            trainer.network, steps: 1 << 40, batch: 64, optimizer: "adam", first: trainer.state.first,
            second: trainer.state.second,
            to: file)
        #expect(try Checkpoint.resume(file, options: options).steps == 1 << 40)
    }

    /// What can be written can be read, and what cannot be read is not written.
    @Test func oneRuleForWritingAndReading() throws {
        let file = "\(folder)/model.safetensors"
        let deep = Network<Float>(shape: NetworkShape([Int](repeating: 2, count: 101)))
        try Checkpoint.write(deep, to: file)
        #expect(try Checkpoint.read(file).shape == deep.shape)
        let before = try Data(contentsOf: URL(fileURLWithPath: file))
        for widths in [[Int](repeating: 2, count: 102), [1 << 20 + 1, 1]] {
            #expect(!Checkpoint.isWritable(NetworkShape(widths)))
            #expect(throws: CheckpointError.self) {
                try Checkpoint.write(Network<Float>(shape: NetworkShape(widths)), to: file)
            }
        }
        #expect(try Data(contentsOf: URL(fileURLWithPath: file)) == before)
    }

    /// Links and files that somebody has put beside a checkpoint are not written to, and no device or pipe is replaced.
    @Test func writingTouchesNothingElse() throws {
        let file = "\(folder)/model.safetensors"
        let victim = try write("victim", [1, 2, 3])
        unsafe symlink(victim, "\(file).\(ProcessInfo.processInfo.processIdentifier).tmp")
        let network = Network<Float>(shape: NetworkShape([4, 3]))
        try Checkpoint.write(network, to: file)
        #expect(try Data(contentsOf: URL(fileURLWithPath: victim)) == Data([1, 2, 3]))
        let pipe = "\(folder)/pipe"
        unsafe mkfifo(pipe, 0o600)
        let error = #expect(throws: CheckpointError.self) { try Checkpoint.write(network, to: pipe) }
        #expect(error?.reason == "is there and is no file")
        var status = stat()
        #expect(unsafe lstat(pipe, &status) == 0 && status.st_mode & S_IFMT == S_IFIFO)
    }

    @Test(arguments: [1, 3], [1, 5]) func loadersGiveEveryImageOnce(threads: Int, depth: Int) throws {
        let images = ImageSet.drawn(count: 203, seed: 1)
        func batches(_ threads: Int, _ augmentation: Augmentation) -> [[Float]] {
            let loader = BatchLoader<Float>(
                images, batch: 16, seed: 3, epoch: 2, augmentation: augmentation, depth: depth, threads: threads)
            var result: [[Float]] = []
            while let batch = loader.next() {
                unsafe result.append(Array(UnsafeBufferPointer(start: batch.rows.base, count: batch.count * 784)))
                loader.recycle(batch)
            }
            return result
        }
        let plain = batches(threads, .none)
        #expect(plain.map { $0.count / 784 } == [Int](repeating: 16, count: 12) + [11])
        let order = SplitMix64.shuffled(count: 203, seed: 3, epoch: 2)
        #expect(order.sorted() == Array(0..<203))
        #expect(
            plain.joined().elementsEqual(
                order.flatMap { index in images.pixels[Int(index) * 784..<Int(index + 1) * 784].map { Float($0) / 256 } }))
        // Who made a batch does not matter.
        let changed = Augmentation(shift: 2, noise: 0.1)
        #expect(batches(threads, changed) == batches(1, changed))
        #expect(batches(threads, changed) != plain)
        // Stopped in the middle: the threads end.
        let early = BatchLoader<Float>(images, batch: 4, seed: 3, epoch: 2, depth: depth, threads: threads)
        _ = early.next()
    }

    @Test func shiftsMoveImages() {
        var random = SplitMix64(seed: 1)
        var moved = 0
        for _ in 0..<50 {
            var image: [Float] = (0..<25).map { $0 == 12 ? 1 : 0 }
            unsafe image.withUnsafeMutableBufferPointer { unsafe Augmentation(shift: 1, noise: 0).apply($0, 5, 5, &random) }
            #expect(image.reduce(0, +) == 1)
            moved += image[12] == 0 ? 1 : 0
        }
        #expect(moved > 20)
    }
}
