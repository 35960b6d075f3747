import ArgumentParser
import Experiments
import Foundation
import LanesParallel
import Measurement
import Synchronization
import TextTable

struct LabCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lab",
        abstract:
            "Experiments: what this machine does with vectors, caches, memory, locks and threads; predicted, measured, explained.",
        discussion: """
            Examples: lanes lab list
                      lanes lab run false-sharing locks
                      lanes lab run all --quick --out report/lab
                      lanes lab exercise start sum ~/sum
            """,
        subcommands: [LabList.self, LabRun.self, ExerciseCommand.self])
}

struct LabList: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "The experiments and their questions.")

    @Flag(help: "Print one JSON object.") var json = false

    func run() throws {
        if json {
            try printJSON([
                "experiments": Experiment.all.map {
                    ["id": $0.id, "title": $0.title, "question": $0.question, "hypothesis": $0.hypothesis]
                }
            ])
            return
        }
        for experiment in Experiment.all { print("\(experiment.id)\n    \(experiment.question)") }
    }
}

struct LabRun: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Runs experiments, prints their verdicts, and writes a page with their figures.",
        discussion: """
            Each experiment says beforehand what it expects of this machine. Ctrl-C keeps what is finished.

            Examples: lanes lab run fork-join --quick
                      lanes lab run all --quick --json > machine.json
                      lanes lab run roofline --peer blis=/usr/lib/libblis.so.4
            """)

    @Argument(help: "Experiments by their names, or all.") var ids: [String]
    @Flag(help: "Short series: all experiments in about two minutes.") var quick = false
    @Option(
        help: "Folder for index.html, lab.json, and a table and a plot script for each figure. Without it nothing is written.")
    var out: String?
    @Option(help: "Where random numbers begin.") var seed: UInt64 = 1
    @Option(
        name: .customLong("peer"),
        help:
            "A library to set beside ours in roofline and vectorization, NAME=PATH; may be repeated. Default: OpenBLAS where it is installed."
    )
    var peers: [String] = []
    @Flag(help: "No other libraries.") var noPeers = false
    @Flag(help: "Print one JSON object.") var json = false

    func validate() throws {
        guard !noPeers || peers.isEmpty else { throw ValidationError("--no-peers and --peer exclude each other") }
        if let complaint = Library.complaint(about: peers) { throw ValidationError(complaint) }
        let known = Set(Experiment.all.map(\.id))
        for id in ids where id != "all" && !known.contains(id) {
            throw ValidationError(
                "there is no experiment '\(id)'; `lanes lab list` names them: \(Experiment.all.map(\.id).joined(separator: " "))"
            )
        }
    }

    func run() throws {
        let chosen = ids.contains("all") ? Experiment.all : Experiment.all.filter { ids.contains($0.id) }
        try Limits.check(mebibytes: 4096)
        if out != nil { try Gnuplot.check() }
        let others =
            noPeers ? [] : peers.isEmpty ? (try? findOpenBLAS()).map { [$0] } ?? [] : peers.map { Library(argument: $0)! }
        let record = try LaboratoryRun.run(chosen, isQuick: quick, seed: seed, peers: others) { finding in
            if !json { print(LaboratoryRun.describe(finding), terminator: "\n\n") }
        }
        if let out {
            try LabReport.write(record, to: out)
            if !json { print("report: \(out)/index.html, \(out)/lab.json") }
        }
        if json { try printJSON(record) }
        if Interrupt.wanted { Foundation.exit(130) }
    }
}

/// Experiments on a thread of their own that is bound to the first lane's processor.
enum LaboratoryRun {
    static func run(
        _ experiments: [Experiment], isQuick: Bool, seed: UInt64, peers: [Library],
        finished: @escaping @Sendable (Finding) -> Void
    ) throws -> LaboratoryRecord {
        Interrupt.watch()
        let result = Mutex<Result<LaboratoryRecord, any Error>?>(nil)
        let done = DispatchSemaphore(value: 0)
        let thread = Thread {
            let outcome = Result { try runHere(experiments, isQuick: isQuick, seed: seed, peers: peers, finished: finished) }
            result.withLock { $0 = outcome }
            done.signal()
        }
        thread.stackSize = 8 << 20
        thread.start()
        done.wait()
        return try result.withLock { $0! }.get()
    }

