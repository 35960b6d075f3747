// Bytes of libFuzzer as files for every reader: IDX, image sets, checkpoints, PNG and PGM, arrays of PyTorch and NumPy, results of the
// laboratory, shapes. A reader may refuse a file by an error; whatever
// else ends the process is found. The first byte chooses the reader.
//
// usage: fuzz [libFuzzer's options] [CORPUS]     with FUZZ_SEEDS=DIR it writes right files to begin with, and ends
import Foundation
import Lanes
import LanesFiles
import LanesNN

struct Failure: Error {
    let text: String
    init(_ text: String) { self.text = text }
}

/// A file without a name in the file system, which readers open through its descriptor.
func makeFile() -> (descriptor: Int32, name: String) {
    var template = Array("\(NSTemporaryDirectory())/lanes-fuzz-XXXXXX".utf8CString)
    let descriptor = unsafe mkstemp(&template)
    guard descriptor >= 0 else { fatalError("no temporary file") }
    unsafe unlink(&template)
    return (descriptor, "/proc/self/fd/\(descriptor)")
}

let (first, second) = (makeFile(), makeFile())

func put(_ bytes: ArraySlice<UInt8>, _ file: (descriptor: Int32, name: String)) {
    guard ftruncate(file.descriptor, 0) == 0 else { fatalError("a file in memory cannot be emptied") }
    unsafe bytes.withUnsafeBytes { unsafe guardedWrite(file.descriptor, $0) }
}

@unsafe func guardedWrite(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) {
    guard unsafe pwrite(descriptor, bytes.baseAddress, bytes.count, 0) == bytes.count else { fatalError("a short write") }
}

