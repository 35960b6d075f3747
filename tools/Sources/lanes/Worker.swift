import Foundation
import LanesMeasurement
import Synchronization

/// Runs this program's hidden subcommands in processes of their own, on as many processors as threads.
enum Worker {
    /// Where a worker writes its result. What libraries print to standard output goes to standard error from here on.
    static func results() -> FileHandle {
        let descriptor = dup(1)
        dup2(2, 1)
        return FileHandle(fileDescriptor: descriptor, closeOnDealloc: false)
    }

    /// `input` is what the subcommand reads from its standard input: a list of any length, which arguments could not take.
    static func run(
        _ arguments: [String], threads: Int = 1, input: Data = Data(), environment: [String: String] = [:],
        limit seconds: Double = 600
    ) throws -> Data {
        let process = Process()
        let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        // Bound to the last processors that may be used: interrupts tend to land on the first.
        let processors = MachineRecord.current().usableProcessors.suffix(threads).map(String.init)
        let bound = ["taskset", "-c", processors.isEmpty ? "0" : processors.joined(separator: ","), own] + arguments
        // It ends with this program, however that ends.
        let canEnd = FileManager.default.isExecutableFile(atPath: "/usr/bin/setpriv")
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = (canEnd ? ["setpriv", "--pdeathsig", "KILL"] : []) + bound
        process.environment = ProcessInfo.processInfo.environment.merging(Library.environment(threads: threads)) { $1 }.merging(
            environment
        ) { $1 }
        // Messages go to a file: a library that prints much would fill a pipe that nobody reads yet.
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let (messages, list) = (folder.file("messages"), folder.file("input"))
        try Data().write(to: messages)
        try input.write(to: list)
        process.standardInput = try FileHandle(forReadingFrom: list)
        let output = Pipe()
        let errors = try FileHandle(forWritingTo: messages)
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        // A library that hangs would keep us for ever.
        let isLate = Atomic(false)
        let watchdog = DispatchSource.makeTimerSource()
        watchdog.schedule(deadline: .now() + seconds)
        watchdog.setEventHandler { [id = process.processIdentifier] in
            isLate.store(true, ordering: .relaxed)
            kill(id, SIGKILL)
        }
        watchdog.resume()
        defer { watchdog.cancel() }
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        if isLate.load(ordering: .relaxed) { throw Failure("did not end within \(Int(seconds)) s") }
        let message = (try? String(contentsOf: messages, encoding: .utf8)) ?? ""
        guard process.terminationStatus == 0, process.terminationReason == .exit else {
            let reason = process.terminationReason == .exit ? "status" : "signal"
            let text = message.trimmingCharacters(in: .whitespacesAndNewlines)
            throw Failure(
                text.isEmpty
                    ? "'lanes \(arguments.joined(separator: " "))' ended with \(reason) \(process.terminationStatus)" : text)
        }
        return data
    }
}
