internal import CZlib
import Foundation
import Lanes
import LanesFiles
import LanesParallel

/// A checkpoint that cannot be read or written: which file, and why.
public struct CheckpointError: Error, Equatable, CustomStringConvertible {
    /// The name as it was given.
    public let file: String
    /// What is wrong, in a sentence.
    public let reason: String

    /// File and reason.
    public var description: String { "checkpoint '\(file)': \(reason)" }
}

/// A network in a `.safetensors` file, which PyTorch, NumPy and others read: tensors `linear1.weight` (inputs × outputs, so y = x·W + b),
/// `linear1.bias` and so on, and with a trainer's state also `optimizer.first.…` and `optimizer.second.…`.
///
/// The same parameters give the same bytes. Writing goes through a temporary file in the same folder, whose name nobody can predict, `fsync`
/// of file and folder, and a rename: after a crash there is the old file or the new one, and nothing in between. Reading refuses files that
/// are cut, damaged (a checksum of everything is in the metadata), of another kind, or not byte for byte as they would be written.
public enum Checkpoint {
    private struct Tensor: Codable {
        var dtype: String
        var shape: [Int]
        var dataOffsets: [Int]
        private enum CodingKeys: String, CodingKey {
            case dtype, shape
            case dataOffsets = "data_offsets"
        }

        init(dtype: String, shape: [Int], dataOffsets: [Int]) {
            (self.dtype, self.shape, self.dataOffsets) = (dtype, shape, dataOffsets)
        }
    }

    private static let format = "swift-lanes network 2"

    private struct Contents {
        var network: Network<Float>
        var steps: Int
        var batch: Int
        var optimizer: String
        var first: [Float]
        var second: [Float]
    }

    /// True for networks that files can hold: at most 100 layers of up to 2²⁰ units and 2²⁸ weights, and 150 million parameters, so that a file
    /// with an optimizer's state stays below 2 GiB.
    public static func isWritable(_ shape: NetworkShape) -> Bool { areWidths(shape.widths) }

    // One rule for what is written and for what is read.
    private static func areWidths(_ widths: [Int]) -> Bool {
        guard (2...101).contains(widths.count), widths.allSatisfy({ (1...1 << 20).contains($0) }) else { return false }
        let layers = zip(widths, widths.dropFirst())
        return layers.allSatisfy { $0 * $1 <= 1 << 28 } && layers.map { $0 * $1 + $1 }.reduce(0, +) <= 150_000_000
    }

    /// Writes a network.
    public static func write(_ network: Network<Float>, to file: String) throws(CheckpointError) {
        try write(network, steps: 0, batch: 0, optimizer: "", first: [], second: [], to: file)
    }

    /// Writes a trainer's network, and what its optimizer remembers.
    public static func write(_ trainer: Trainer<Float>, to file: String) throws(CheckpointError) {
        let state = trainer.state
        try write(
            trainer.network, steps: trainer.steps, batch: trainer.options.batch, optimizer: trainer.options.optimizer.name,
            first: state.first, second: state.second, to: file)
    }

    /// Reads a network.
    public static func read(_ file: String) throws(CheckpointError) -> Network<Float> { try readAll(file).network }

    /// A trainer that goes on where the one that was written left off.
    ///
    /// Without the optimizer's state in the file, or with another optimizer's, the state begins anew.
    public static func resume(
        _ file: String, options: TrainingOptions, pool: WorkerPool = .shared
    ) throws(CheckpointError) -> Trainer<Float> {
        let all = try readAll(file)
        guard all.batch == 0 || all.batch == options.batch else {
            throw CheckpointError(
                file: file,
                reason:
                    "was trained in batches of \(all.batch), not \(options.batch): its \(all.steps) steps would mean something else"
            )
        }
        let trainer = Trainer(all.network, options: options, pool: pool)
        trainer.resume(steps: all.steps, optimizer: all.optimizer, first: all.first, second: all.second)
        return trainer
    }

