import Foundation
import LanesExperiments
import LanesMeasurement
import LanesParallel

/// Another program, with a limit on its time; what it printed goes through files, of which no more than a mebibyte is read.
struct Run {
    let status: Int32
    let isLate: Bool
    let output: String
    let errors: String

    init(_ command: [String], environment: [String: String] = [:], seconds: Double, _ folder: TemporaryFolder) throws {
        let (output, errors) = (folder.file("output"), folder.file("errors"))
        for file in [output, errors] { try Data().write(to: file) }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = command
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.currentDirectoryURL = output.deletingLastPathComponent()
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try FileHandle(forWritingTo: output)
        process.standardError = try FileHandle(forWritingTo: errors)
        do { try process.run() } catch { throw Failure("cannot run \(command[0]): \(error.localizedDescription)") }
        // What it started ends with it: the checking program asks the system for that, and compilers end soon.
        let deadline = Clock.nanoseconds + Int64(seconds * 1e9)
        while process.isRunning && !Interrupt.wanted && Clock.nanoseconds < deadline { usleep(10_000) }
        isLate = process.isRunning
        if isLate { kill(process.processIdentifier, SIGKILL) }
        process.waitUntilExit()
        if Interrupt.wanted { throw Interrupted() }
        func text(_ file: URL) throws -> String {
            let data = try FileHandle(forReadingFrom: file).read(upToCount: 1 << 20) ?? Data()
            return String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        }
        (self.output, self.errors) = (try text(output), try text(errors))
        status = process.terminationStatus
        if status == 127 { throw Failure("\(command[0]) is not on the path") }
    }
}
