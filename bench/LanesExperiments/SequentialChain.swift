import Lanes
import LanesMeasurement
import LanesNN
import LanesParallel

extension Quantity {
    fileprivate static let oneLane = Quantity("one lane", "µs")
    fileprivate static let samplesSharedAllLayers = Quantity("samples shared, all layers", "µs")
    fileprivate static let lanesInsideEachProduct = Quantity("lanes inside each product", "µs")
    fileprivate static let aPipelineOfTwoStages = Quantity("a pipeline of two stages", "µs")
}

extension Experiment {
    static let sequentialChain = Experiment(
        id: "sequential-chain", title: "Layers need each other: where to put the lanes?",
        question:
            "1024 samples through a network of equal layers: lanes inside each layer's product, layers as a pipeline, or samples shared among the lanes?",
        hypothesis: "Sharing the samples wins, for it waits once; lanes inside each layer wait after each layer.",
        figure: .bars(y: "µs for a batch of 64"),
        predict: { profile in
            guard profile.lanes > 1 else { return [:] }
            let alone = 6 * 2 * 64 * 256 * 256 / profile.product / 1000
            return [
                .oneLane: alone,
                .samplesSharedAllLayers: alone / Double(profile.lanes) + profile.region / 1000,
                .lanesInsideEachProduct: alone / Double(profile.lanes) + 6 * profile.region / 1000,
            ]
        },
        measure: { lab in
            guard lab.lanes > 1 else { return .notTestable("one processor: nothing can be shared") }
            var observation = Observation()
            let (batch, batches, width, layers) = (64, 16, 256, 6)
            let weights = (0..<layers).map { layer in LayerBox(width, layer) }
            let one = ActivationBox(batch * batches, width, layers + 1)
            func serial(_ first: Int, _ count: Int) {
                for layer in 0..<layers { one.forward(layer, first..<first + count, weights[layer], nil) }
            }
            var bars = Series("a batch", unit: "µs")
            func add(_ quantity: Quantity, _ work: () -> Void) {
                bars.add(
                    Double(bars.points.count),
                    lab.time(seconds: 5 * lab.pointSeconds, samples: 9, work).map { $0 / 1000 / Double(batches) },
                    label: quantity.name)
                observation.numbers[quantity] = bars.points.last!.y
            }
            add(.oneLane) { for b in 0..<batches { serial(b * batch, batch) } }
            add(.lanesInsideEachProduct) {
                for b in 0..<batches {
                    for layer in 0..<layers { one.forward(layer, b * batch..<(b + 1) * batch, weights[layer], lab.pool) }
                }
            }
            // Two stages: lane 0 has the first half of the layers, lane 1 the other, one batch behind.
            add(.aPipelineOfTwoStages) {
                for step in 0...batches {
                    lab.pool.run(most: 2) { lane, lanes in
                        func stage(_ stage: Int) {
                            let b = step - stage
                            guard b >= 0 && b < batches else { return }
                            for layer in stage * layers / 2..<(stage + 1) * layers / 2 {
                                one.forward(layer, b * batch..<(b + 1) * batch, weights[layer], nil)
                            }
                        }
                        if lanes == 1 {
                            stage(0)
                            stage(1)
                        } else {
                            stage(lane)
                        }
                    }
                }
            }
            add(.samplesSharedAllLayers) {
                for b in 0..<batches {
                    lab.pool.run { lane, lanes in
                        let (start, end) = (batch * lane / lanes, batch * (lane + 1) / lanes)
                        for layer in 0..<layers { one.forward(layer, b * batch + start..<b * batch + end, weights[layer], nil) }
                    }
                }
            }
            observation.series = [bars]
            return observation
        },
        judge: { found, facts in
            let (one, inside, pipeline, shared) = (
                found[.oneLane]!, found[.lanesInsideEachProduct]!, found[.aPipelineOfTwoStages]!,
                found[.samplesSharedAllLayers]!
            )
            let ways = [inside, pipeline, shared]
            let areAlike = ways.max()! < ways.min()! / 0.95
            return (
                shared < one && shared < 0.95 * min(inside, pipeline) ? .supported : .refuted,
                "A batch takes \(text(one)) µs on one lane, \(text(inside)) with lanes inside each product, \(text(pipeline)) in a pipeline and \(text(shared)) with its samples shared.\(areAlike ? " The last three are within a twentieth of the best of them: waiting once a batch instead of after each of six layers saves five empty regions, \(text(5 * facts.region / 1000, 1)) µs here." : shared < min(inside, pipeline) ? " A layer cannot begin before the one before it has ended, but samples do not need each other: whoever shares them waits once a batch, not once a layer." : " Sharing the samples waits once a batch and was slower all the same; why is not measured.")"
            )
        },
        remember: { found, _ in
            "Sharing samples among the lanes makes a batch \(text(found[.oneLane]! / found[.samplesSharedAllLayers]!, 2)) times as fast as one lane; sharing inside each layer \(text(found[.oneLane]! / found[.lanesInsideEachProduct]!, 2)) times."
        })
}

/// Weights of one layer.
final class LayerBox: Sendable {
    let matrix: Matrix<Float>
    init(_ width: Int, _ seed: Int) {
        var random = SplitMix64(seed: UInt64(seed))
        matrix = Matrix(rows: width, columns: width, (0..<width * width).map { _ in Float(random.unit() - 0.5) / 8 })
    }
}

/// What the layers pass on: lanes write to rows that do not overlap.
@safe final class ActivationBox: Sendable {
    nonisolated(unsafe) private let base: UnsafeMutablePointer<Float>
    private let buffer: Buffer<Float>
    private let rows: Int, width: Int
    init(_ rows: Int, _ width: Int, _ layers: Int) {
        buffer = Buffer(repeating: 0.5, count: rows * width * layers)
        unsafe base = buffer.base
        (self.rows, self.width) = (rows, width)
    }
    func forward(_ layer: Int, _ range: Range<Int>, _ weights: borrowing LayerBox, _ pool: WorkerPool?) {
        let start = (layer * rows + range.lowerBound) * width
        let x = unsafe MatrixView(base: base + start, rows: range.count, columns: width, leadingDimension: width)
        var y = unsafe MutableMatrixView(
            base: base + start + rows * width, rows: range.count, columns: width, leadingDimension: width)
        if let pool {
            multiply(x, weights.matrix, into: &y, relu: true, on: pool)
        } else {
            multiply(x, weights.matrix, into: &y, relu: true)
        }
    }
}
