internal import CKernels
import Dispatch
import Lanes
import LanesParallel

/// How a gradient changes the parameters.
public enum Optimizer: Sendable, Equatable {
    /// Stochastic gradient descent with momentum as in PyTorch.
    case sgd(momentum: Double = 0, decay: Double = 0)
    /// Adam (Kingma and Ba, 2015) with decoupled weight decay.
    case adam(beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8, decay: Double = 0)

    internal var name: String {
        switch self {
        case .sgd: "sgd"
        case .adam: "adam"
        }
    }
}

/// How the lanes share a training step. Either gives the same bytes for any number of lanes; one differs from the other in the last
/// bits, for gradients are added up in another order.
public enum Parallelism: Sendable, Equatable {
    /// Samples are shared in the forward and backward pass, rows of the weights in the gradients' products and the update. Every gradient
    /// is one chain of multiply-adds over the batch.
    case products
    /// Data parallel: shards of this many samples, each with a padded gradient accumulator of its own, added in shard order.
    case shards(Int)
}

public struct TrainingOptions: Sendable {
    public var optimizer = Optimizer.adam()
    public var rate = 0.002
    /// The rate falls linearly to zero over this many steps; constant where it is nil.
    public var decaySteps: Int?
    /// Samples of a full batch.
    public var batch = 64
    /// Share of the hidden layers' outputs that is dropped.
    public var dropout = 0.0
    public var parallelism = Parallelism.products
    public var seed: UInt64 = 1

    public init() {}
}

/// Why a step was not taken. The parameters are as they were before it.
public struct NonFiniteError: Error, Equatable, CustomStringConvertible {
    /// Steps taken before.
    public let step: Int
    /// The loss of the batch; a gradient was not finite where this is.
    public let loss: Double

    public static func == (a: NonFiniteError, b: NonFiniteError) -> Bool { a.step == b.step }
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
    public let correct: Int
    public let count: Int
}

/// Training of one network. Use it from one thread at a time.
///
/// ```swift
/// let trainer = Trainer(network, options: options, pool: .shared)
/// for batch in … { try trainer.step(images, indices: batch) }
/// let learnt = trainer.network
/// ```
@safe public final class Trainer<Element: LaneElement> {
    public let shape: NetworkShape
    public let options: TrainingOptions
    /// Steps taken.
    public private(set) var steps = 0

    private let pool: WorkerPool
    private var parameterMemory: Buffer<Element>
    // Gradient of the whole batch, velocity or mean, variance; as long as the parameters, or empty where the optimizer has none.
    private var gradientMemory: Buffer<Element>
    private var firstMemory: Buffer<Element>
    private var secondMemory: Buffer<Element>
    private var accumulatorMemory: Buffer<Element>
    // The batch: inputs, outputs of every layer, gradients of them.
    private var inputMemory: Buffer<Element>
    private var outputMemory: [BufferBox<Element>]
    private var deltaMemory: [BufferBox<Element>]
    private var labels: UnsafeMutableBufferPointer<Int32>
    private var indices: UnsafeMutableBufferPointer<Int64>
    private var ahead: UnsafeMutableBufferPointer<Int64>
    private var predictions: UnsafeMutableBufferPointer<Int32>
    // Sums of squares of every layer's outputs and of their gradients, for each part of the batch that one lane passes; parts are lines apart.
    private var squares: UnsafeMutableBufferPointer<Double>
    private var squareStride: Int { (2 * shape.layers.count + 15) / 16 * 16 }
    private let shardSize: Int?
    private var choice = LaneChoice()

