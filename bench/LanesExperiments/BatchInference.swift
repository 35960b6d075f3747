import Dispatch
import Lanes
import LanesMeasurement
import LanesNN
import LanesParallel
import Synchronization

extension Quantity {
    fileprivate static let batchOf1024OneLane = Quantity("batch of 1024, one lane", "thousand/s")
    fileprivate static let oneAtATime = Quantity("one at a time", "thousand/s")
    fileprivate static let aBatchOverOneAtATime = Quantity("a batch over one at a time", "times")
    fileprivate static let lanesOverOne64 = Quantity("all lanes over one, 64 samples", "times")
    fileprivate static let lanesOverOne1024 = Quantity("all lanes over one, 1024 samples", "times")
    fileprivate static let batchOf64 = Quantity("batch of 64", "µs")
    fileprivate static let requestMedian = Quantity("requests at half load, median", "µs")
    fileprivate static let requestTail = Quantity("requests at half load, 99th percentile", "µs")
}

extension Experiment {
    static let batchInference = Experiment(
        id: "batch-inference", title: "Answering one at a time, or in batches",
        question: "Predictions for 1 to 1024 samples at once on one lane and on all; and requests that arrive at a fixed rate.",
        hypothesis:
            "A batch is at least one and a half times cheaper for each sample, and costs waiting.",
        figure: .curves(x: "samples at once", y: "thousand samples a second", logX: true, logY: true),
        predict: { profile in
            // Products of a sample against a share of the peak.
            [.batchOf1024OneLane: 0.75 * profile.peakOne * 1e6 / (2 * 109_184)]
        },
        measure: { lab in
            var observation = Observation()
            let network = Network<Float>(shape: NetworkShape([784, 128, 64, 10]), seed: lab.seed)
            let sizes = [1, 2, 4, 8, 16, 32, 64, 128, 256, 1024]
            for lanes in lab.lanes > 1 ? [1, lab.lanes] : [1] {
                var series = Series(lanes == 1 ? "one lane" : "all lanes", unit: "thousand/s")
                for size in sizes {
                    let x = Matrix<Float>(rows: size, columns: 784, repeating: 0.25)
                    let times = lab.time(seconds: 2 * lab.pointSeconds) {
                        _ = network.predict(x, on: lanes == 1 ? nil : lab.pool)
                    }
                    series.add(Double(size), times.map { Double(size) * 1e6 / $0 })
                }
                observation.series.append(series)
            }
            let one = observation.series[0].points
            observation.numbers[.oneAtATime] = one[0].y
            observation.numbers[.batchOf1024OneLane] = one.last!.y
            observation.numbers[.aBatchOverOneAtATime] = one.last!.y / one[0].y
            if lab.lanes > 1 {
                let all = observation.series[1].points
                observation.numbers[.lanesOverOne64] = all[6].y / one[6].y
                observation.numbers[.lanesOverOne1024] = all.last!.y / one.last!.y
            }
            observation.numbers[.batchOf64] = 64_000 / one[6].y
            // Single requests at half of what all lanes bear, on a fixed schedule, answered by as many threads as there are lanes.
            let gap = Int64(2e6 / one[0].y / Double(lab.lanes))
            let count = lab.isQuick ? 2000 : 20_000
            let latencies = Mutex<[Double]>([])
            let next = Atomic(0)
            let begin = Clock.nanoseconds + 5_000_000
            _ = lab.each(lab.lanes) { _ in
                let x = Matrix<Float>(rows: 1, columns: 784, repeating: 0.25)
                var own: [Double] = []
                while true {
                    let request = next.add(1, ordering: .relaxed).oldValue
                    if request >= count { break }
                    let due = begin + Int64(request) * gap
                    while Clock.nanoseconds < due {}
                    _ = network.predict(x)
                    own.append(Double(Clock.nanoseconds - due) / 1000)
                }
                latencies.withLock { $0 += own }
            }
            let sorted = latencies.withLock { $0.sorted() }
            observation.numbers[.requestMedian] = sorted[sorted.count / 2]
            observation.numbers[.requestTail] = sorted[sorted.count * 99 / 100]
            return observation
        },
        judge: { found, _ in
            let gain = found[.aBatchOverOneAtATime]!
            return (
                gain > 1.5 ? .supported : .refuted,
                "One lane answers \(text(found[.oneAtATime]!, 0)) thousand samples a second one at a time and \(text(found[.batchOf1024OneLane]!, 0)) thousand in batches of 1024, \(text(gain)) times.\(found[.lanesOverOne64].flatMap { few in found[.lanesOverOne1024].map { " All lanes bring \(text(few, 2)) times that at 64 samples, \(text($0, 2)) times at 1024." } } ?? "") A batch of 64 takes \(text(found[.batchOf64]!, 0)) µs, which each of its samples waits, after the time until it is full. Single requests at half load were answered after \(text(found[.requestMedian]!)) µs in the median and \(text(found[.requestTail]!)) µs at the 99th percentile, waiting included."
            )
        },
        remember: { found, _ in
            "Many images at once are read \(text(found[.aBatchOverOneAtATime]!)) times as fast as one at a time."
        })
}
