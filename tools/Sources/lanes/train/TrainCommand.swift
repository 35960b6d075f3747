import ArgumentParser
import Foundation
import Lanes
import LanesMeasurement
import LanesNN
import LanesParallel

struct TrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train",
        abstract: "Trains a network for digits, or other small grey images, and says how well it reads what it never saw.",
        discussion: """
            784 pixels → 128 → 64 → 10 classes with ReLU between, log-softmax at the end. Without options: Fashion-MNIST, Adam, 20
            epochs. The same seed gives the same bytes for any number of threads and on any instruction set.

            Examples: lanes train
                      lanes train --sgd --rate 0.1 --constant-rate --dropout 0 --epochs 3
                      lanes train --data ~/mnist --checkpoint digits.safetensors --log digits.sqlite
                      lanes train --compare
            """)

    @OptionGroup var source: DataOptions
    @OptionGroup var training: TrainingArguments
    @Option(help: "Threads. Default: what the affinity mask, the CPU quota and LANES_NUM_THREADS allow.") var threads: Int?
    @Option(help: "Where the model goes; it is written at every check and at the end.") var checkpoint = "lanes.safetensors"
    @Option(help: "Go on from a checkpoint.") var resume: String?
    @Option(help: "Validate on 128 test images and write the checkpoint every so many steps. Default: after each epoch.")
    var every: Int?
    @Option(help: "Write every step and check to FILE.sqlite, or to FILE.jsonl as JSON lines.") var log: String?
    @Flag(help: "Train again on one thread, for the true speed-up.") var speedup = false
    @Flag(help: "Time one epoch of plain SGD beside NumPy (and JAX, if installed), interleaved; then stop.") var compare = false
    @Flag(help: "Print one JSON object.") var json = false

    struct Output: Codable {
        var testAccuracy: Double
        var testLoss: Double
        var samplesPerSecond: Double
        /// In training steps; checks and the final test come on top.
        var seconds: Double
        var shareOfPeak: Double
        var threads: Int
        var isa: String
        var checkpoint: String
        var steps: Int
        var epochs: [Epoch]
        var confusion: [[Int]]
        /// One thread's seconds over this run's; nil where it was not asked for.
        var speedup: Double?
        var origin: String
        var machine: MachineRecord
    }

    struct Epoch: Codable {
        var epoch: Int
        var loss: Double
        var accuracy: Double
        var validationAccuracy: Double
        var samplesPerSecond: Double
    }

    func validate() throws {
        if let threads, threads < 1 || threads > 1024 { throw ValidationError("--threads is 1 to 1024, not \(threads)") }
        if let every, every < 1 { throw ValidationError("--every is at least 1, not \(every)") }
        if resume != nil && speedup {
            throw ValidationError("--resume and --speedup exclude each other: the other run would begin anew")
        }
        if compare && (source.transposed || source.classes != 10 || source.synthetic) {
            throw ValidationError(
                "--compare takes ten classes from files that the others read too: no --classes, --transposed, --synthetic")
        }
        if resume != nil && compare { throw ValidationError("--resume and --compare exclude each other") }
    }

    func run() throws {
        let data = try source.load()
        if compare {
            let result = try TrainingComparison.run(data: source, dataSet: data)
            if json { try printJSON(result) } else { print(result.text) }
            return
        }
        let pool = threads.map { WorkerPool(lanes: $0) } ?? .shared
        if !json {
            print("data             \(data.origin)")
            print(
                "images           \(data.training.count) to learn from, \(data.test.count) for the test, \(data.training.rows) x \(data.training.columns)"
            )
            print("threads          \(pool.lanes), \(InstructionSet.selected.rawValue) kernels")
        }
        var output = try Self.train(
            data: data, arguments: training, pool: pool, checkpoint: checkpoint, resume: resume, every: every, log: log,
            isQuiet: json)
        if speedup && !Interrupt.wanted {
            if !json { print("again on one thread") }
            let one = try TrainingRun(data: data, arguments: training, pool: WorkerPool(lanes: 1)).run()
            output.speedup = one.seconds / output.seconds
        }
        if json {
            try printJSON(output)
        } else {
            if let speedup = output.speedup {
                print(
                    "speed-up         \(format(speedup, 2)) over one thread, efficiency \(format(100 * speedup / Double(output.threads), 0))%"
                )
            }
            print("checkpoint       \(checkpoint)")
        }
        if Interrupt.wanted { Foundation.exit(130) }
    }

    /// The whole of it, for this command and for `lanes study`.
    static func train(
        data: DataSet, arguments: TrainingArguments, pool: WorkerPool, checkpoint: String?, resume: String? = nil,
        every: Int? = nil, log file: String? = nil, isQuiet: Bool
    ) throws -> Output {
        guard Checkpoint.isWritable(arguments.network(for: data).shape) else {
            throw Failure("--hidden \(arguments.hidden): a network with so many parameters cannot be saved")
        }
        let log = try file.map { try openTrainingLog($0) }
        let stepsPerEpoch = (data.training.count + arguments.batch - 1) / arguments.batch
        let resumed = try resume.map {
            try Checkpoint.resume($0, options: arguments.options(stepsPerEpoch: stepsPerEpoch), pool: pool)
        }
        if let resumed, let resume {
            guard resumed.shape.inputs == data.training.pixelsPerImage, resumed.shape.classes == data.training.classes else {
                throw Failure("the network of '\(resume)' is \(resumed.shape.widths), which does not fit these images")
            }
            if !isQuiet { print("resumed          \(resume), \(resumed.steps) steps taken") }
        }
        Interrupt.watch()
        // 128 test images, the same at every check.
        let asked = Array(SplitMix64.shuffled(count: data.test.count, seed: arguments.seed, epoch: -1).prefix(128))
        var epochs: [Epoch] = []
        var validation = 0.0
        var events = TrainingEvents()
        events.step = { step, epoch, result in
            try log?.training(step: step, epoch: epoch, images: result.count, loss: result.loss, correct: result.correct)
            if !isQuiet && step % 64 == 0 {
                Progress.show(
                    "epoch \(epoch + 1) of \(arguments.epochs), step \(step): loss \(format(result.loss, 3)), \(format(100 * Double(result.correct) / Double(result.count), 0))% right"
                )
            }
        }
        events.checkpoint = { trainer, epoch in
            let evaluation = trainer.network.evaluate(data.test, indices: asked, on: pool)
            validation = evaluation.accuracy
            try log?.validation(
                step: trainer.steps, epoch: epoch, images: asked.count, loss: evaluation.loss, accuracy: evaluation.accuracy)
            if let checkpoint { try Checkpoint.write(trainer, to: checkpoint) }
        }
        events.epoch = { epoch, loss, correct, count, seconds in
            epochs.append(
                Epoch(
                    epoch: epoch + 1, loss: loss, accuracy: count == 0 ? 0 : Double(correct) / Double(count),
                    validationAccuracy: 0,
                    samplesPerSecond: count == 0 ? 0 : Double(count) / seconds))
        }
        let checks = events.checkpoint
        events.checkpoint = { trainer, epoch in
            try checks(trainer, epoch)
            guard let last = epochs.last, last.epoch == epoch + 1, last.validationAccuracy == 0 else { return }
            epochs[epochs.count - 1].validationAccuracy = validation
            if !isQuiet {
                Progress.clear()
                print(
                    "epoch \(String(last.epoch).padded(4)) loss \(format(last.loss, 4))  right \(format(100 * last.accuracy, 2))%  validation \(format(100 * validation, 1))%  \(Int(last.samplesPerSecond)) images/s"
                )
            }
        }
        let run = TrainingRun(data: data, arguments: arguments, pool: pool, resumed: resumed, every: every)
        let result: TrainingRun.Result
        do { result = try run.run(events) } catch let error as NonFiniteError {
            try log?.close()
            throw Failure("\(error)")
        }
        // Nothing was left to train: the file is written all the same.
        if result.images == 0, let checkpoint { try Checkpoint.write(result.trainer, to: checkpoint) }
        let network = result.trainer.network
        let test = network.evaluate(data.test, on: pool)
        try log?.confusion(test.confusion)
        try log?.close()
        let rate = result.seconds > 0 ? Double(result.images) / result.seconds : 0
        let peak = Peak.flopsPerSecond(rounds: 5) * Double(pool.lanes)
        let output = Output(
            testAccuracy: test.accuracy, testLoss: test.loss, samplesPerSecond: rate, seconds: result.seconds,
            shareOfPeak: rate * 2 * Double(network.shape.multiplyAddsPerTrainingSample) / peak, threads: pool.lanes,
            isa: InstructionSet.selected.rawValue, checkpoint: checkpoint ?? "", steps: result.trainer.steps, epochs: epochs,
            confusion: test.confusion, speedup: nil, origin: data.origin, machine: .current())
        if !isQuiet { describe(output, network, data, Int(asked[0]), result.wasInterrupted) }
        return output
    }

    private static func describe(
        _ output: Output, _ network: Network<Float>, _ data: DataSet, _ image: Int, _ wasInterrupted: Bool
    ) {
        Progress.clear()
        if wasInterrupted { print("interrupted; the checkpoint holds all \(output.steps) steps") }
        let one = data.test[image..<image + 1]
        let x = Matrix<Float>(rows: 1, columns: one.pixelsPerImage, one.pixels.map { Float($0) / 256 })
        let scores = network.predict(x).elements
        let predicted = scores.indices.max { scores[$0] < scores[$1] }!
        print("\ntest image \(image):")
        for line in data.test.drawing(of: image) { print("  " + line) }
        print(
            "  is \(one.labels[0]), read as \(predicted) with probability \(format(Foundation.exp(Double(scores[predicted])), 3)); loss \(format(-Double(scores[Int(one.labels[0])]), 4))\n"
        )
        print("of each class (rows), taken for each class (columns):")
        let width = max(4, String(output.confusion.joined().max() ?? 0).count)
        print("    " + output.confusion.indices.map { " " + String($0).padded(width) }.joined())
        for (actual, row) in output.confusion.enumerated() {
            print(String(actual).padded(3) + ":" + row.map { " " + String($0).padded(width) }.joined())
        }
        print(
            "\ntest             \(format(100 * output.testAccuracy, 2))% right of \(data.test.count), loss \(format(output.testLoss, 4))"
        )
        print(
            "training         \(Int(output.samplesPerSecond)) images/s, \(format(output.seconds, 2)) s, \(format(100 * output.shareOfPeak, 0))% of the measured FMA peak of \(output.threads) lane\(output.threads == 1 ? "" : "s")"
        )
    }
}

extension String {
    func padded(_ width: Int) -> String { String(repeating: " ", count: max(0, width - count)) + self }
}
