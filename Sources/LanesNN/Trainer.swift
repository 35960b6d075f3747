internal import CKernels
import Dispatch
import Lanes
import LanesParallel

/// Training of one network. Use it from one thread at a time.
///
/// ```swift
/// let trainer = Trainer(network, options: options, pool: .shared)
/// for batch in … { try trainer.step(images, indices: batch) }
/// let learnt = trainer.network
/// ```
@safe public final class Trainer<Element: LaneElement> {
    /// Widths of the network.
    public let shape: NetworkShape
    /// What the training was begun with.
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

    /// - Parameters:
    ///   - network: where to begin.
    ///   - options: how it learns.
    ///   - pool: lanes that share every step; the result is the same for any number of them.
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
            // Every lane with a block has a copy of the inputs. Where those are larger than caches, transferring weights costs less.
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
    ///   - images: of as many pixels as the network has inputs.
    ///   - chosen: at most `options.batch` of the set's images.
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
        let begin = DispatchTime.now().uptimeNanoseconds
        let most = choice.lanes(rows: count, of: pool.lanes)
        let passes = passes(count, given)
        unsafe squares.update(repeating: 0)
        // What the lanes of a step read later they prepare, or take over, themselves.
        var prepared = 1
        if shardSize != nil {
            passShards(passes, prepare)
        } else {
            if passes.isCut { prepared = passFirstLayer(passes, most, prepare) }
            passSamples(passes, most, prepare)
        }
        let loss = try lossOfTheStep(passes)
        let learning = learning(Update(options.optimizer, rate: rate, step: steps + 1, powers: &powers))
        if shardSize != nil {
            learnFromShards(passes, learning)
        } else {
            learnFromSamples(passes, learning, most, prepared: prepared)
        }
        steps += 1
        choice.took(DispatchTime.now().uptimeNanoseconds - begin)
        let correct = (0..<count).count { unsafe predictions[$0] == labels[$0] }
        return StepResult(loss: loss, correct: correct, count: count)
    }

    private func passes(_ count: Int, _ given: Rows<Element>?) -> TrainingPasses<Element> {
        unsafe TrainingPasses(
            count: count, layers: layers, blocks: blocks, given: given, inputs: inputs, outputs: outputs, deltas: deltas,
            parameters: Rows(parameterMemory.base, 1, shape.storageCount), labels: UnsafePointer(labels.baseAddress!),
            predictions: predictions.baseAddress!, squares: squares.baseAddress!, squareStride: squareStride,
            dropout: Dropout(rate: options.dropout), seed: options.seed, stream: 0x6472_6f70 &+ UInt64(steps) &* 64)
    }

    private func learning(_ update: Update) -> Learning<Element> {
        unsafe Learning(
            update: update, parameters: Rows(parameterMemory.base, 1, shape.storageCount),
            gradient: Rows(gradientMemory.base, 1, shape.storageCount), first: Rows(firstMemory.base, 1, firstMemory.count),
            second: Rows(secondMemory.base, 1, secondMemory.count))
    }

    private func shards(of count: Int) -> Int { shardSize.map { (count - 1) / $0 + 1 } ?? 0 }

    private func accumulators(_ count: Int) -> Rows<Element> {  // shards × parameters
        unsafe Rows(accumulatorMemory.base, shards(of: count), shape.storageCount)
    }

    // Forward, backward and gradients, a shard of samples to whichever lane comes.
    private func passShards(
        _ passes: TrainingPasses<Element>, _ prepare: @Sendable (Rows<Element>, Range<Int>) -> Void
    ) {
        let (accumulators, size) = (accumulators(passes.count), shardSize!)
        pool.parallelFor(0..<accumulators.rows, schedule: .dynamic(grain: 1)) { shard in
            let rows = shard * size..<min((shard + 1) * size, passes.count)
            prepare(passes.given ?? passes.inputs[0], rows)
            passes.forward(rows)
            passes.backward(rows)
            passes.noteSquares(rows, part: shard)
            passes.gradients(rows, into: accumulators[shard..<shard + 1])
        }
    }

    // The first layer's outputs, some columns to each lane. Returns how many lanes there were: each has filled an input of its own.
    private func passFirstLayer(
        _ passes: TrainingPasses<Element>, _ most: Int, _ prepare: @Sendable (Rows<Element>, Range<Int>) -> Void
    ) -> Int {
        pool.run(most: min(passes.blocks.count, most)) { lane, lanes in
            let input = passes.given ?? passes.inputs[lane]
            prepare(input, passes.whole)
            passes.forwardFirstLayer(LanePool.block(lane, of: lanes, count: passes.blocks.count), input: input)
        }
    }

    // Forward and backward, some samples to each lane, in whole tiles of eight rows.
    private func passSamples(
        _ passes: TrainingPasses<Element>, _ most: Int, _ prepare: @Sendable (Rows<Element>, Range<Int>) -> Void
    ) {
        let units = (passes.count + 7) / 8
        pool.run(most: min(units, most)) { lane, lanes in
            let mine = LanePool.block(lane, of: lanes, count: units)
            guard !mine.isEmpty else { return }
            let rows = mine.lowerBound * 8..<min(mine.upperBound * 8, passes.count)
            if !passes.isCut { prepare(passes.given ?? passes.inputs[0], rows) }
            passes.forward(rows)
            passes.backward(rows)
            passes.noteSquares(rows, part: lane)
        }
    }

    // The mean loss, where it and all gradients are finite. Nothing has been changed so far.
    private func lossOfTheStep(_ passes: TrainingPasses<Element>) throws(NonFiniteError) -> Double {
        let loss =
            unsafe NegativeLogLikelihood.forward(passes.outputs[passes.layers.count - 1][passes.whole], passes.labels)
            / Double(passes.count)
        guard loss.isFinite, gradientsAreFinite(passes.count) else { throw NonFiniteError(step: steps, loss: loss) }
        return loss
    }

    // Shards are added in their order and learnt from, some cache lines of parameters to each lane.
    private func learnFromShards(_ passes: TrainingPasses<Element>, _ learning: Learning<Element>) {
        let (accumulators, lines) = (accumulators(passes.count), shape.storageCount / 32)
        pool.run(most: lines / 256 + 1) { lane, lanes in
            let mine = LanePool.block(lane, of: lanes, count: lines)
            if !mine.isEmpty { learning.shards(mine.lowerBound * 32..<mine.upperBound * 32, of: accumulators) }
        }
    }

    // Gradients of the whole batch and the update, some weights to each lane. Lanes beyond those that prepared an input take the first one's.
    private func learnFromSamples(
        _ passes: TrainingPasses<Element>, _ learning: Learning<Element>, _ most: Int, prepared: Int
    ) {
        pool.run(most: min(max(1, passes.count / 8), most)) { lane, lanes in
            passes.learn(
                learning, blocks: LanePool.block(lane, of: lanes, count: passes.blocks.count), lane: lane, of: lanes,
                input: passes.given ?? passes.inputs[lane < prepared ? lane : 0])
        }
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