    /// - Parameter network: where to begin.
    public init(_ network: Network<Element>, options: TrainingOptions = .init(), pool: WorkerPool = .shared) {
        guard options.batch >= 1, options.dropout >= 0, options.dropout < 1, options.rate > 0 else {
            fatalError("Trainer: batch \(options.batch), dropout \(options.dropout), rate \(options.rate)")
        }
        shape = network.shape
        self.options = options
        self.pool = pool
        let count = network.shape.storageCount
        parameterMemory = unsafe Buffer(copying: UnsafeBufferPointer(start: network.parameters.base, count: count).span)
        let isPlain = if case .sgd(let momentum, _) = options.optimizer { momentum == 0 } else { false }
        if case .shards(let size) = options.parallelism {
            guard size >= 1 else { fatalError("Trainer: shards of \(size) samples") }
            shardSize = size
            accumulatorMemory = Buffer(count: ((options.batch - 1) / size + 1) * count)
        } else {
            shardSize = nil
            accumulatorMemory = Buffer(count: 0)
        }
        gradientMemory = Buffer(count: count)
        firstMemory = Buffer(count: isPlain ? 0 : count)
        if case .adam = options.optimizer { secondMemory = Buffer(count: count) } else { secondMemory = Buffer(count: 0) }
        inputMemory = Buffer(count: options.batch * network.shape.inputs)
        outputMemory = network.shape.layers.map { BufferBox(count: options.batch * $0.outputs) }
        deltaMemory = network.shape.layers.map { BufferBox(count: options.batch * $0.outputs) }
        unsafe labels = .allocate(capacity: options.batch)
        unsafe indices = .allocate(capacity: options.batch)
        unsafe ahead = .allocate(capacity: options.batch)
        unsafe predictions = .allocate(capacity: options.batch)
        let parts = shardSize.map { (options.batch - 1) / $0 + 1 } ?? pool.lanes
        unsafe squares = .allocate(capacity: parts * ((2 * network.shape.layers.count + 15) / 16 * 16))
    }

    deinit {
        unsafe labels.deallocate()
        unsafe indices.deallocate()
        unsafe ahead.deallocate()
        unsafe predictions.deallocate()
        unsafe squares.deallocate()
    }

    /// What has been learnt so far; it does not change when training goes on.
    public var network: Network<Element> {
        unsafe Network(
            shape: shape,
            parameters: Buffer(copying: UnsafeBufferPointer(start: parameterMemory.base, count: parameterMemory.count).span))
    }

    /// The rate of the next step.
    public var rate: Double {
        guard let total = options.decaySteps else { return options.rate }
        return options.rate * max(0, 1 - Double(steps) / Double(total))
    }

    /// One step on some images of a set: pixels are scaled by 1/256.
    ///
    /// - Parameters:
    ///   - indices: at most `options.batch` of the set's images.
    ///   - upcoming: those of the next step, if they are known: their pixels are fetched from memory meanwhile.
    @discardableResult
    public func step(
        _ images: ImageSet, indices chosen: ArraySlice<Int64>, upcoming: ArraySlice<Int64> = []
    ) throws(NonFiniteError) -> StepResult {
        guard images.pixelsPerImage == shape.inputs, images.classes <= shape.classes else {
            fatalError(
                "Trainer: images of \(images.pixelsPerImage) pixels and \(images.classes) classes for a network of \(shape.widths)"
            )
        }
        guard chosen.count >= 1, chosen.count <= options.batch else {
            fatalError("Trainer: \(chosen.count) images, the batch holds 1 to \(options.batch)")
        }
        for (row, index) in chosen.enumerated() {
            guard index >= 0 && index < images.count else {
                fatalError("Trainer: image \(index) is not in 0 ..< \(images.count)")
            }
            unsafe indices[row] = index
            unsafe labels[row] = images.labels[Int(index)]
        }
        let isKnown = upcoming.count == chosen.count && upcoming.allSatisfy { $0 >= 0 && $0 < images.count }
        if isKnown { for (row, index) in upcoming.enumerated() { unsafe ahead[row] = index } }
        let input = unsafe Rows(inputMemory.base, chosen.count, shape.inputs)
        nonisolated(unsafe) let order = unsafe indices.baseAddress!
        nonisolated(unsafe) let next = unsafe isKnown ? ahead.baseAddress! : nil
        return try unsafe images.pixels.withUnsafeBufferPointer { pixels throws(NonFiniteError) in
            nonisolated(unsafe) let pixels = pixels.baseAddress!
            return try step(input) { rows in
                unsafe Element.networkKernels.pointee.gather(
                    Int64(rows.count), Int64(input.columns), pixels, order + rows.lowerBound,
                    next.map { unsafe $0 + rows.lowerBound },
                    1.0 / 256, input[rows].base, Int64(input.leadingDimension))
            }
        }
    }

