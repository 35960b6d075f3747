internal import CZlib
import Foundation
import Glibc
import Lanes
import LanesParallel

/// A checkpoint that cannot be read or written: which file, and why.
public struct CheckpointError: Error, Equatable, CustomStringConvertible {
    public let file: String
    public let reason: String

    public var description: String { "checkpoint '\(file)': \(reason)" }
}

/// A network in a `.safetensors` file, which PyTorch, NumPy and others read: tensors `linear1.weight` (inputs × outputs, so y = x·W + b),
/// `linear1.bias` and so on, and with a trainer's state also `optimizer.first.…` and `optimizer.second.…`.
///
/// The same parameters give the same bytes. Writing goes through a temporary file in the same folder, `fsync` and a rename: after a crash
/// there is the old file or the new one, and nothing in between. Reading refuses files that are cut, damaged (a checksum of the
/// tensors is in the metadata), or of another kind.
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

    private static let format = "swift-lanes network 1"

    private struct Contents {
        var network: Network<Float>
        var steps: Int
        var batch: Int
        var optimizer: String
        var first: [Float]
        var second: [Float]
    }

    /// True for networks that files can hold: at most 100 layers and, with an optimizer's state, 2 GiB.
    public static func isWritable(_ shape: NetworkShape) -> Bool {
        shape.widths.count <= 101 && shape.parameterCount <= 150_000_000
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

    private static func write(
        _ network: Network<Float>, steps: Int, batch: Int, optimizer: String, first: [Float], second: [Float], to file: String
    ) throws(CheckpointError) {
        guard isWritable(network.shape) else {
            throw CheckpointError(file: file, reason: "a network of \(network.shape.parameterCount) parameters is too large")
        }
        var data = Data()
        var header: [String: Tensor] = [:]
        func append(_ numbers: UnsafeBufferPointer<Float>, _ prefix: String) {
            for (name, shape, start) in tensors(network.shape, prefix: prefix) {
                let begin = data.count
                let count = shape.reduce(1, *)
                for index in start..<start + count {
                    unsafe withUnsafeBytes(of: numbers[index].bitPattern.littleEndian) { unsafe data.append(contentsOf: $0) }
                }
                header[name] = Tensor(dtype: "F32", shape: shape, dataOffsets: [begin, data.count])
            }
        }
        unsafe append(UnsafeBufferPointer(start: network.parameters.base, count: network.shape.storageCount), "")
        unsafe first.withUnsafeBufferPointer { if !first.isEmpty { unsafe append($0, "optimizer.first.") } }
        unsafe second.withUnsafeBufferPointer { if !second.isEmpty { unsafe append($0, "optimizer.second.") } }

        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let metadata = [
            "format": format, "widths": network.shape.widths.map(String.init).joined(separator: ","), "steps": String(steps),
            "batch": String(batch), "optimizer": optimizer,
            "crc32": String(checksum(data), radix: 16),
        ]
        guard let tensorText = try? encoder.encode(header), let metadataText = try? encoder.encode(metadata) else {
            throw CheckpointError(file: file, reason: "its header cannot be encoded")
        }
        var text = Data("{\"__metadata__\":".utf8) + metadataText + Data(",".utf8) + tensorText.dropFirst()
        while text.count % 8 != 0 { text.append(UInt8(ascii: " ")) }
        var contents = Data()
        unsafe withUnsafeBytes(of: UInt64(text.count).littleEndian) { unsafe contents.append(contentsOf: $0) }
        contents += text
        contents += data
        try replace(file, with: contents)
    }

    private static func replace(_ file: String, with contents: Data) throws(CheckpointError) {
        let temporary = "\(file).\(ProcessInfo.processInfo.processIdentifier).tmp"
        func fail(_ what: String) -> CheckpointError {
            let reason = unsafe String(cString: strerror(errno))
            unsafe unlink(temporary)
            return CheckpointError(file: file, reason: "\(what): \(reason)")
        }
        let descriptor = unsafe open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw fail("cannot write beside it") }
        var done = 0
        while done < contents.count {
            let written = unsafe contents.withUnsafeBytes {
                unsafe Glibc.write(descriptor, $0.baseAddress! + done, $0.count - done)
            }
            if written < 0 && errno == EINTR { continue }
            guard written > 0 else {
                let error = fail("cannot write")
                close(descriptor)
                throw error
            }
            done += written
        }
        guard fsync(descriptor) == 0 else {
            let error = fail("cannot write to the disk")
            close(descriptor)
            throw error
        }
        guard close(descriptor) == 0 else { throw fail("cannot write") }
        guard unsafe rename(temporary, file) == 0 else { throw fail("cannot put the new file in its place") }
        // The rename itself reaches the disk with its folder.
        let folder = unsafe open(
            (file as NSString).deletingLastPathComponent.isEmpty ? "." : (file as NSString).deletingLastPathComponent, O_RDONLY)
        if folder >= 0 {
            fsync(folder)
            close(folder)
        }
    }

    private static func checksum(_ data: Data) -> UInt {
        unsafe data.withUnsafeBytes { bytes in
            unsafe crc32_z(0, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count)
        }
    }

    private static func readAll(
        _ file: String
    ) throws(CheckpointError) -> Contents {
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
        guard headerCount <= contents.count - 8 else {
            throw CheckpointError(
                file: file, reason: "is no safetensors file, or cut: its header would have \(headerCount) bytes")
        }
        let text = contents.dropFirst(8).prefix(Int(headerCount))
        guard let object = try? JSONSerialization.jsonObject(with: Data(text)) as? [String: Any] else {
            throw CheckpointError(file: file, reason: "is no safetensors file: its header is not JSON")
        }
        guard let metadata = object["__metadata__"] as? [String: String], metadata["format"] == format else {
            throw CheckpointError(
                file: file, reason: "was not written by this program (no format \"\(format)\" in its metadata)")
        }
        let widths = (metadata["widths"] ?? "").split(separator: ",").map { Int($0) ?? 0 }
        guard let steps = Int(metadata["steps"] ?? ""), steps >= 0, steps <= 1 << 40, let batch = Int(metadata["batch"] ?? "0"),
            widths.count >= 2, widths.count <= 100,
            widths.allSatisfy({ $0 >= 1 && $0 <= 1 << 20 }), zip(widths, widths.dropFirst()).allSatisfy({ $0 * $1 <= 1 << 28 })
        else { throw CheckpointError(file: file, reason: "its metadata describe no network") }
        let data = Data(contents.dropFirst(8 + Int(headerCount)))
        guard metadata["crc32"] == String(checksum(data), radix: 16) else {
            throw CheckpointError(file: file, reason: "is damaged or cut: the checksum of its tensors is another")
        }
        // Before memory is asked for: the tensors must be there.
        let count = zip(widths, widths.dropFirst()).map { $0 * $1 + $1 }.reduce(0, +)
        guard data.count >= 4 * count else {
            throw CheckpointError(
                file: file, reason: "is cut: \(data.count) bytes of tensors for a network of \(count) parameters")
        }
        let shape = NetworkShape(widths)
        func numbers(_ prefix: String) throws(CheckpointError) -> [Float]? {
            var storage = [Float](repeating: 0, count: shape.storageCount)
            for (name, expected, start) in tensors(shape, prefix: prefix) {
                guard let tensor = object[name] as? [String: Any] else {
                    if prefix.isEmpty { throw CheckpointError(file: file, reason: "tensor \(name) is missing") }
                    return nil
                }
                let count = expected.reduce(1, *)
                guard tensor["dtype"] as? String == "F32", tensor["shape"] as? [Int] == expected,
                    let offsets = tensor["data_offsets"] as? [Int], offsets.count == 2, offsets[0] >= 0,
                    offsets[0] <= offsets[1], offsets[1] <= data.count, offsets[1] - offsets[0] == 4 * count
                else { throw CheckpointError(file: file, reason: "tensor \(name) is not F32 of \(expected)") }
                for index in 0..<count {
                    let bytes = data[offsets[0] + 4 * index..<offsets[0] + 4 * index + 4]
                    storage[start + index] = Float(bitPattern: bytes.reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) })
                }
            }
            return storage
        }
        let parameters = try numbers("")!
        guard parameters.allSatisfy(\.isFinite) else {
            throw CheckpointError(file: file, reason: "holds numbers that are not finite")
        }
        return Contents(
            network: Network(shape: shape, parameters: Buffer(parameters)), steps: steps, batch: batch,
            optimizer: metadata["optimizer"] ?? "", first: try numbers("optimizer.first.") ?? [],
            second: try numbers("optimizer.second.") ?? [])
    }
}
