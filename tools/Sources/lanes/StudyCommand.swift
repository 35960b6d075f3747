import ArgumentParser
import Foundation
import LanesExperiments
import LanesMeasurement
import LanesNN
import LanesParallel

struct StudyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "study",
        abstract:
            "This machine in a few minutes: GEMM beside OpenBLAS, training on real images, and the laboratory; one report.",
        discussion: """
            Reads Fashion-MNIST (Debian package dataset-fashion-mnist), checks the first layer's outputs against OpenBLAS,
            times both, compares GEMM over sizes on one thread and on two, trains the network and tests it, asks every
            experiment of the laboratory in its quick form, and writes a page and JSON.

            Example: lanes study --out report
            """)

    @Option(help: "Folder for index.html and study.json.") var out = "report"
    @Option(help: "Folder with images and labels in IDX files of MNIST's names. Default: Fashion-MNIST.") var data: String?
    @Option(name: .customLong("peer"), help: "A library to compare with, NAME=PATH; may be repeated. Default: OpenBLAS.")
    var peers: [String] = []
    @Option(help: "Rounds over all libraries.") var rounds = 3
    @Option(help: "Seconds for each shape and round.") var seconds = 0.05
    @Option(help: "Passes over the training images.") var epochs = 20
    @Flag(help: "Print the JSON object instead of tables.") var json = false

    struct Output: Codable {
        var machine: MachineRecord
        var layer: LayerResult
        var gemm: Comparison
        /// The same on two threads; nil where the process may use one processor only.
        var gemmTwoThreads: Comparison?
        var training: TrainCommand.Output
        var laboratory: LaboratoryRecord
    }

    func validate() throws {
        guard rounds >= 1 else { throw ValidationError("--rounds is at least 1, not \(rounds)") }
        guard seconds > 0 && seconds <= 60 else { throw ValidationError("--seconds is above 0 and at most 60, not \(seconds)") }
        guard epochs >= 1 && epochs <= 1000 else { throw ValidationError("--epochs is 1 to 1000, not \(epochs)") }
        if let complaint = Library.complaint(about: peers) { throw ValidationError(complaint) }
    }

    func run() throws {
        let others = peers.isEmpty ? [try findOpenBLAS()] : peers.map { Library(argument: $0)! }
        try Gnuplot.check()
        // Before anything is measured: a file that cannot be read should not cost minutes.
        let images = try DataSet(folder: data ?? DataSet.fashionMNISTFolder)
        let machine = MachineRecord.current()
        if !json { print(machineDescription(machine), terminator: "\n\n") }
        let layer = try LayerResult.run(other: others[0], data: data, seconds: max(0.6, 12 * seconds))
        guard layer.differenceOverBound <= 1 else {
            throw Failure(
                "the layer's outputs differ from \(layer.other) by \(format(layer.differenceOverBound)) times what the error bounds allow"
            )
        }
        if !json { print(layer.text, terminator: "\n\n") }
        let gemm = try Comparison.run(
            libraries: [.own] + others, shapes: Shape.defaults, type: .f32, rounds: rounds, seconds: seconds)
        if !json { print(comparisonTable(gemm), terminator: "\n\n") }
        let two =
            machine.usableProcessors.count < 2
            ? nil
            : try Comparison.run(
                libraries: [.own] + others, shapes: Shape.twoThreadDefaults, type: .f32, threads: 2, rounds: rounds,
                seconds: seconds)
        if !json, let two { print(comparisonTable(two), terminator: "\n\n") }
        if Interrupt.wanted { throw Failure("interrupted; nothing was written") }
        let training = try TrainingArguments.parse(["--epochs", String(epochs)])
        let learnt = try TrainCommand.train(
            data: images, arguments: training, pool: .shared, checkpoint: nil,
            isQuiet: json)
        if !json { print("") }
        let isQuiet = json
        let laboratory = try LaboratoryRun.run(Experiment.all, isQuick: true, seed: 1, peers: others) { finding in
            if !isQuiet { print(LaboratoryRun.describe(finding)) }
        }
        let output = Output(
            machine: machine, layer: layer, gemm: gemm, gemmTwoThreads: two, training: learnt, laboratory: laboratory)
        let folder = URL(fileURLWithPath: out)
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            try encodedJSON(output).write(to: folder.appendingPathComponent("study.json"), options: .atomic)
            try Data(try Report.page(output).utf8).write(to: folder.appendingPathComponent("index.html"), options: .atomic)
        } catch let error as Failure {
            throw error
        } catch {
            throw Failure("cannot write the report to '\(out)': \(error.localizedDescription)")
        }
        if json {
            try printJSON(output)
        } else {
            print("\nreport: \(out)/index.html, \(out)/study.json")
        }
    }
}