    // Name, shape and place in a network's storage of each tensor.
    private static func tensors(_ shape: NetworkShape, prefix: String = "") -> [(name: String, shape: [Int], start: Int)] {
        shape.layers.enumerated().flatMap { index, layer in
            [
                ("\(prefix)linear\(index + 1).weight", [layer.inputs, layer.outputs], layer.weights),
                ("\(prefix)linear\(index + 1).bias", [layer.outputs], layer.bias),
            ]
        }
    }

    internal static func write(
        _ network: Network<Float>, steps: Int, batch: Int, optimizer: String, first: [Float], second: [Float], to file: String
    ) throws(CheckpointError) {
        guard isWritable(network.shape) else {
            throw CheckpointError(
                file: file,
                reason:
                    "a network of widths \(network.shape.widths.prefix(8))… with \(network.shape.parameterCount) parameters is too large"
            )
        }
        var data = Data()
        func append(_ numbers: UnsafeBufferPointer<Float>) {
            for (_, shape, start) in tensors(network.shape) {
                for index in start..<start + shape.reduce(1, *) {
                    unsafe withUnsafeBytes(of: numbers[index].bitPattern.littleEndian) { unsafe data.append(contentsOf: $0) }
                }
            }
        }
        unsafe append(UnsafeBufferPointer(start: network.parameters.base, count: network.shape.storageCount))
        unsafe first.withUnsafeBufferPointer { if !first.isEmpty { unsafe append($0) } }
        unsafe second.withUnsafeBufferPointer { if !second.isEmpty { unsafe append($0) } }
        var header = Header(
            widths: network.shape.widths, steps: steps, batch: batch, optimizer: optimizer, hasFirst: !first.isEmpty,
            hasSecond: !second.isEmpty)
        header.checksum = header.checksum(of: data)
        let text = header.text
        var contents = Data()
        unsafe withUnsafeBytes(of: UInt64(text.count).littleEndian) { unsafe contents.append(contentsOf: $0) }
        contents += text
        contents += data
        do { try FileReplacement.write(contents, to: file) } catch { throw CheckpointError(file: file, reason: error.reason) }
    }

    /// What stands before the tensors. The same values always have the same text, so a reader can ask for just that one.
    private struct Header {
        var widths: [Int]
        var steps: Int
        var batch: Int
        var optimizer: String
        var hasFirst: Bool
        var hasSecond: Bool
        var checksum = ""

        /// Names before those of the network's tensors, in the order in which they stand in the file.
        var prefixes: [String] { [""] + (hasFirst ? ["optimizer.first."] : []) + (hasSecond ? ["optimizer.second."] : []) }

        var text: Data {
            var header: [String: Tensor] = [:]
            var begin = 0
            for prefix in prefixes {
                for (name, shape, _) in tensors(NetworkShape(widths), prefix: prefix) {
                    let end = begin + 4 * shape.reduce(1, *)
                    header[name] = Tensor(dtype: "F32", shape: shape, dataOffsets: [begin, end])
                    begin = end
                }
            }
            let metadata = [
                "format": format, "widths": widths.map(String.init).joined(separator: ","), "steps": String(steps),
                "batch": String(batch), "optimizer": optimizer, "crc32": checksum,
            ]
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            // Strings and whole numbers: nothing that JSON has no form for.
            var text =
                Data("{\"__metadata__\":".utf8) + (try! encoder.encode(metadata)) + Data(",".utf8)
                + (try! encoder.encode(header)).dropFirst()
            while text.count % 8 != 0 { text.append(UInt8(ascii: " ")) }
            return text
        }

        /// CRC-32 of the tensors and of this text without a checksum.
        func checksum(of data: Data) -> String {
            var plain = self
            plain.checksum = ""
            var sum: UInt = 0
            for part in [data, plain.text] {
                sum = unsafe part.withUnsafeBytes { bytes in
                    unsafe crc32_z(sum, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count)
                }
            }
            return String(sum, radix: 16)
        }
    }

