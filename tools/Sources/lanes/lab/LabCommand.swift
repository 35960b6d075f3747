import ArgumentParser
import Foundation
import LanesExperiments
import LanesMeasurement
import LanesParallel
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
