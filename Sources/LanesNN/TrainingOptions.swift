/// How the lanes share a training step. Either gives the same bytes for any number of lanes; one differs from the other in the last
/// bits, for gradients are added up in another order.
public enum Parallelism: Sendable, Equatable {
    /// Samples are shared in the forward and backward pass, rows of the weights in the gradients' products and the update. Where the first
    /// layer can be cut evenly and a batch of inputs is no larger than 1 MiB, every lane has some columns of that layer for good. Every
    /// gradient is one chain of multiply-adds over the batch.
    case products
    /// Data parallel: shards of this many samples, each with a padded gradient accumulator of its own, added in shard order.
    case shards(Int)
}

/// How a ``Trainer`` learns.
public struct TrainingOptions: Sendable {
    /// How a gradient changes the parameters.
    public var optimizer = Optimizer.adam()
    /// The learning rate of the first step.
    public var rate = 0.002
    /// The rate falls linearly to zero over this many steps; constant where it is nil.
    public var decaySteps: Int?
    /// Samples of a full batch.
    public var batch = 64
    /// Share of the hidden layers' outputs that is dropped.
    public var dropout = 0.0
    /// How lanes share a step.
    public var parallelism = Parallelism.products
    /// Of dropout: the same seed, the same bytes.
    public var seed: UInt64 = 1

    /// Adam with a rate of 0.002, batches of 64, no dropout.
    public init() {}
}

/// Why a step was not taken. The parameters are as they were before it.
public struct NonFiniteError: Error, Equatable, CustomStringConvertible {
    /// Steps taken before.
    public let step: Int
    /// The loss of the batch; a gradient was not finite where this is.
    public let loss: Double

    /// The same step.
    public static func == (a: NonFiniteError, b: NonFiniteError) -> Bool { a.step == b.step }
    /// Step, loss, and what may help.
    public var description: String {
        loss.isFinite
            ? "step \(step): a gradient is too large or not a number; the step was not taken. A smaller rate may help"
            : "step \(step): the loss is \(loss); the step was not taken. A smaller rate may help"
    }
}

/// Loss and hits of one batch, before the step that it caused.
public struct StepResult: Sendable {
    /// The mean over the batch.
    public let loss: Double
    /// Samples whose class was found.
    public let correct: Int
    /// Samples of the batch.
    public let count: Int
}