    private static func readAll(
        _ file: String
    ) throws(CheckpointError) -> Contents {
        if let complaint = complaintAboutKind(of: file) { throw CheckpointError(file: file, reason: complaint) }
        guard let handle = FileHandle(forReadingAtPath: file) else {
            throw CheckpointError(file: file, reason: "cannot be opened")
        }
        defer { try? handle.close() }
        // Far above any network of this kind, far below memory.
        let limit = 1 << 31
        guard let size = try? handle.seekToEnd(), size <= limit, (try? handle.seek(toOffset: 0)) != nil,
            let contents = try? handle.readToEnd(), contents.count >= 8
        else {
            throw CheckpointError(
                file: file, reason: "is no safetensors file: shorter than 8 bytes, larger than 2 GiB or not readable")
        }
        let headerCount = contents.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        // A hundred layers with an optimizer's state have some 70 KB of it.
        guard headerCount <= contents.count - 8, headerCount <= 1 << 20 else {
            throw CheckpointError(
                file: file, reason: "is no safetensors file, or cut: its header would have \(headerCount) bytes")
        }
        let text = Data(contents.dropFirst(8).prefix(Int(headerCount)))
        guard let object = try? JSONSerialization.jsonObject(with: text) as? [String: Any] else {
            throw CheckpointError(file: file, reason: "is no safetensors file: its header is not JSON")
        }
        guard let metadata = object["__metadata__"] as? [String: String], metadata["format"] == format else {
            throw CheckpointError(
                file: file, reason: "was not written by this program (no format \"\(format)\" in its metadata)")
        }
        let widths = (metadata["widths"] ?? "").split(separator: ",").map { Int($0) ?? 0 }
        guard let steps = Int(metadata["steps"] ?? ""), steps >= 0, steps <= 1 << 40, let batch = Int(metadata["batch"] ?? ""),
            batch >= 0, let optimizer = metadata["optimizer"], optimizer.utf8.count < 100, areWidths(widths)
        else { throw CheckpointError(file: file, reason: "its metadata describe no network") }
        let header = Header(
            widths: widths, steps: steps, batch: batch, optimizer: optimizer,
            hasFirst: object["optimizer.first.linear1.weight"] != nil,
            hasSecond: object["optimizer.second.linear1.weight"] != nil, checksum: metadata["crc32"] ?? "")
        // Before memory is asked for: the tensors must be there.
        let shape = NetworkShape(widths)
        let data = contents.dropFirst(8 + Int(headerCount))
        let expected = 4 * header.prefixes.count * shape.parameterCount
        guard data.count == expected else {
            throw CheckpointError(
                file: file,
                reason:
                    "is \(data.count < expected ? "cut" : "too long"): \(data.count) bytes of tensors, where its \(shape.parameterCount) parameters and its optimizer's state have \(expected)"
            )
        }
        guard header.text == text else {
            throw CheckpointError(file: file, reason: "is damaged: its header is not the one that belongs to its metadata")
        }
        guard header.checksum(of: data) == header.checksum else {
            throw CheckpointError(file: file, reason: "is damaged: its checksum is another")
        }
        var place = 0
        func numbers() -> [Float] {
            var storage = [Float](repeating: 0, count: shape.storageCount)
            unsafe data.withUnsafeBytes { bytes in
                for (_, size, start) in tensors(shape) {
                    for index in start..<start + size.reduce(1, *) {
                        let bits = unsafe bytes.loadUnaligned(fromByteOffset: place, as: UInt32.self)
                        storage[index] = Float(bitPattern: UInt32(littleEndian: bits))
                        place += 4
                    }
                }
            }
            return storage
        }
        let parameters = numbers()
        let first = header.hasFirst ? numbers() : []
        let second = header.hasSecond ? numbers() : []
        guard parameters.allSatisfy(\.isFinite) else {
            throw CheckpointError(file: file, reason: "holds numbers that are not finite")
        }
        guard first.allSatisfy(\.isFinite), second.allSatisfy({ $0.isFinite && $0 >= 0 }) else {
            throw CheckpointError(
                file: file,
                reason: "holds an optimizer's state that no training has: numbers that are not finite, or negative squares")
        }
        return Contents(
            network: Network(shape: shape, parameters: Buffer(parameters)), steps: steps, batch: batch, optimizer: optimizer,
            first: first, second: second)
    }
}