    /// One step on a batch that somebody prepared.
    @discardableResult
    public func step(_ batch: Batch<Element>) throws(NonFiniteError) -> StepResult {
        guard batch.count >= 1, batch.count <= options.batch, batch.inputs == shape.inputs else {
            fatalError(
                "Trainer: a batch of \(batch.count) x \(batch.inputs), at most \(options.batch) x \(shape.inputs) are taken")
        }
        for row in 0..<batch.count {
            let label = batch.label(row)
            guard label >= 0 && label < shape.classes else {
                fatalError("Trainer: label \(label) in a batch for \(shape.classes) classes")
            }
            unsafe labels[row] = label
        }
        return try step(batch.rows) { _ in }
    }

    // The step proper. `prepare` fills rows of the input.
    private func step(_ input: Rows<Element>, prepare: @Sendable (Range<Int>) -> Void) throws(NonFiniteError) -> StepResult {
        let count = input.rows
        let layers = shape.layers
        let parameters = unsafe Rows(parameterMemory.base, 1, shape.storageCount)
        let outputs = layers.indices.map { unsafe Rows(outputMemory[$0].buffer.base, count, layers[$0].outputs) }
        let deltas = layers.indices.map { unsafe Rows(deltaMemory[$0].buffer.base, count, layers[$0].outputs) }
        nonisolated(unsafe) let labels = unsafe UnsafePointer(self.labels.baseAddress!)
        nonisolated(unsafe) let predictions = unsafe self.predictions.baseAddress!
        let dropout = Dropout(rate: options.dropout)
        let seeds = layers.indices.map { layer -> UInt64 in
            var random = SplitMix64(seed: options.seed, stream: 0x6472_6f70 &+ UInt64(steps) &* 64 &+ UInt64(layer))
            return random.next()
        }

        unsafe squares.update(repeating: 0)
        nonisolated(unsafe) let squares = unsafe self.squares.baseAddress!
        let squareStride = self.squareStride

        // Forward and backward through all layers, for some samples.
        @Sendable func pass(_ rows: Range<Int>, part: Int) {
            prepare(rows)
            var x = input[rows]
            for (index, layer) in layers.enumerated() {
                let y = outputs[index][rows]
                layer.forward(x, parameters, into: y)
                if layer.isRectified { dropout.apply(y, seed: seeds[index], firstRow: rows.lowerBound) }
                x = y
            }
            LogSoftmax.forward(x, into: x)
            unsafe Element.networkKernels.pointee.argmax(
                Int64(rows.count), Int64(x.columns), x.base, Int64(x.leadingDimension), predictions + rows.lowerBound)
            unsafe NegativeLogLikelihood.backward(
                x, labels + rows.lowerBound, scale: 1 / Double(count), into: deltas[layers.count - 1][rows])
            for index in stride(from: layers.count - 1, to: 0, by: -1) {
                let dx = deltas[index - 1][rows]
                layers[index].backward(deltas[index][rows], parameters, into: dx)
                ReLU.backward(at: outputs[index - 1][rows], dx)
                dropout.apply(dx, seed: seeds[index - 1], firstRow: rows.lowerBound)
            }
            for index in layers.indices {
                unsafe squares[part * squareStride + 2 * index] = outputs[index][rows].square
                unsafe squares[part * squareStride + 2 * index + 1] = deltas[index][rows].square
            }
        }

        let begin = DispatchTime.now().uptimeNanoseconds
        let most = choice.lanes(rows: count, of: pool.lanes)
        let shards = shardSize.map { (count - 1) / $0 + 1 } ?? 0
        let accumulators = unsafe Rows(accumulatorMemory.base, shards, shape.storageCount)
        if let shardSize {
            pool.parallelFor(0..<shards, schedule: .dynamic(grain: 1)) { shard in
                let rows = shard * shardSize..<min((shard + 1) * shardSize, count)
                pass(rows, part: shard)
                for (index, layer) in layers.enumerated() {
                    let x = index == 0 ? input[rows] : outputs[index - 1][rows]
                    let sums = accumulators[shard..<shard + 1]
                    layer.weightGradient(x, deltas[index][rows], inputs: 0..<layer.inputs, into: layer.weights(sums))
                    layer.biasGradient(deltas[index][rows], into: layer.bias(sums))
                }
            }
        } else {
            // Whole tiles of eight rows.
            let units = (count + 7) / 8
            pool.run(most: min(units, most)) { lane, lanes in
                let mine = WorkerPool.block(lane, of: lanes, count: units)
                if !mine.isEmpty { pass(mine.lowerBound * 8..<min(mine.upperBound * 8, count), part: lane) }
            }
        }

        let loss = unsafe NegativeLogLikelihood.forward(outputs[layers.count - 1], labels) / Double(count)
        guard loss.isFinite, gradientsAreFinite(input) else { throw NonFiniteError(step: steps, loss: loss) }

        let update = Update(options.optimizer, rate: rate, step: steps + 1, powers: &powers)
        let gradient = unsafe Rows(gradientMemory.base, 1, shape.storageCount)
        let first = unsafe Rows(firstMemory.base, 1, firstMemory.count)
        let second = unsafe Rows(secondMemory.base, 1, secondMemory.count)
        if shards > 0 {
            let lines = shape.storageCount / 32
            pool.run(most: lines / 256 + 1) { lane, lanes in
                let mine = WorkerPool.block(lane, of: lanes, count: lines)
                guard !mine.isEmpty else { return }
                let range = mine.lowerBound * 32..<mine.upperBound * 32
                let sums = gradient.columns(range)
                let parts = accumulators.columns(range)
                unsafe Element.vectorKernels.pointee.copy(Int64(range.count), parts.base, sums.base, false)
                for shard in 1..<max(1, shards) {
                    unsafe Element.vectorKernels.pointee.add(
                        Int64(range.count), sums.base, parts[shard..<shards].base, sums.base, false)
                }
                update.apply(range, gradient, first, second, parameters)
            }
        } else {
            pool.run(most: min(max(1, count / 8), most)) { lane, lanes in
                for (index, layer) in layers.enumerated() {
                    let x = index == 0 ? input : outputs[index - 1]
                    let units = (layer.inputs + 7) / 8
                    let mine = WorkerPool.block(lane, of: lanes, count: units)
                    if !mine.isEmpty {
                        let range = mine.lowerBound * 8..<min(mine.upperBound * 8, layer.inputs)
                        if let (alpha, beta) = update.asProduct {
                            // W = (1 - rate · decay) · W - rate · xᵀ·dy: the update is the product's epilogue.
                            layer.weightGradient(
                                x, deltas[index], inputs: range, alpha: Element(alpha), beta: Element(beta),
                                into: layer.weights(parameters))
                        } else {
                            layer.weightGradient(x, deltas[index], inputs: range, into: layer.weights(gradient))
                            update.apply(
                                layer.weights + range.lowerBound * layer.outputs..<layer.weights + range.upperBound
                                    * layer.outputs,
                                gradient, first, second, parameters)
                        }
                    }
                    if index % lanes == lane {
                        layer.biasGradient(deltas[index], into: layer.bias(gradient))
                        update.apply(layer.bias..<layer.bias + layer.outputs, gradient, first, second, parameters)
                    }
                }
            }
        }
        steps += 1
        choice.took(DispatchTime.now().uptimeNanoseconds - begin)

        let correct = (0..<count).count { unsafe predictions[$0] == labels[$0] }
        return StepResult(loss: loss, correct: correct, count: count)
    }

