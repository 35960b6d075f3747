internal import CKernels
import Lanes
import LanesParallel

/// The layers of a network and where their parameters stand: everything about it but the numbers.
///
/// 784 → Linear 128 → ReLU → Linear 64 → ReLU → Linear 10 → LogSoftMax is `NetworkShape([784, 128, 64, 10])`.
public struct NetworkShape: Sendable, Equatable {
    /// Inputs, the width of each hidden layer, classes.
    public let widths: [Int]
    /// Numbers in all weights and biases.
    public var parameterCount: Int { zip(widths, widths.dropFirst()).map { $0 * $1 + $1 }.reduce(0, +) }

    internal let layers: [Linear]
    /// Numbers in memory: each weight matrix and each bias begins on a cache line of its own; between them are zeros.
    internal let storageCount: Int

    /// - Precondition: two widths or more, each at least 1.
    public init(_ widths: [Int]) {
        guard widths.count >= 2, widths.allSatisfy({ $0 >= 1 }) else { fatalError("NetworkShape: \(widths) is not a network") }
        self.widths = widths
        var end = 0
        func place(_ count: Int) -> Int {
            defer { end += (count + 31) / 32 * 32 }
            return end
        }
        layers = (1..<widths.count).map { index in
            Linear(
                inputs: widths[index - 1], outputs: widths[index], weights: place(widths[index - 1] * widths[index]),
                bias: place(widths[index]), isRectified: index < widths.count - 1)
        }
        storageCount = end
    }

    /// Equal widths.
    public static func == (a: NetworkShape, b: NetworkShape) -> Bool { a.widths == b.widths }

    /// Numbers of one sample.
    public var inputs: Int { widths[0] }
    /// Outputs of the last layer.
    public var classes: Int { widths[widths.count - 1] }

    /// Multiply-adds of the products of one training sample: forward, weights' gradients, and inputs' gradients of all layers but the
    /// first.
    public var multiplyAddsPerTrainingSample: Int {
        let all = zip(widths, widths.dropFirst()).map { $0 * $1 }
        return 2 * all.reduce(0, +) + all.dropFirst().reduce(0, +)
    }
}

/// How parameters begin.
public enum Initialization: String, Sendable, CaseIterable {
    /// Weights and biases uniform in ±1/√inputs, as in the original program.
    case uniform
    /// Weights normal with variance 2/inputs (He et al., 2015), biases 0: keeps the scale of activations behind ReLU.
    case he
}

/// A network with its parameters, which do not change: safe to use from many threads and tasks at once.
@safe public final class Network<Element: LaneElement>: Sendable {
    /// Widths of its layers.
    public let shape: NetworkShape
    // Never written after init.
    nonisolated(unsafe) private let storage: UnsafeMutablePointer<Element>
    private let owner: Buffer<Element>

    internal var parameters: Rows<Element> { unsafe Rows(storage, 1, shape.storageCount) }

    internal init(shape: NetworkShape, parameters: consuming Buffer<Element>) {
        self.shape = shape
        unsafe storage = parameters.base
        owner = parameters
    }

    /// A network that has learnt nothing.
    public convenience init(shape: NetworkShape, initialization: Initialization = .uniform, seed: UInt64 = 1) {
        var parameters = Buffer<Element>(count: shape.storageCount)
        var random = SplitMix64(seed: seed, stream: 0)
        for layer in shape.layers {
            let bound = 1 / Double(layer.inputs).squareRoot()
            for index in 0..<layer.inputs * layer.outputs {
                switch initialization {
                case .uniform: parameters[layer.weights + index] = Element((2 * random.unit() - 1) * bound)
                case .he:
                    // The sum of 12 uniform numbers is close to normal, and needs no logarithm that libraries round differently.
                    let normal = (0..<12).reduce(-6.0) { sum, _ in sum + random.unit() }
                    parameters[layer.weights + index] = Element(normal * 2.0.squareRoot() * bound)
                }
            }
            if initialization == .uniform {
                for index in 0..<layer.outputs { parameters[layer.bias + index] = Element((2 * random.unit() - 1) * bound) }
            }
        }
        self.init(shape: shape, parameters: parameters)
    }

    /// Weights and bias of a layer, for looking at.
    public func layer(_ index: Int) -> (weights: [Element], bias: [Element]) {
        let layer = shape.layers[index]
        let (weights, bias) = (layer.weights(parameters), layer.bias(parameters))
        return unsafe (
            Array(UnsafeBufferPointer(start: weights.base, count: weights.count)),
            Array(UnsafeBufferPointer(start: bias.base, count: bias.count))
        )
    }

    /// The log-probability of each class for each sample.
    ///
    /// - Parameters:
    ///   - x: samples × inputs.
    ///   - pool: lanes that share the samples; the calling thread alone where it is nil. The result is the same, bit for bit.
    /// - Returns: samples × classes. A sample has the same bits alone and in a batch.
    public func predict(_ x: borrowing Matrix<Element>, on pool: WorkerPool? = nil) -> Matrix<Element> {
        guard x.columns == shape.inputs else {
            fatalError("Network.predict: samples of \(x.columns) numbers, the network takes \(shape.inputs)")
        }
        let result = Matrix<Element>(rows: x.rows, columns: shape.classes)
        let from = unsafe Rows(UnsafeMutablePointer(mutating: x.buffer.base), x.rows, x.columns)
        let to = unsafe Rows(result.buffer.base, result.rows, result.columns)
        forEachBlock(of: from.rows, on: pool) { rows, work in forward(from[rows], into: to[rows], work) }
        return result
    }

    // Calls `body` for blocks of samples with memory for the hidden layers of one block.
    internal func forEachBlock(
        of count: Int, on pool: WorkerPool?, _ body: @Sendable (Range<Int>, Rows<Element>) -> Void
    ) {
        let block = 64
        let blocks = (count + block - 1) / block
        let widest = shape.widths.dropFirst().max()!
        @Sendable func lane(_ lane: Int, _ lanes: Int) {
            let work = Buffer<Element>(count: 2 * block * widest)
            let rows = unsafe Rows(work.base, 2 * block, widest)
            for index in stride(from: lane, to: blocks, by: lanes) {
                body(index * block..<min((index + 1) * block, count), rows)
            }
        }
        if let pool { pool.run(most: blocks, lane) } else { lane(0, 1) }
    }

    /// All layers for one block of at most 64 samples.
    internal func forward(_ x: Rows<Element>, into y: Rows<Element>, _ work: Rows<Element>) {
        var input = x
        for (index, layer) in shape.layers.enumerated() {
            let isLast = index == shape.layers.count - 1
            let output =
                isLast ? y : unsafe Rows(work.base + index % 2 * (work.rows / 2) * work.columns, x.rows, layer.outputs)
            layer.forward(input, parameters, into: output)
            input = output
        }
        LogSoftmax.forward(y, into: y)
    }
}
