import Foundation
import Lanes
import LanesParallel
import Testing

@testable import LanesNN

@Suite struct NetworkTests {
    // A small batch of drawn digits, as trainers take it.
    private let images = ImageSet.drawn(count: 300, seed: 3)

    private func trained<Element: LaneElement>(
        _ type: Element.Type, lanes: Int, steps: Int = 8, batch: Int = 37, _ change: (inout TrainingOptions) -> Void = { _ in }
    ) throws -> Trainer<Element> {
        var options = TrainingOptions()
        options.batch = batch
        change(&options)
        let network = Network<Element>(shape: NetworkShape([784, 125, 20, 10]), seed: 5)
        let trainer = Trainer(network, options: options, pool: WorkerPool(lanes: lanes))
        let order = SplitMix64.shuffled(count: images.count, seed: 1, epoch: 0)
        for step in 0..<steps { try trainer.step(images, indices: order[step * batch..<(step + 1) * batch]) }
        return trainer
    }

    private func bits(_ trainer: Trainer<Float>) -> [UInt32] {
        let network = trainer.network
        let parameters = (0..<3).flatMap { network.layer($0).weights + network.layer($0).bias }
        return (parameters + trainer.state.first + trainer.state.second).map(\.bitPattern)
    }

    // The loss of a network whose parameters are given, on the first images, in f64 by plain loops.
    private func loss(_ shape: NetworkShape, _ parameters: [Double], _ count: Int) -> Double {
        var total = 0.0
        for image in 0..<count {
            var x = (0..<784).map { Double(images.pixels[image * 784 + $0]) / 256 }
            for layer in shape.layers {
                let y = (0..<layer.outputs).map { column in
                    x.indices.reduce(parameters[layer.bias + column]) {
                        $0 + x[$1] * parameters[layer.weights + $1 * layer.outputs + column]
                    }
                }
                x = layer.isRectified ? y.map { max(0, $0) } : y
            }
            let largest = x.max()!
            total -= x[Int(images.labels[image])] - largest - Foundation.log(x.reduce(0) { $0 + Foundation.exp($1 - largest) })
        }
        return total / Double(count)
    }

    @Test(arguments: [Parallelism.products, .shards(4)]) func gradientsAgreeWithFiniteDifferences(parallelism: Parallelism)
        throws
    {
        // One step of plain descent with rate 1 changes parameters by minus the gradient.
        let shape = NetworkShape([784, 12, 9, 10])
        let before = Network<Double>(shape: shape, seed: 11)
        var options = TrainingOptions()
        options.optimizer = .sgd()
        options.rate = 1
        options.batch = 8
        options.parallelism = parallelism
        let trainer = Trainer(before, options: options, pool: WorkerPool(lanes: 2))
        let result = try trainer.step(images, indices: Array(0..<8)[...].map(Int64.init)[...])
        let after = trainer.network
        func all(_ network: Network<Double>) -> [Double] {
            var numbers = [Double](repeating: 0, count: shape.storageCount)
            for (index, layer) in shape.layers.enumerated() {
                let (weights, bias) = network.layer(index)
                numbers.replaceSubrange(layer.weights..<layer.weights + weights.count, with: weights)
                numbers.replaceSubrange(layer.bias..<layer.bias + bias.count, with: bias)
            }
            return numbers
        }
        let (start, end) = (all(before), all(after))
        #expect(abs(result.loss - loss(shape, start, 8)) < 1e-12)
        // Parameters of every layer, weights and biases.
        var random = SplitMix64(seed: 9)
        for layer in shape.layers {
            let places =
                (0..<12).map { _ in layer.weights + random.below(layer.inputs * layer.outputs) }
                + (0..<layer.outputs).map { layer.bias + $0 }
            for place in places {
                let step = 1e-6
                var (up, down) = (start, start)
                up[place] += step
                down[place] -= step
                let slope = (loss(shape, up, 8) - loss(shape, down, 8)) / (2 * step)
                #expect(abs(slope - (start[place] - end[place])) < 1e-8, "parameter \(place)")
            }
        }
    }