    // Every element of a gradient xᵀ·dy is at most |x|·|dy| (Cauchy and Schwarz), so norms answer for all of them before one is computed.
    private func gradientsAreFinite(_ input: Rows<Element>) -> Bool {
        let largest = Double(Element.greatestFiniteMagnitude) / 4
        // What the optimizer makes of a gradient must be finite too: Adam squares it, momentum adds up a series of it.
        let limit =
            switch options.optimizer {
            case .sgd(let momentum, _): largest * (1 - momentum) / max(1, rate)
            case .adam: largest.squareRoot()
            }
        func norm(_ place: Int) -> Double {
            var sum = 0.0
            for part in unsafe stride(from: place, to: squares.count, by: squareStride) { unsafe sum += squares[part] }
            return sum.squareRoot()
        }
        return shape.layers.indices.allSatisfy { index in
            // Inputs are at most a few units each.
            let x = index == 0 ? 16 * Double(input.count).squareRoot() : norm(2 * index - 2)
            return x * norm(2 * index + 1) < limit
        }
    }

    // beta1^t and beta2^t, by repeated products: the same bits on every C library.
    private var powers = (1.0, 1.0)

    /// What an optimizer remembers: velocity, or mean and variance, for a checkpoint. Empty where it has none.
    internal var state: (first: [Element], second: [Element]) { (firstMemory.elements, secondMemory.elements) }

