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
    /// Samples are shared in the forward and backward pass, rows of the weights in the gradients' products and the update. Where the first
    /// layer can be cut evenly and a batch of inputs is no larger than 1 MiB, every lane has some columns of that layer for good. Every
    /// gradient is one chain of multiply-adds over the batch.
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
    // Parameters and all that is as long have the first layer's weights in blocks; see there.
    private let columnBlocks: ColumnBlocks
    private var parameterMemory: Buffer<Element>
    // Gradient of the whole batch, velocity or mean, variance; as long as the parameters, or empty where the optimizer has none.
    private var gradientMemory: Buffer<Element>
    private var firstMemory: Buffer<Element>
    private var secondMemory: Buffer<Element>
    private var accumulatorMemory: Buffer<Element>
    // The batch: inputs for each block of the first layer, outputs of every layer, gradients of them. The lists below point into it.
    private let inputMemory: [BufferBox<Element>]
    private let outputMemory: [BufferBox<Element>]
    private let deltaMemory: [BufferBox<Element>]
    // What lanes read in every step stands still, without counts of references: its lines stay in all caches.
    private let layers: StandingList<Linear>
    private let blocks: StandingList<ColumnBlocks.Block>
    private let inputs: StandingList<Rows<Element>>
    private let outputs: StandingList<Rows<Element>>
    private let deltas: StandingList<Rows<Element>>
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
        let isPlain = if case .sgd(let momentum, _) = options.optimizer { momentum == 0 } else { false }
        if case .shards(let size) = options.parallelism {
            guard size >= 1 else { fatalError("Trainer: shards of \(size) samples") }
            shardSize = size
            accumulatorMemory = Buffer(count: ((options.batch - 1) / size + 1) * count)
            columnBlocks = ColumnBlocks(shape.layers[0], lanes: 1)
        } else {
            shardSize = nil
            accumulatorMemory = Buffer(count: 0)
            // Every lane with a block has a copy of the inputs. Where those are larger than caches, weights that travel cost less.
            let inputBytes = options.batch * shape.inputs * MemoryLayout<Element>.stride
            columnBlocks = ColumnBlocks(shape.layers[0], lanes: inputBytes <= 1 << 20 ? pool.lanes : 1)
        }
        parameterMemory = unsafe Buffer(
            columnBlocks.cut(Array(UnsafeBufferPointer(start: network.parameters.base, count: count))))
        gradientMemory = Buffer(count: count)
        firstMemory = Buffer(count: isPlain ? 0 : count)
        if case .adam = options.optimizer { secondMemory = Buffer(count: count) } else { secondMemory = Buffer(count: 0) }
        inputMemory = columnBlocks.blocks.map { _ in BufferBox(count: options.batch * network.shape.inputs) }
        outputMemory = network.shape.layers.map { BufferBox(count: options.batch * $0.outputs) }
        deltaMemory = network.shape.layers.map { BufferBox(count: options.batch * $0.outputs) }
        layers = StandingList(shape.layers)
        blocks = StandingList(columnBlocks.blocks)
        func rows(_ memory: [BufferBox<Element>]) -> StandingList<Rows<Element>> {
            StandingList(memory.map { unsafe Rows($0.buffer.base, options.batch, $0.buffer.count / options.batch) })
        }
        inputs = rows(inputMemory)
        outputs = rows(outputMemory)
        deltas = rows(deltaMemory)
        unsafe labels = .allocate(capacity: options.batch)
        unsafe indices = .allocate(capacity: options.batch)
        unsafe ahead = .allocate(capacity: options.batch)
        unsafe predictions = .allocate(capacity: options.batch)
        let parts = shardSize.map { (options.batch - 1) / $0 + 1 } ?? pool.lanes
        unsafe squares = .allocate(capacity: parts * ((2 * network.shape.layers.count + 15) / 16 * 16))
    }

    deinit {
        layers.deallocate()
        blocks.deallocate()
        for list in [inputs, outputs, deltas] { list.deallocate() }
        unsafe labels.deallocate()
        unsafe indices.deallocate()
        unsafe ahead.deallocate()
        unsafe predictions.deallocate()
        unsafe squares.deallocate()
    }

    /// What has been learnt so far; it does not change when training goes on.
    public var network: Network<Element> {
        Network(shape: shape, parameters: Buffer(columnBlocks.joined(parameterMemory.elements)))
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
    @_specialize(where Element == Float)
    @_specialize(where Element == Double)
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
        nonisolated(unsafe) let order = unsafe indices.baseAddress!
        nonisolated(unsafe) let next = unsafe isKnown ? ahead.baseAddress! : nil
        return try unsafe images.pixels.withUnsafeBufferPointer { pixels throws(NonFiniteError) in
            nonisolated(unsafe) let pixels = pixels.baseAddress!
            return try step(chosen.count, nil) { input, rows in
                unsafe Element.laneKernels.network.pointee.gather(
                    Int64(rows.count), Int64(input.columns), pixels, order + rows.lowerBound,
                    next.map { unsafe $0 + rows.lowerBound },
                    1.0 / 256, input[rows].base, Int64(input.leadingDimension))
            }
        }
    }

    /// One step on a batch that somebody prepared.
    @discardableResult
    @_specialize(where Element == Float)
    @_specialize(where Element == Double)
    public func step(_ batch: Batch<Element>) throws(NonFiniteError) -> StepResult {
        batch.claim("step")
        defer { batch.release() }
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
        return try step(batch.count, batch.rows) { _, _ in }
    }

    // The step proper. `prepare` fills rows of an input where none is given; each block of the first layer has its own, with the same
    // numbers.
    @_specialize(where Element == Float)
    @_specialize(where Element == Double)
    private func step(
        _ count: Int, _ given: Rows<Element>?, prepare: @Sendable (Rows<Element>, Range<Int>) -> Void
    ) throws(NonFiniteError) -> StepResult {
        let whole = 0..<count
        let (layers, blocks, inputs, outputs, deltas) = (self.layers, self.blocks, self.inputs, self.outputs, self.deltas)
        let parameters = unsafe Rows(parameterMemory.base, 1, shape.storageCount)
        nonisolated(unsafe) let labels = unsafe UnsafePointer(self.labels.baseAddress!)
        nonisolated(unsafe) let predictions = unsafe self.predictions.baseAddress!
        let dropout = Dropout(rate: options.dropout)
        let (seed, stream) = (options.seed, 0x6472_6f70 &+ UInt64(steps) &* 64)

        unsafe squares.update(repeating: 0)
        nonisolated(unsafe) let squares = unsafe self.squares.baseAddress!
        let squareStride = self.squareStride

        let isCut = blocks.count > 1  // the first layer is done by columns, before and after the pass

        // Forward and backward through all layers, for some samples.
        @Sendable func pass(_ rows: Range<Int>, part: Int) {
            @Sendable func drop(_ x: Rows<Element>, after layer: Int) {
                guard dropout.rate > 0 else { return }
                var random = SplitMix64(seed: seed, stream: stream &+ UInt64(layer))
                dropout.apply(x, seed: random.next(), firstRow: rows.lowerBound)
            }
            var x = given ?? inputs[0]
            if !isCut { prepare(x, rows) }
            x = x[rows]
            for index in 0..<layers.count {
                let y = outputs[index][rows]
                if index > 0 || !isCut { layers[index].forward(x, parameters, into: y) }
                if layers[index].isRectified { drop(y, after: index) }
                x = y
            }
            LogSoftmax.forward(x, into: x)
            unsafe Element.laneKernels.network.pointee.argmax(
                Int64(rows.count), Int64(x.columns), x.base, Int64(x.leadingDimension), predictions + rows.lowerBound)
            unsafe NegativeLogLikelihood.backward(
                x, labels + rows.lowerBound, scale: 1 / Double(count), into: deltas[layers.count - 1][rows])
            for index in stride(from: layers.count - 1, to: 0, by: -1) {
                let dx = deltas[index - 1][rows]
                layers[index].backward(deltas[index][rows], parameters, into: dx)
                ReLU.backward(at: outputs[index - 1][rows], dx)
                drop(dx, after: index - 1)
            }
            for index in 0..<layers.count {
                unsafe squares[part * squareStride + 2 * index] = outputs[index][rows].square
                unsafe squares[part * squareStride + 2 * index + 1] = deltas[index][rows].square
            }
        }

        let begin = DispatchTime.now().uptimeNanoseconds
        let most = choice.lanes(rows: count, of: pool.lanes)
        let shards = shardSize.map { (count - 1) / $0 + 1 } ?? 0
        let accumulators = unsafe Rows(accumulatorMemory.base, shards, shape.storageCount)
        var preparing = 1  // lanes that filled their inputs
        if let shardSize {
            pool.parallelFor(0..<shards, schedule: .dynamic(grain: 1)) { shard in
                let rows = shard * shardSize..<min((shard + 1) * shardSize, count)
                pass(rows, part: shard)
                let sums = accumulators[shard..<shard + 1]
                for index in 0..<layers.count {
                    let layer = layers[index]
                    let x = (index == 0 ? given ?? inputs[0] : outputs[index - 1])[rows]
                    layer.weightGradient(x, deltas[index][rows], inputs: 0..<layer.inputs, into: layer.weights(sums))
                    layer.biasGradient(deltas[index][rows], into: layer.bias(sums))
                }
            }
        } else {
            if isCut {
                preparing = pool.run(most: min(blocks.count, most)) { lane, lanes in
                    let input = given ?? inputs[lane][whole]
                    prepare(input, whole)
                    for block in WorkerPool.block(lane, of: lanes, count: blocks.count) {
                        blocks[block].layer.forward(
                            input, parameters, into: outputs[0][whole].columns(blocks[block].columns))
                    }
                }
            }
            // Whole tiles of eight rows.
            let units = (count + 7) / 8
            pool.run(most: min(units, most)) { lane, lanes in
                let mine = WorkerPool.block(lane, of: lanes, count: units)
                if !mine.isEmpty { pass(mine.lowerBound * 8..<min(mine.upperBound * 8, count), part: lane) }
            }
        }

        let loss = unsafe NegativeLogLikelihood.forward(outputs[layers.count - 1][whole], labels) / Double(count)
        guard loss.isFinite, gradientsAreFinite(count) else { throw NonFiniteError(step: steps, loss: loss) }

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
                unsafe Element.laneKernels.vector.pointee.copy(Int64(range.count), parts.base, sums.base, false)
                for shard in 1..<max(1, shards) {
                    unsafe Element.laneKernels.vector.pointee.add(
                        Int64(range.count), sums.base, parts[shard..<shards].base, sums.base, false)
                }
                update.apply(range, gradient, first, second, parameters)
            }
        } else {
            // Gradient and update of some rows of a layer's weights.
            @Sendable func learn(_ layer: Linear, _ x: Rows<Element>, _ dy: Rows<Element>, inputs range: Range<Int>) {
                if let (alpha, beta) = update.asProduct {
                    // W = (1 - rate · decay) · W - rate · xᵀ·dy: the update is the product's epilogue.
                    layer.weightGradient(
                        x, dy, inputs: range, alpha: Element(alpha), beta: Element(beta), into: layer.weights(parameters))
                } else {
                    layer.weightGradient(x, dy, inputs: range, into: layer.weights(gradient))
                    update.apply(
                        layer.weights + range.lowerBound * layer.outputs..<layer.weights + range.upperBound * layer.outputs,
                        gradient, first, second, parameters)
                }
            }
            @Sendable func learnBias(_ layer: Linear, _ dy: Rows<Element>) {
                layer.biasGradient(dy, into: layer.bias(gradient))
                update.apply(layer.bias..<layer.bias + layer.outputs, gradient, first, second, parameters)
            }
            let prepared = preparing
            pool.run(most: min(max(1, count / 8), most)) { lane, lanes in
                let input = given ?? inputs[lane < prepared ? lane : 0][whole]
                if isCut {
                    for block in WorkerPool.block(lane, of: lanes, count: blocks.count) {
                        let (layer, dy) = (blocks[block].layer, deltas[0][whole].columns(blocks[block].columns))
                        learn(layer, input, dy, inputs: 0..<layer.inputs)
                        learnBias(layer, dy)
                    }
                }
                for index in (isCut ? 1 : 0)..<layers.count {
                    let (layer, dy) = (layers[index], deltas[index][whole])
                    let mine = WorkerPool.block(lane, of: lanes, count: (layer.inputs + 7) / 8)
                    if !mine.isEmpty {
                        let rows = mine.lowerBound * 8..<min(mine.upperBound * 8, layer.inputs)
                        learn(layer, index == 0 ? input : outputs[index - 1][whole], dy, inputs: rows)
                    }
                    if index % lanes == lane { learnBias(layer, dy) }
                }
            }
        }
        steps += 1
        choice.took(DispatchTime.now().uptimeNanoseconds - begin)

        let correct = (0..<count).count { unsafe predictions[$0] == labels[$0] }
        return StepResult(loss: loss, correct: correct, count: count)
    }

    // Every element of a gradient xᵀ·dy is at most |x|·|dy| (Cauchy and Schwarz), so norms answer for all of them before one is computed.
    private func gradientsAreFinite(_ samples: Int) -> Bool {
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
            let x = index == 0 ? 16 * Double(samples * shape.inputs).squareRoot() : norm(2 * index - 2)
            return x * norm(2 * index + 1) < limit
        }
    }

    // beta1^t and beta2^t, by repeated products: the same bits on every C library.
    private var powers = (1.0, 1.0)

    /// What an optimizer remembers: velocity, or mean and variance, for a checkpoint. Empty where it has none.
    internal var state: (first: [Element], second: [Element]) {
        func whole(_ memory: borrowing Buffer<Element>) -> [Element] {
            memory.count == 0 ? [] : columnBlocks.joined(memory.elements)
        }
        return (whole(firstMemory), whole(secondMemory))
    }

    /// Goes on where a checkpoint left off; without the optimizer's state where that was another optimizer's.
    internal func resume(steps: Int, optimizer: String, first: [Element], second: [Element]) {
        self.steps = steps
        guard optimizer == options.optimizer.name, first.count == firstMemory.count, second.count == secondMemory.count else {
            return
        }
        firstMemory = Buffer(first.isEmpty ? [] : columnBlocks.cut(first))
        secondMemory = Buffer(second.isEmpty ? [] : columnBlocks.cut(second))
        if case .adam(let beta1, let beta2, _, _) = options.optimizer {
            // One multiplication a step, as in training, until they no longer change.
            for _ in 0..<steps {
                let next = (powers.0 * beta1, powers.1 * beta2)
                if next == powers { break }
                powers = next
            }
        }
    }
}

// Values that do not change, at an address that does not either, in cache lines that nobody writes.
@safe private struct StandingList<Value: Sendable>: @unchecked Sendable {
    private let values: UnsafeMutableBufferPointer<Value>
    init(_ values: [Value]) {
        let byteCount = (values.count * MemoryLayout<Value>.stride + 127) / 128 * 128
        let memory = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 128)
        unsafe self.values = UnsafeMutableBufferPointer(
            start: memory.bindMemory(to: Value.self, capacity: values.count), count: values.count)
        _ = unsafe self.values.initialize(from: values)
    }
    var count: Int { unsafe values.count }
    subscript(index: Int) -> Value { unsafe values[index] }
    func deallocate() {
        unsafe values.deinitialize()
        unsafe UnsafeMutableRawPointer(values.baseAddress!).deallocate()
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
        let kernels = unsafe Element.laneKernels.network
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
