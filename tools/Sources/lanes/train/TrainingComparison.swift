import Foundation
import LanesMeasurement
import LanesNN
import LanesParallel

/// One epoch of plain SGD (batch 64, rate 0.1) by this program and by others, each in a process of its own, interleaved.
struct TrainingComparison: Codable {
    struct Row: Codable {
        var name: String
        var threads: Int
        /// Medians over the rounds.
        var samplesPerSecond: Double
        /// Right on the test set after 1, 2 and 3 epochs.
        var accuracies: [Double]
    }
    var rows: [Row]
    var origin: String

    private struct Line: Codable {
        var samplesPerSecond: Double
        var accuracies: [Double]
    }

    /// - Parameter data: as the options say; peers read the same files.
    static func run(data: DataOptions, dataSet: DataSet, rounds: Int = 3) throws -> TrainingComparison {
        let scripts = try Project.folder("bench/peers")
        let work = try TemporaryFolder()
        defer { work.remove() }
        // All begin with the same weights.
        let start = work.file("start.safetensors").path
        try Checkpoint.write(
            Network<Float>(shape: NetworkShape([dataSet.training.pixelsPerImage, 128, 64, dataSet.training.classes])), to: start
        )
        // And see the images in the same order.
        let orders = work.file("orders.int64").path
        var bytes = Data()
        for epoch in 0..<3 {
            for index in SplitMix64.shuffled(count: dataSet.training.count, seed: 1, epoch: epoch) {
                unsafe withUnsafeBytes(of: index.littleEndian) { unsafe bytes.append(contentsOf: $0) }
            }
        }
        try bytes.write(to: URL(fileURLWithPath: orders))
        var contenders: [(name: String, command: [String])] = [
            (
                "lanes",
                [try Project.program(), "train-worker", "--start", start, "--folder", data.data ?? DataSet.fashionMNISTFolder]
            )
        ]
        for name in ["numpy", "jax"] where runs(["python3", "-c", "import \(name)"]) {
            contenders.append(
                (name, ["python3", "\(scripts)/train_\(name).py", start, orders, data.data ?? DataSet.fashionMNISTFolder]))
        }
        guard contenders.count > 1 else { throw Failure("there is nobody to compare with: install python3-numpy (or jax)") }
        var samples: [String: [Double]] = [:]
        var accuracies: [String: [Double]] = [:]
        let threads = LaneLimits.current().lanes >= 2 ? [1, 2] : [1]
        for round in 0..<rounds {
            for count in threads {
                for contender in round % 2 == 0 ? contenders : contenders.reversed() {
                    Progress.show("round \(round + 1) of \(rounds): \(contender.name), \(count) threads")
                    let line = try ask(contender.command, threads: count)
                    samples["\(contender.name) \(count)", default: []].append(line.samplesPerSecond)
                    accuracies["\(contender.name) \(count)"] = line.accuracies
                }
            }
        }
        Progress.clear()
        return TrainingComparison(
            rows: threads.flatMap { count in
                contenders.map {
                    Row(
                        name: $0.name, threads: count, samplesPerSecond: Statistics.median(samples["\($0.name) \(count)"]!),
                        accuracies: accuracies["\($0.name) \(count)"]!)
                }
            }, origin: dataSet.origin)
    }

    var text: String {
        let lines = rows.map { row -> String in
            let own = rows.first { $0.name == "lanes" && $0.threads == row.threads }!
            return
                "\(row.name.padding(toLength: 8, withPad: " ", startingAt: 0))\(String(row.threads).padded(7))\(String(Int(row.samplesPerSecond)).padded(12))\(format(own.samplesPerSecond / row.samplesPerSecond, 2).padded(14))   "
                + row.accuracies.map { format(100 * $0, 1) + "%" }.joined(separator: " ")
        }
        return """
            one epoch of plain SGD, batch 64, rate 0.1, from the same weights in the same order; the data's handling is part of the time
            \(origin)
            name    threads    images/s   lanes over it   right after 1, 2, 3 epochs
            \(lines.joined(separator: "\n"))
            """
    }

    private static func runs(_ command: [String]) -> Bool {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = command
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }

    private static func ask(_ command: [String], threads: Int) throws -> Line {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = command
        process.environment = ProcessInfo.processInfo.environment.merging(Library.environment(threads: threads)) { $1 }
            .merging(["XLA_FLAGS": threads == 1 ? "--xla_cpu_multi_thread_eigen=false" : "", "JAX_PLATFORMS": "cpu"]) { $1 }
        // Messages go to a file: a pipe that nobody reads yet would be full, and each side would wait for the other.
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let messages = folder.file("messages")
        try Data().write(to: messages)
        let output = Pipe()
        (process.standardOutput, process.standardError) = (output, try FileHandle(forWritingTo: messages))
        try process.run()
        let text = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        // What a library prints may come before the result.
        let last = text.split(separator: UInt8(ascii: "\n")).last ?? Data()
        guard process.terminationStatus == 0, let line = try? JSONDecoder().decode(Line.self, from: Data(last)) else {
            let complaint = folder.texts(withPrefix: "messages").first ?? ""
            throw Failure("'\(command.joined(separator: " "))' failed: \(complaint.suffix(600))")
        }
        return line
    }
}