    /// Goes on where a checkpoint left off; without the optimizer's state where that was another optimizer's.
    internal func resume(steps: Int, optimizer: String, first: [Element], second: [Element]) {
        self.steps = steps
        guard optimizer == options.optimizer.name, first.count == firstMemory.count, second.count == secondMemory.count else {
            return
        }
        firstMemory = Buffer(first)
        secondMemory = Buffer(second)
        if case .adam(let beta1, let beta2, _, _) = options.optimizer {
            for _ in 0..<steps where powers != (0, 0) { powers = (powers.0 * beta1, powers.1 * beta2) }
        }
    }
}

// An array cannot hold a buffer, which is not copied.
internal final class BufferBox<Element: LaneElement> {
    let buffer: Buffer<Element>
    init(count: Int) { buffer = Buffer(count: count) }
}

// One step of an optimizer, the same for all parameters.
private struct Update: Sendable {
    private enum Kind: Sendable {
        case sgd(rate: Double, momentum: Double, decay: Double)
        case adam(
            rate: Double, beta1: Double, beta2: Double, epsilon: Double, decay: Double, correction1: Double, correction2: Double
        )
    }
    private let kind: Kind

    init(_ optimizer: Optimizer, rate: Double, step: Int, powers: inout (Double, Double)) {
        switch optimizer {
        case .sgd(let momentum, let decay): kind = .sgd(rate: rate, momentum: momentum, decay: decay)
        case .adam(let beta1, let beta2, let epsilon, let decay):
            powers = (powers.0 * beta1, powers.1 * beta2)
            kind = .adam(
                rate: rate, beta1: beta1, beta2: beta2, epsilon: epsilon, decay: decay, correction1: 1 / (1 - powers.0),
                correction2: 1 / (1 - powers.1))
        }
    }

    // α and β of a product that is the whole update; nil where the optimizer needs the gradient by itself.
    var asProduct: (alpha: Double, beta: Double)? {
        guard case .sgd(let rate, momentum: 0, let decay) = kind else { return nil }
        return (-rate, 1 - rate * decay)
    }

    func apply<Element>(
        _ range: Range<Int>, _ gradient: Rows<Element>, _ first: Rows<Element>, _ second: Rows<Element>,
        _ parameters: Rows<Element>
    ) {
        let kernels = unsafe Element.networkKernels
        let count = Int64(range.count)
        let (g, p) = unsafe (gradient.base + range.lowerBound, parameters.base + range.lowerBound)
        switch kind {
        case .sgd(let rate, let momentum, let decay):
            let velocity = unsafe first.count == 0 ? nil : first.base + range.lowerBound
            unsafe kernels.pointee.sgd(count, rate, momentum, decay, g, velocity, p)
        case .adam(let rate, let beta1, let beta2, let epsilon, let decay, let correction1, let correction2):
            var step = ck_adam(
                rate: rate, beta1: beta1, beta2: beta2, epsilon: epsilon, decay: decay, correction1: correction1,
                correction2: correction2)
            unsafe kernels.pointee.adam(count, &step, g, first.base + range.lowerBound, second.base + range.lowerBound, p)
        }
    }
}

// Small batches gain from more lanes only where cores are near each other, which a program cannot know: now and then a few steps are
// timed on one lane and on all, and the faster way goes on. It changes no bit of the result.
private struct LaneChoice {
    private static let trials = 6, period = 512
    private var step = 0
    private var isTimed = false
    private var alone = UInt64.max, shared = UInt64.max

    /// How many lanes the next step may use.
    mutating func lanes(rows: Int, of lanes: Int) -> Int {
        isTimed = rows < 32 * lanes
        guard isTimed, lanes > 1 else { return lanes }
        let phase = step % LaneChoice.period
        if phase == 0 { (alone, shared) = (.max, .max) }
        if phase < LaneChoice.trials { return 1 }
        return phase < 2 * LaneChoice.trials || shared <= alone ? lanes : 1
    }

    mutating func took(_ nanoseconds: UInt64) {
        guard isTimed else { return }
        let phase = step % LaneChoice.period
        if phase < LaneChoice.trials {
            alone = min(alone, nanoseconds)
        } else if phase < 2 * LaneChoice.trials {
            shared = min(shared, nanoseconds)
        }
        step += 1
    }
}
