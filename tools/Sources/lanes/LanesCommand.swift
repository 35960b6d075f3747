import ArgumentParser
import Foundation

struct LanesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lanes",
        abstract: "Matrix kernels measured beside other libraries, on this machine.",
        discussion: """
            lanes study                       the whole in a few minutes; writes report/index.html
            lanes info                        what this processor can do and which kernels run
            lanes gemm 64x128x784 512x512x512 the matrix product beside OpenBLAS
            lanes tune                        how good its plans are on this machine

            Environment: LANES_ISA forces portable, neon, avx2 or avx512; LANES_MACHINE a row of the table of machines
            ('lanes info' lists them); LANES_NUM_THREADS the number of lanes; NO_COLOR switches colour off.
            Exit status: 0, 1 (failed work or a wrong result), 2 (bad usage).
            """,
        version: "0.1.0",
        subcommands: [
            StudyCommand.self, InfoCommand.self, GemmCommand.self, TuneCommand.self, TrainCommand.self, PredictCommand.self,
            LabCommand.self,
            ReportCommand.self,
            DiffCommand.self, GemmWorker.self,
            LayerWorker.self,
            TrainWorker.self,
        ])
}

/// Failed work: what went wrong, where, and what to do.
struct Failure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

@main enum Main {
    static func main() {
        Output.checkAtExit()
        // A file that reaches the limit of sizes (ulimit -f) is an error of its write, told like any other, not the end of the process.
        signal(SIGXFSZ, SIG_IGN)
        do {
            try checkArguments()
            var command = try LanesCommand.parseAsRoot()
            try Limits.check()
            try command.run()
        } catch {
            let code = LanesCommand.exitCode(for: error)
            guard code != .success else { LanesCommand.exit(withError: error) }
            FileHandle.standardError.write(Data((LanesCommand.fullMessage(for: error) + "\n").utf8))
            Foundation.exit(code == .validationFailure ? 2 : 1)
        }
    }
}

// The language replaces what is not UTF-8: a file would be looked for, or written, under another name in silence.
private func checkArguments() throws {
    for index in 1..<max(1, Int(CommandLine.argc)) {
        guard let text = unsafe CommandLine.unsafeArgv[index] else { continue }
        if unsafe String(validatingCString: text) == nil {
            throw ValidationError(
                "argument \(index), '\(unsafe String(cString: text))', is not UTF-8: names of files have to be, rename it")
        }
    }
}

func printJSON(_ value: some Encodable) throws {
    print(String(decoding: try encodedJSON(value), as: UTF8.self))
}

func encodedJSON(_ value: some Encodable) throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(value)
}

/// A number with the given decimals; a dash for NaN.
func format(_ value: Double, _ decimals: Int = 1) -> String {
    value.isNaN ? "–" : String(format: "%.\(decimals)f", value)
}