    @Test(arguments: [1, 2, 3, 8])
    func sameBytesForAnyNumberOfLanes(lanes: Int) throws {
        for parallelism in [Parallelism.products, .shards(8)] {
            for optimizer in [Optimizer.sgd(), .sgd(momentum: 0.9, decay: 0.01), .adam(decay: 0.01)] {
                let change = { (options: inout TrainingOptions) in
                    options.parallelism = parallelism
                    options.optimizer = optimizer
                    options.dropout = 0.25
                }
                let alone = try bits(trained(Float.self, lanes: 1, change))
                #expect(try bits(trained(Float.self, lanes: lanes, change)) == alone)
                // Room for larger batches: the first layer is not cut in columns.
                #expect(
                    try bits(
                        trained(Float.self, lanes: lanes) {
                            change(&$0)
                            $0.batch = 400
                        }) == alone)
            }
        }
    }

    /// The same for batches that somebody prepared; eight steps, of which small batches do the first six on one lane.
    @Test(arguments: [2, 3, 8])
    func sameBytesFromPreparedBatches(lanes: Int) throws {
        func trained(_ lanes: Int) throws -> [UInt32] {
            let trainer = Trainer(
                Network<Float>(shape: NetworkShape([784, 125, 20, 10]), seed: 5), pool: WorkerPool(lanes: lanes))
            let batch = Batch<Float>(capacity: 64, inputs: 784)
            for step in 0..<8 {
                let indices = (0..<Int64(37)).map { ($0 + 37 * Int64(step)) % 300 }
                batch.fill(images, indices: indices[...], augmentation: .none, seed: 1)
                try trainer.step(batch)
            }
            return bits(trainer)
        }
        #expect(try trained(lanes) == trained(1))
    }

    @Test func momentumFollowsItsFormula() throws {
        // Two steps on the same batch: the second moves by the gradient there plus momentum times the first move.
        func weights(_ steps: Int, _ momentum: Double) throws -> [Double] {
            let trainer = try trained(Double.self, lanes: 1, steps: 0) {
                $0.optimizer = .sgd(momentum: momentum)
                $0.rate = 0.5
            }
            for _ in 0..<steps { try trainer.step(images, indices: [1, 2, 3][...]) }
            return trainer.network.layer(2).weights
        }
        let (start, one) = (try weights(0, 0), try weights(1, 0))
        let (plain, moved) = (try weights(2, 0), try weights(2, 0.9))
        #expect(try weights(1, 0.9) == one || zip(try weights(1, 0.9), one).allSatisfy { abs($0 - $1) < 1e-14 })
        for index in start.indices { #expect(abs(moved[index] - (plain[index] + 0.9 * (one[index] - start[index]))) < 1e-13) }
    }

    @Test func learnsDrawnDigits() throws {
        let data = DataSet.drawn(training: 3000, test: 500)
        let trainer = Trainer(Network<Float>(shape: NetworkShape([784, 128, 64, 10])))
        for epoch in 0..<5 {
            let order = SplitMix64.shuffled(count: 3000, seed: 1, epoch: epoch)
            for start in stride(from: 0, to: 3000, by: 64) {
                try trainer.step(data.training, indices: order[start..<min(start + 64, 3000)])
            }
        }
        let evaluation = trainer.network.evaluate(data.test)
        #expect(evaluation.count == 500 && evaluation.accuracy > 0.95, "\(evaluation.accuracy)")
        #expect(evaluation == trainer.network.evaluate(data.test, on: nil))
    }

    @Test func nonFiniteStopsBeforeTheStep() throws {
        let trainer = try trained(Float.self, lanes: 2, steps: 3) { $0.optimizer = .sgd() }
        let huge = Trainer(
            Network(shape: trainer.shape, parameters: Buffer([Float](repeating: 1e30, count: trainer.shape.storageCount))),
            options: trainer.options)
        #expect(throws: NonFiniteError(step: 0, loss: .nan)) { try huge.step(images, indices: [1, 2][...]) }
        #expect(huge.network.layer(0).weights.allSatisfy { $0 == 1e30 } && huge.steps == 0)
        // A batch that holds a NaN.
        let batch = Batch<Float>(capacity: 37, inputs: 784)
        batch.fill(images, indices: [0, 1, 2][...], augmentation: .none, seed: 1)
        unsafe batch.rows.base[5] = .nan
        let before = bits(trainer)
        #expect(throws: NonFiniteError.self) { try trainer.step(batch) }
        #expect(bits(trainer) == before && trainer.steps == 3)
        try trainer.step(images, indices: [1, 2][...])
        #expect(bits(trainer).allSatisfy { Float(bitPattern: $0).isFinite })
    }

    @Test func predictionsAreTheSameAloneAndInManyTasks() async throws {
        let network = try trained(Float.self, lanes: 2).network
        var x = Matrix<Float>(rows: 200, columns: 784)
        for row in 0..<200 { for column in 0..<784 { x[row, column] = Float(images.pixels[row * 784 + column]) / 256 } }
        let all = network.predict(x, on: .shared)
        let elements = all.elements
        var one = Matrix<Float>(rows: 1, columns: 784)
        for column in 0..<784 { one[0, column] = x[150, column] }
        #expect(network.predict(one).elements == Array(elements[1500..<1510]))
        #expect(abs(elements[0..<10].reduce(0) { $0 + Foundation.exp($1) } - 1) < 1e-5)
        let input = x.elements
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<16 {
                group.addTask { network.predict(Matrix(rows: 200, columns: 784, input), on: .shared).elements == elements }
            }
            for await same in group { #expect(same) }
        }
    }
}
