import LanesMeasurement
import LanesNN
import LanesParallel
import Synchronization

extension Quantity {
    fileprivate static let sideBySideOverOneByOne = Quantity("side by side over one by one on one lane", "times")
    fileprivate static let aStepOnOneLane = Quantity("a step on one lane", "µs")
    fileprivate static let oneLane = Quantity("one lane", "ms")
    fileprivate static let allLanesInside = Quantity("all lanes inside", "ms")
    fileprivate static let sideBySide = Quantity("side by side", "ms")
    fileprivate static let allLanesInsideOverOneLane = Quantity("all lanes inside over one lane", "times")
}

extension Experiment {
    static let hyperparameterSearch = Experiment(
        id: "hyperparameter-search", title: "Many trainings: side by side or one by one?",
        question: "As many configurations as two for each lane: each with all lanes, one after another, or one to a lane?",
        hypothesis: "Independent runs scale best: they never wait for each other. The models are the same, byte for byte.",
        figure: .bars(y: "ms for all configurations"),
        predict: { profile in
            profile.lanes > 1 ? [.sideBySideOverOneByOne: Double(profile.lanes)] : [:]
        },
        measure: { lab in
            guard lab.lanes > 1 else { return .notTestable("one processor: nothing can run side by side") }
            var observation = Observation()
            let images = ImageSet.drawn(count: 2048, seed: lab.seed)
            let rates = (0..<2 * lab.lanes).map { 0.02 * Double($0 + 1) }
            @Sendable func train(_ rate: Double, _ pool: WorkerPool) -> Network<Float>? {
                var options = TrainingOptions()
                options.optimizer = .sgd()
                options.rate = rate
                let trainer = Trainer(Network<Float>(shape: NetworkShape([784, 128, 64, 10])), options: options, pool: pool)
                let order = SplitMix64.shuffled(count: images.count, seed: lab.seed, epoch: 0)
                for first in stride(from: 0, to: images.count, by: 32) {
                    guard (try? trainer.step(images, indices: order[first..<first + 32])) != nil else { return nil }
                }
                return trainer.network
            }
            // Every bit of a model, looked at when nothing is timed.
            func bits(_ network: Network<Float>) -> [UInt32] {
                (0..<3).map { network.layer($0) }.flatMap { ($0.weights + $0.bias).map(\.bitPattern) }
            }
            let alone = WorkerPool(lanes: 1)
            var bars = Series("\(rates.count) configurations", unit: "ms")
            let models = Mutex([Network<Float>?](repeating: nil, count: 3 * rates.count))
            func add(_ label: String, _ which: Int, _ work: (@Sendable (Int, Network<Float>?) -> Void) -> Void) {
                let times = (0..<(lab.isQuick ? 3 : 7)).map { _ -> Double in
                    let start = Clock.nanoseconds
                    work { index, model in models.withLock { $0[which * rates.count + index] = model } }
                    return milliseconds(Double(Clock.nanoseconds - start))
                }
                bars.add(Double(which), times, label: label)
            }
            add("one by one, one lane", 0) { keep in
                for (index, rate) in rates.enumerated() { keep(index, train(rate, alone)) }
            }
            add("one by one, all lanes", 1) { keep in
                for (index, rate) in rates.enumerated() { keep(index, train(rate, lab.pool)) }
            }
            add("side by side, a lane each", 2) { keep in
                lab.pool.parallelFor(rates.indices, schedule: .dynamic(grain: 1)) { keep($0, train(rates[$0], alone)) }
            }
            let found = models.withLock { $0 }.compactMap { $0 }.map(bits)
            guard found.count == 3 * rates.count else { throw LaboratoryError("a step of a training was refused") }
            for index in rates.indices
            where found[index] != found[rates.count + index] || found[index] != found[2 * rates.count + index] {
                throw LaboratoryError("configuration \(index) gave other models in other ways of running")
            }
            observation.series = [bars]
            observation.numbers = [
                .aStepOnOneLane: 1000 * bars.points[0].y / Double(rates.count * images.count / 32),
                .oneLane: bars.points[0].y, .allLanesInside: bars.points[1].y,
                .sideBySide: bars.points[2].y,
                .sideBySideOverOneByOne: bars.points[0].y / bars.points[2].y,
                .allLanesInsideOverOneLane: bars.points[0].y / bars.points[1].y,
            ]
            return observation
        },
        judge: { found, facts in
            let (side, inside) = (
                found[.sideBySideOverOneByOne]!, found[.allLanesInsideOverOneLane]!
            )
            // Of a step with all lanes inside it, what an even share of one lane's does not explain.
            let lost = found[.aStepOnOneLane].map { $0 / inside - $0 / Double(facts.lanes) }
            let regions = lost.map { 1000 * $0 / max(facts.region, 1) } ?? 0
            return (
                side >= inside && side > 1 ? .supported : .refuted,
                "Side by side the configurations are done \(text(side, 2)) times as fast as one by one on one lane; with all lanes inside each training \(text(inside, 2)) times.\(found[.aStepOnOneLane].map { " A step takes \(text($0, 0)) µs on one lane and \(text($0 / inside, 0)) with all lanes inside it, where an even share would be \(text($0 / Double(facts.lanes), 0))" } ?? "")\(lost.map { $0 > 0 ? "; the \(text($0, 0)) µs between are as long as \(text(regions, 0)) empty regions\(regions > 10 ? ", where a step has three at most: most of it is something else, which is not measured" : "")." : "." } ?? "") Independent trainings wait once, at the end. All ways gave the same models, bit for bit."
            )
        },
        remember: { found, _ in
            "Independent trainings side by side are \(text(found[.sideBySideOverOneByOne]!, 2)) times as fast as one after the other on one lane; with all lanes inside each \(text(found[.allLanesInsideOverOneLane]!, 2)) times."
        })
}