    private static func runHere(
        _ experiments: [Experiment], isQuick: Bool, seed: UInt64, peers: [Library], finished: (Finding) -> Void
    ) throws -> LaboratoryRecord {
        let helpers = try? Project.folder("bench/helpers")
        let peers = try peers.map { try $0.asked() }
        let lab = Laboratory(isQuick: isQuick, seed: seed, helpers: helpers, peers: peers.map(productPeer))
        lab.bindThisThread()
        let steal = MachineRecord.stealSeconds()
        Progress.show("measuring the machine's profile")
        let profile = lab.profile
        var findings: [Finding] = []
        let start = Clock.nanoseconds
        for (number, experiment) in experiments.enumerated() {
            if Interrupt.wanted { break }
            let elapsed = Double(Clock.nanoseconds - start) * 1e-9
            let left = number == 0 ? "" : ", about \(Int(elapsed / Double(number) * Double(experiments.count - number))) s left"
            Progress.show("\(number + 1) of \(experiments.count): \(experiment.id)\(left)")
            let finding: Finding
            do { finding = try lab.run(experiment) } catch { throw Failure("experiment \(experiment.id): \(error)") }
            Progress.clear()
            finished(finding)
            findings.append(finding)
        }
        let stolen = MachineRecord.stealSeconds().flatMap { now in steal.map { now - $0 } }
        var machine = MachineRecord.current()
        machine.commit = Project.commit()
        return LaboratoryRecord(
            machine: machine, profile: profile, isQuick: isQuick, seed: seed, stealSeconds: stolen,
            peers: peers.map { $0.description ?? $0.name }, experiments: findings)
    }

    // Times a library's products as `lanes gemm` does, and checks them.
    private static func productPeer(_ library: Library) -> ProductPeer {
        ProductPeer(name: library.name) { products, threads, seconds in
            let shapes = products.map { Shape(m: $0.m, n: $0.n, k: $0.k) }
            return try GemmWorker.run([library], shapes: shapes, type: .f32, threads: threads, seconds: seconds).map { timing in
                guard timing.errorOverBound[0] <= 1 else {
                    throw Failure("\(library.name) gives a wrong result for \(timing.shape)")
                }
                return timing.nanoseconds[0]
            }
        }
    }

    static func describe(_ finding: Finding) -> String {
        let verdict = ["supported": "supported", "refuted": "refuted", "notTestable": "not testable here"][
            finding.verdict.rawValue]!
        let predictions = finding.prediction.map {
            "\n  predicted \($0.quantity): \(LabReport.number($0.predicted)), measured \($0.measured.map(LabReport.number) ?? "–")"
        }.joined()
        return "\(finding.id): \(verdict)\n  \(finding.explanation)\(predictions)"
            + finding.notes.map { "\n  note: \($0)" }.joined()
    }
}

/// The clone that this program was built in.
enum Project {
    static func program() throws -> String { try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe") }

    /// The version that is checked out; nil where there is no repository.
    static func commit() -> String? {
        guard let folder = try? folder("CKernels") else { return nil }
        return Command.run(["git", "-C", folder, "describe", "--always", "--dirty"])?.trimmingCharacters(
            in: .whitespacesAndNewlines)
    }

    /// A folder of the project, found upward from where this program lies.
    static func folder(_ name: String) throws -> String {
        var place = URL(fileURLWithPath: try program())
        while place.path != "/" {
            place.deleteLastPathComponent()
            let candidate = place.appendingPathComponent(name).path
            if FileManager.default.fileExists(atPath: candidate) { return candidate }
        }
        throw Failure("there is no \(name) above '\(try program())': run the command from its clone")
    }
}
