import ArgumentParser
import Foundation
import Lanes
import LanesMeasurement
import LanesNN
import PeerPasses

/// The first layer of the network on real images: relu(X·W + b), 64 images at a time, 784 inputs, 128 outputs.
struct Layer: ~Copyable {
    static let batch = 64, outputs = 128

    let images: Matrix<Float>
    let weights: Matrix<Float>
    let bias: [Float]

    init(images idx: IDX) {
        let inputs = idx.sizes[1] * idx.sizes[2]
        images = Matrix(rows: idx.sizes[0], columns: inputs, idx.bytes.map { Float($0) / 256 })
        // Uniform in ±1/√inputs, from a fixed seed: every process has the same weights.
        var state: UInt64 = 20_240_607
        func next() -> Float {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Float(Int32(truncatingIfNeeded: state >> 32)) / 2_147_483_648 / Float(inputs).squareRoot()
        }
        weights = Matrix(rows: inputs, columns: Layer.outputs, (0..<inputs * Layer.outputs).map { _ in next() })
        bias = (0..<Layer.outputs).map { _ in next() }
    }

    /// |X|·|W| + |b|, which error bounds are multiples of.
    borrowing func magnitudes() -> [Double] {
        let x = Matrix(rows: images.rows, columns: images.columns, images.elements.map { Double(abs($0)) })
        let w = Matrix(rows: weights.rows, columns: weights.columns, weights.elements.map { Double(abs($0)) })
        let b = bias.map { Double(abs($0)) }
        var result = Matrix<Double>(rows: images.rows, columns: Layer.outputs)
        multiply(x, w, into: &result, bias: b.span)
        return result.elements
    }
}

/// Runs one library over the layer. Writes all outputs to a file for the parent to compare, and prints timings of one batch.
struct LayerWorker: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "layer-worker", shouldDisplay: false)

    @Option var library: String?
    @Option var data: String?
    @Option var seconds: Double
    @Option var output: String

    struct Timing: Codable {
        /// Nanoseconds for a batch: the product alone, and the product with bias and ReLU.
        var product: [Double]
        var layer: [Double]
    }

    func run() throws {
        let results = Worker.results()
        let layer = Layer(images: try IDX.testImages(folder: data))
        let loaded = try library.map { try LoadedLibrary(path: $0) }
        let batches = layer.images.rows / Layer.batch
        guard batches > 0 else { throw Failure("\(layer.images.rows) images are fewer than a batch of \(Layer.batch)") }
        let count = layer.images.rows
        let inputs = layer.images.columns
        let outputs = Layer.outputs
        var result = Matrix<Float>(rows: count, columns: outputs)

        func product(_ start: Int, _ rows: Int, fused: Bool) {
            let x = layer.images[rows: start..<start + rows]
            var whole = result.mutableView()
            var c = whole.part(rows: start..<start + rows, columns: 0..<outputs)
            if let loaded {
                unsafe loaded.multiply(Shape(m: rows, n: outputs, k: inputs), x.base, layer.weights.view.base, c.base)
            } else if fused {
                multiply(x, layer.weights, into: &c, bias: layer.bias, relu: true)
            } else {
                multiply(x, layer.weights, into: &c)
            }
        }
        func separatePasses(_ start: Int, _ rows: Int) {
            var whole = result.mutableView()
            let c = whole.part(rows: start..<start + rows, columns: 0..<outputs)
            unsafe peer_add_bias(Int64(rows), Int64(outputs), c.base, layer.bias)
            unsafe peer_relu(Int64(rows * outputs), c.base)
        }
        func whole(_ start: Int, _ rows: Int) {
            product(start, rows, fused: true)
            if loaded != nil { separatePasses(start, rows) }
        }

        for start in stride(from: 0, to: count, by: Layer.batch) { whole(start, min(Layer.batch, count - start)) }
        let elements = result.elements
        try unsafe elements.withUnsafeBytes { try unsafe Data($0).write(to: URL(fileURLWithPath: output)) }

        // Interleaved, over eight different batches.
        var timing = Timing(product: [], layer: [])
        for round in 0..<6 {
            var next = 0
            func start() -> Int {
                next = (next + 1) % min(8, batches)
                return next * Layer.batch
            }
            if round % 2 == 0 {
                timing.product += sample(seconds: seconds / 6) { product(start(), Layer.batch, fused: false) }
                timing.layer += sample(seconds: seconds / 6) { whole(start(), Layer.batch) }
            } else {
                timing.layer += sample(seconds: seconds / 6) { whole(start(), Layer.batch) }
                timing.product += sample(seconds: seconds / 6) { product(start(), Layer.batch, fused: false) }
            }
        }
        results.write(try JSONEncoder().encode(timing))
    }
}