/// A checkpoint whose checksum fits, so that what lies behind that check is reached too.
func withChecksum(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    guard bytes.count > 8 else { return bytes }
    let header = bytes.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    guard header <= bytes.count - 8 else { return bytes }
    let end = bytes.startIndex + 8 + Int(header)
    let text = String(decoding: bytes[bytes.startIndex + 8..<end], as: UTF8.self)
    guard let key = text.range(of: #""crc32" ?: ?"[0-9a-f]*""#, options: .regularExpression) else { return bytes }
    func headerBytes(_ checksum: String) -> [UInt8] {
        var text = text.replacingCharacters(in: key, with: "\"crc32\":\"\(checksum)\"")
        while text.hasSuffix(" ") { text.removeLast() }
        return Array(text.utf8) + [UInt8](repeating: 32, count: (8 - text.utf8.count % 8) % 8)
    }
    var sum = UInt32.max
    for byte in Array(bytes[end...]) + headerBytes("") {
        sum ^= UInt32(byte)
        for _ in 0..<8 { sum = sum & 1 == 1 ? sum >> 1 ^ 0xedb8_8320 : sum >> 1 }
    }
    let fixed = headerBytes(String(~sum, radix: 16))
    let size = unsafe withUnsafeBytes(of: UInt64(fixed.count).littleEndian) { unsafe Array($0) }
    return ArraySlice(size + fixed + bytes[end...])
}

func test(_ bytes: ArraySlice<UInt8>) {
    guard let choice = bytes.first else { return }
    let rest = bytes.dropFirst()
    switch choice % 10 {
    case 0:
        put(rest, first)
        _ = try? IDX(file: first.name, dimensions: 3)
    case 1:
        put(rest, first)
        _ = try? IDX(file: first.name, dimensions: 1)
    case 2:  // images and labels, cut where the second byte says
        guard let place = rest.first else { return }
        let half = rest.startIndex + 1 + Int(place) * max(0, rest.count - 1) / 256
        put(rest[(rest.startIndex + 1)..<half], first)
        put(rest[half...], second)
        if let images = try? ImageSet(images: first.name, labels: second.name, classes: 10) {
            precondition(images.labels.allSatisfy { (0..<10).contains($0) } && !images.drawing(of: 0).isEmpty)
        }
    case 3, 4:
        put(choice % 10 == 3 ? rest : withChecksum(rest), first)
        if let network = try? Checkpoint.read(first.name) { precondition(network.shape.widths.count >= 2) }
    case 5:
        put(rest, first)
        if let record = try? LaboratoryFile.read(first.name) {
            precondition(Set(record.experiments.map(\.id)).count == record.experiments.count)
            _ = try? JSONEncoder().encode(record)
        }
    case 6:
        put(rest, first)
        if let shapes = try? Shape.list(file: first.name) {
            precondition(shapes.allSatisfy { $0.flops > 0 && $0.beta.isFinite && !$0.description.isEmpty })
        }
    case 7:
        put(rest, first)
        if let file = try? SafeTensors(first.name) {
            for entry in file.entries {
                precondition(entry.count >= 0)
                _ = try? file.matrix(entry.name, as: Double.self).rows
                _ = try? file.view(entry.name).rows
            }
        }
    case 8:
        put(rest, first)
        if let array = try? NumPyFile.matrix(first.name, as: Double.self).elements { precondition(array.count >= 0) }
    default:
        put(rest, first)
        if let file = try? ImageFile(first.name, check: { _, _ in }) {
            precondition(file.count >= 1)
            _ = try? file.next(1, isLast: file.count == 1)
        }
    }
}

/// Small right files of every kind.
func writeSeeds(_ folder: String) throws {
    func save(_ name: String, _ choice: UInt8, _ bytes: [UInt8]) throws {
        try Data([choice] + bytes).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
    }
    let images: [UInt8] = [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8]
    let labels: [UInt8] = [0, 0, 8, 1, 0, 0, 0, 2, 3, 9]
    try save("images", 0, images)
    try save("labels", 1, labels)
    try save("set", 2, [UInt8(images.count * 256 / (images.count + labels.count) + 1)] + images + labels)
    let checkpoint = "\(folder)/checkpoint.safetensors"
    try Checkpoint.write(Network<Float>(shape: NetworkShape([4, 3, 2])), to: checkpoint)
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: checkpoint)))
    try FileManager.default.removeItem(atPath: checkpoint)
    try save("checkpoint", 3, bytes)
    try save("checkpoint-summed", 4, bytes)
    try save("shapes", 6, Array("NN 1 2 3\nTN 4 5 6 7 0.5  # a comment\n".utf8))
    let recorded = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("laboratory.json")
    _ = try LaboratoryFile.read(recorded.path)  // or the seed leads nowhere
    try save("laboratory", 5, [UInt8](try Data(contentsOf: recorded)))
    let arrays = "\(folder)/arrays"
    var writer = SafeTensorsWriter()
    writer.add("w", Matrix<Float>([[1, 2], [3, 4]]))
    writer.add("b", [1.5, 2])
    try writer.write(to: arrays)
    try save("tensors", 7, [UInt8](try Data(contentsOf: URL(fileURLWithPath: arrays))))
    try NumPyFile.write(Matrix<Float>([[1, 2], [3, 4]]), to: arrays)
    try save("npy", 8, [UInt8](try Data(contentsOf: URL(fileURLWithPath: arrays))))
    try FileManager.default.removeItem(atPath: arrays)
    try save("pgm", 9, Array("P5 2 2 255\n".utf8) + [1, 2, 3, 4])
}

@_cdecl("LLVMFuzzerInitialize") public func initialize(_ count: OpaquePointer, _ arguments: OpaquePointer) -> CInt {
    guard let folder = ProcessInfo.processInfo.environment["FUZZ_SEEDS"] else { return 0 }
    do { try writeSeeds(folder) } catch { fatalError("\(error)") }
    exit(0)
}

@_cdecl("LLVMFuzzerTestOneInput") public func testOneInput(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    test(unsafe Array(UnsafeBufferPointer(start: bytes, count: count))[...])
    return 0
}
