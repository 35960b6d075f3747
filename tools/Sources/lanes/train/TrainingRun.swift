import Foundation
import Lanes
import LanesMeasurement
import LanesNN
import LanesParallel
import Synchronization

/// What a run tells while it goes on.
struct TrainingEvents {
    /// A step was taken: its number, epoch, loss and hits.
    var step: (_ step: Int, _ epoch: Int, _ result: StepResult) throws -> Void = { _, _, _ in }
    /// Asked every so many steps, and at the end of each epoch.
    var checkpoint: (_ trainer: Trainer<Float>, _ epoch: Int) throws -> Void = { _, _ in }
    /// An epoch has ended: mean loss, hits, seconds of training without the checks between.
    var epoch: (_ epoch: Int, _ loss: Double, _ correct: Int, _ count: Int, _ seconds: Double) throws -> Void = {
        _, _, _, _, _ in
    }
}

/// All epochs of one training.
struct TrainingRun {
    let data: DataSet
    let arguments: TrainingArguments
    let pool: WorkerPool
    var start: Network<Float>? = nil
    var resumed: Trainer<Float>? = nil
    /// Steps between two checkpoints; each epoch's end where it is nil.
    var every: Int? = nil

    /// Seconds spent in steps, and images seen.
    struct Result {
        let trainer: Trainer<Float>
        let seconds: Double
        let images: Int
        let wasInterrupted: Bool
    }

    func run(_ events: TrainingEvents = .init()) throws -> Result {
        let images = data.training
        let stepsPerEpoch = (images.count + arguments.batch - 1) / arguments.batch
        let trainer =
            resumed
            ?? Trainer(
                start ?? arguments.network(for: data), options: arguments.options(stepsPerEpoch: stepsPerEpoch), pool: pool)
        let firstEpoch = trainer.steps / stepsPerEpoch
        var seconds = 0.0
        var seen = 0
        for epoch in firstEpoch..<max(firstEpoch, arguments.epochs) {
            var loss = 0.0
            var correct = 0
            var inEpoch = 0
            var epochSeconds = 0.0
            var mark = Clock.nanoseconds
            // What happens between two steps and is no training.
            func pause(_ body: () throws -> Void) rethrows {
                epochSeconds += Double(Clock.nanoseconds - mark) * 1e-9
                try body()
                mark = Clock.nanoseconds
            }
            func took(_ result: StepResult) throws {
                loss += result.loss * Double(result.count)
                correct += result.correct
                seen += result.count
                inEpoch += result.count
                try pause {
                    try events.step(trainer.steps, epoch, result)
                    if let every, trainer.steps % every == 0 { try events.checkpoint(trainer, epoch) }
                }
            }
            // A resumed epoch goes on where it was left.
            let done = epoch == firstEpoch ? trainer.steps % stepsPerEpoch : 0
            if arguments.augmentation == .none {
                // Taking pixels from memory is a small part of a step, which the lanes share.
                let order = SplitMix64.shuffled(count: images.count, seed: arguments.seed, epoch: epoch)
                for number in done..<stepsPerEpoch where !Interrupt.wanted {
                    let start = number * arguments.batch
                    let end = min(start + arguments.batch, images.count)
                    try took(
                        trainer.step(
                            images, indices: order[start..<end], upcoming: order[end..<min(end + arguments.batch, images.count)]
                        ))
                }
            } else {
                let loader = BatchLoader<Float>(
                    images, batch: arguments.batch, seed: arguments.seed, epoch: epoch, augmentation: arguments.augmentation)
                var number = 0
                while !Interrupt.wanted, let batch = loader.next() {
                    if number >= done { try took(trainer.step(batch)) }
                    number += 1
                    loader.recycle(batch)
                }
            }
            epochSeconds += Double(Clock.nanoseconds - mark) * 1e-9
            seconds += epochSeconds
            if Interrupt.wanted {
                try events.checkpoint(trainer, epoch)
                return Result(trainer: trainer, seconds: seconds, images: seen, wasInterrupted: true)
            }
            try events.epoch(epoch, loss / Double(max(1, inEpoch)), correct, inEpoch, epochSeconds)
            try events.checkpoint(trainer, epoch)
        }
        return Result(trainer: trainer, seconds: seconds, images: seen, wasInterrupted: false)
    }
}

/// The first Ctrl-C asks for an end at the next safe place; the second ends the process.
enum Interrupt {
    private static let flag = Atomic(false)
    static var wanted: Bool { flag.load(ordering: .relaxed) }

    static func watch() {
        _ = signal(SIGINT) { _ in
            Interrupt.flag.store(true, ordering: .relaxed)
            _ = signal(SIGINT, SIG_DFL)
        }
    }
}