/// The layer by our kernels and by another library, compared and timed.
struct LayerResult: Codable {
    var imageCount: Int
    var inputCount: Int
    var outputCount: Int
    /// Largest difference of the two results, over what the error bounds of both allow.
    var differenceOverBound: Double
    /// Nanoseconds for a batch of 64, medians.
    var ownProduct: Double
    var ownFused: Double
    var otherProduct: Double
    var otherWithPasses: Double
    var other: String

    static func run(other: Library, data: String?, seconds: Double) throws -> LayerResult {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        var results: [[Float]] = []
        var timings: [LayerWorker.Timing] = []
        for library in [Library.own, other] {
            Progress.show("first layer on real images: \(library.name)")
            let file = folder.file("output-\(results.count)")
            var arguments = ["layer-worker", "--seconds", String(seconds), "--output", file.path]
            if let path = library.path { arguments += ["--library", path] }
            if let data { arguments += ["--data", data] }
            timings.append(try JSONDecoder().decode(LayerWorker.Timing.self, from: try Worker.run(arguments)))
            let bytes = try Data(contentsOf: file)
            results.append(
                unsafe bytes.withUnsafeBytes { raw in
                    (0..<raw.count / 4).map { unsafe raw.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
                })
        }
        Progress.clear()

        // Each result lies within γ(|x||w| + |b|) of the exact one, so the two lie within twice that of each other; ReLU only
        // brings them closer.
        let layer = Layer(images: try IDX.testImages(folder: data))
        let n = Double(layer.images.columns + 3) * 0x1p-24
        let bounds = layer.magnitudes()
        guard results[0].count == bounds.count, results[1].count == bounds.count else {
            throw Failure("the layer's outputs have \(results.map(\.count)) elements instead of \(bounds.count)")
        }
        var worst = 0.0
        for index in bounds.indices {
            let difference = abs(Double(results[0][index]) - Double(results[1][index]))
            worst = max(difference.isNaN ? 1e300 : difference / (2 * n / (1 - n) * bounds[index]), worst)
        }
        let median = Statistics.median
        return LayerResult(
            imageCount: layer.images.rows, inputCount: layer.images.columns, outputCount: bounds.count,
            differenceOverBound: worst,
            ownProduct: median(timings[0].product), ownFused: median(timings[0].layer),
            otherProduct: median(timings[1].product),
            otherWithPasses: median(timings[1].layer), other: other.name)
    }

    var text: String {
        """
        relu(X·W + b) on \(imageCount) images, \(inputCount) -> 128, in batches of 64
          results        agree: largest difference \(format(differenceOverBound, 3)) of what the error bounds allow
          ours           \(format(ownProduct / 1000, 2)) µs for the product, \(format(ownFused / 1000, 2)) µs with bias and ReLU fused (\(format(100 * (ownFused / ownProduct - 1)))% more)
          \(other.padding(toLength: 14, withPad: " ", startingAt: 0)) \(format(otherProduct / 1000, 2)) µs for the product, \(format(otherWithPasses / 1000, 2)) µs with two passes
          ratio          \(format(otherWithPasses / ownFused, 2)) times as fast
        """
    }
}
