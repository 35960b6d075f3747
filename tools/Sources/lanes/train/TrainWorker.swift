import ArgumentParser
import Foundation
import LanesNN
import LanesParallel

/// This program's part of `lanes train --compare`: what bench/peers/train_numpy.py does, with the same output.
struct TrainWorker: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "train-worker", shouldDisplay: false)

    @Option var start: String
    @Option var folder: String

    func run() throws {
        let data = try DataSet(folder: folder)
        let network = try Checkpoint.read(start)
        let arguments = try TrainingArguments.parse([
            "--sgd", "--rate", "0.1", "--constant-rate", "--dropout", "0", "--epochs", "3",
        ])
        var accuracies: [Double] = []
        var rates: [Double] = []
        var events = TrainingEvents()
        events.epoch = { _, _, _, count, seconds in rates.append(Double(count) / seconds) }
        events.checkpoint = { trainer, _ in accuracies.append(trainer.network.evaluate(data.test).accuracy) }
        _ = try TrainingRun(data: data, arguments: arguments, pool: .shared, start: network).run(events)
        let numbers = accuracies.map { "\($0)" }.joined(separator: ",")
        print(#"{"samplesPerSecond":\#(rates.max()!),"accuracies":[\#(numbers)]}"#)
    }
}
