import ArgumentParser
import Foundation
import LanesNN
import LanesParallel

enum OptimizerChoice: String, EnumerableFlag {
    case adam, sgd

    static func help(for value: OptimizerChoice) -> ArgumentHelp? {
        value == .adam ? "Adam. The default." : "Stochastic gradient descent, with --momentum where that is wanted."
    }
}

/// Where images come from.
struct DataOptions: ParsableArguments {
    @Option(help: "Folder with IDX files of MNIST's names, plain or .gz. Default: Debian's Fashion-MNIST.") var data: String?
    @Option(help: "Number of classes.") var classes = 10
    @Flag(help: "Images are stored column by column, as EMNIST's are.") var transposed = false
    @Flag(help: "Digits drawn by the program instead of real data.") var synthetic = false

    func validate() throws {
        guard classes >= 2 && classes <= 256 else { throw ValidationError("--classes is 2 to 256, not \(classes)") }
        if synthetic && data != nil { throw ValidationError("--synthetic and --data exclude each other") }
        if synthetic && classes < 10 { throw ValidationError("--synthetic draws 10 classes, --classes is \(classes)") }
    }

    func load() throws -> DataSet {
        synthetic ? .drawn() : try DataSet(folder: data ?? DataSet.fashionMNISTFolder, classes: classes, transposed: transposed)
    }
}

/// What is trained, and how.
struct TrainingArguments: ParsableArguments {
    @Option(help: "Passes over the training images.") var epochs = 20
    @Option(help: "Images in a step.") var batch = 64
    @Option(help: "Learning rate. Default: 0.002 for Adam, 0.1 for SGD.") var rate: Double?
    @Flag(help: "Keep the rate; otherwise it falls linearly to zero over all epochs.") var constantRate = false
    @Flag var optimizer = OptimizerChoice.adam
    @Option(help: "Momentum of SGD.") var momentum = 0.0
    @Option(help: "Weight decay.") var decay = 0.0
    @Option(help: "Share of hidden outputs to drop.") var dropout = 0.1
    @Option(help: "Shift training images by up to so many pixels, and add noise of up to 0.05.") var augment = 0
    @Option(help: "Widths of the hidden layers.") var hidden = "128,64"
    @Option(name: .customLong("init"), help: "How weights begin: uniform (±1/√inputs) or he.") var initialization = "uniform"
    @Option(help: "Where random numbers begin: the same seed, the same bytes.") var seed: UInt64 = 1
    @Option(
        help: "How lanes share a step: products, or shards:N for gradients of N images each, added in order.")
    var parallel = "products"

    var hiddenWidths: [Int]? {
        let widths = hidden.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) ?? 0 }
        return hidden.isEmpty ? [] : widths.count <= 20 && widths.allSatisfy { $0 >= 1 && $0 <= 1 << 13 } ? widths : nil
    }

    var parallelism: Parallelism? {
        if parallel == "products" { return .products }
        guard parallel.hasPrefix("shards:"), let size = Int(parallel.dropFirst(7)), size >= 1 else { return nil }
        return .shards(size)
    }

    func validate() throws {
        guard epochs >= 1 && epochs <= 100_000 else { throw ValidationError("--epochs is 1 to 100000, not \(epochs)") }
        guard batch >= 1 && batch <= 1 << 16 else { throw ValidationError("--batch is 1 to 65536, not \(batch)") }
        guard rate.map({ $0 > 0 && $0.isFinite }) ?? true else { throw ValidationError("--rate is above 0, not \(rate!)") }
        guard momentum >= 0 && momentum < 1 else { throw ValidationError("--momentum is 0 to below 1, not \(momentum)") }
        if optimizer == .adam && momentum > 0 { throw ValidationError("--momentum belongs to --sgd; Adam has its own") }
        guard decay >= 0 && decay < 1 else { throw ValidationError("--decay is 0 to below 1, not \(decay)") }
        guard dropout >= 0 && dropout < 1 else { throw ValidationError("--dropout is 0 to below 1, not \(dropout)") }
        guard augment >= 0 && augment <= 14 else { throw ValidationError("--augment is 0 to 14 pixels, not \(augment)") }
        guard hiddenWidths != nil else {
            throw ValidationError("--hidden is a list of up to 20 widths such as 128,64, each at most 8192, not '\(hidden)'")
        }
        guard Initialization(rawValue: initialization) != nil else {
            throw ValidationError("--init is uniform or he, not '\(initialization)'")
        }
        guard parallelism != nil else { throw ValidationError("--parallel is products or shards:N, not '\(parallel)'") }
    }

    func options(stepsPerEpoch: Int) -> TrainingOptions {
        var options = TrainingOptions()
        options.optimizer = optimizer == .adam ? .adam(decay: decay) : .sgd(momentum: momentum, decay: decay)
        options.rate = rate ?? (optimizer == .adam ? 0.002 : 0.1)
        options.decaySteps = constantRate ? nil : epochs * stepsPerEpoch
        options.batch = batch
        options.dropout = dropout
        options.parallelism = parallelism!
        options.seed = seed
        return options
    }

    var augmentation: Augmentation { augment > 0 ? Augmentation(shift: augment, noise: 0.05) : .none }

    func network(for data: DataSet) -> Network<Float> {
        Network(
            shape: NetworkShape([data.training.pixelsPerImage] + hiddenWidths! + [data.training.classes]),
            initialization: Initialization(rawValue: initialization)!, seed: seed)
    }
}
