import LanesMeasurement
import LanesNN
import LanesParallel

extension Quantity {
    fileprivate static let overlappedOverTheLongerPart = Quantity("overlapped over the longer part")
    fileprivate static let loading = Quantity("loading", "ms")
    fileprivate static let training = Quantity("training", "ms")
    fileprivate static let oneAfterTheOther = Quantity("one after the other", "ms")
    fileprivate static let overlapped = Quantity("overlapped", "ms")
}

extension Experiment {
    static let dataLoader = Experiment(
        id: "data-loader", title: "Loading while training",
        question:
            "Batches of images that are shifted by a pixel are filled and learnt from: one after the other, or with a loader in the background?",
        hypothesis: "With a processor for the loader, the shorter of the two is hidden behind the longer.",
        figure: .bars(y: "ms for an epoch"),
        predict: { profile in profile.lanes > 1 ? [.overlappedOverTheLongerPart: 1] : [:] },
        measure: { lab in
            guard lab.lanes > 1 else { return .notTestable("one processor: nothing can run beside the training") }
            var observation = Observation()
            let images = ImageSet.drawn(count: lab.isQuick ? 16_384 : 49_152, seed: lab.seed)
            let augmentation = Augmentation(shift: 1, noise: 0)
            let alone = WorkerPool(lanes: 1)
            func epoch(_ depth: Int?) throws -> (whole: Double, load: Double, train: Double) {
                var options = TrainingOptions()
                options.batch = 64
                let trainer = Trainer(Network<Float>(shape: NetworkShape([784, 128, 64, 10])), options: options, pool: alone)
                var train = 0.0
                var load = 0.0
                let start = Clock.nanoseconds
                if let depth {
                    let loader = BatchLoader<Float>(
                        images, batch: 64, seed: lab.seed, epoch: 0, augmentation: augmentation, depth: depth, threads: 1,
                        processors: [lab.processors[1]])
                    var seen = 0
                    while let batch = loader.next() {
                        let mark = Clock.nanoseconds
                        try trainer.step(batch)
                        train += Double(Clock.nanoseconds - mark)
                        seen += batch.count
                        loader.recycle(batch)
                    }
                    guard seen == images.count else {
                        throw LaboratoryError("the loader gave \(seen) of \(images.count) images")
                    }
                    load = loader.times.worked * 1e9
                } else {
                    let order = SplitMix64.shuffled(count: images.count, seed: lab.seed, epoch: 0)
                    let batch = Batch<Float>(capacity: 64, inputs: images.pixelsPerImage)
                    for first in stride(from: 0, to: images.count, by: 64) {
                        let mark = Clock.nanoseconds
                        batch.fill(
                            images, indices: order[first..<min(first + 64, images.count)], augmentation: augmentation,
                            seed: lab.seed)
                        let filled = Clock.nanoseconds
                        try trainer.step(batch)
                        load += Double(filled - mark)
                        train += Double(Clock.nanoseconds - filled)
                    }
                }
                return (Double(Clock.nanoseconds - start), load, train)
            }
            _ = try epoch(nil)
            let rounds = lab.isQuick ? 3 : 7
            let serial = try (0..<rounds).map { _ in try epoch(nil) }
            let overlapped = try (0..<rounds).map { _ in try epoch(8) }
            var bars = Series("an epoch", unit: "ms")
            bars.add(0, serial.map { milliseconds($0.load) }, label: "loading")
            bars.add(1, serial.map { milliseconds($0.train) }, label: "training")
            bars.add(2, serial.map { milliseconds($0.whole) }, label: "one after the other")
            bars.add(3, overlapped.map { milliseconds($0.whole) }, label: "a loader in the background")
            observation.series = [bars]
            let longer = max(bars.points[0].y, bars.points[1].y)
            observation.numbers = [
                .loading: bars.points[0].y, .training: bars.points[1].y, .oneAfterTheOther: bars.points[2].y,
                .overlapped: bars.points[3].y, .overlappedOverTheLongerPart: bars.points[3].y / longer,
            ]
            return observation
        },
        judge: { found, _ in
            let (serial, overlapped, over) = (
                found[.oneAfterTheOther]!, found[.overlapped]!, found[.overlappedOverTheLongerPart]!
            )
            let shorter = min(found[.loading]!, found[.training]!)
            let hidden = shorter > 0 ? (serial - overlapped) / shorter : 0
            return (
                hidden > 0.7 ? .supported : .refuted,
                "Loading takes \(text(found[.loading]!)) ms, training \(text(found[.training]!)) ms, one after the other \(text(serial)) ms, overlapped \(text(overlapped)) ms: \(text(over, 2)) of the longer part. \(hidden >= 1 ? "All" : "\(text(100 * max(0, hidden), 0))%") of the shorter part was hidden."
            )
        },
        remember: { found, _ in
            "Loading while training takes \(text(found[.overlapped]!, 1)) ms, one after the other \(text(found[.oneAfterTheOther]!, 1)) ms."
        })
}
