import LanesMeasurement
import LanesParallel

extension Quantity {
    fileprivate static let oneWay = Quantity("one way", "ns")
    fileprivate static let slowestPair = Quantity("slowest pair", "ns")
    fileprivate static let fastestLine = Quantity("fastest line", "ns")
    fileprivate static let slowestLine = Quantity("slowest line", "ns")
    fileprivate static let pairs = Quantity("pairs")
    fileprivate static let lastLevelLoad = Quantity("last-level load", "ns")
}

extension Experiment {
    static let coreToCore = Experiment(
        id: "core-to-core", title: "How long does a cache-line transfer between two processors take?",
        question: "One processor writes, the other waits for it and answers: how long is one way?",
        hypothesis:
            "A transfer costs two to six times a load from the last-level cache: the line goes to who writes it and then to who reads it.",
        figure: .bars(y: "ns, one way"),
        predict: { profile in
            // Twice on its way, and each time the last level is asked first and then the other core's cache.
            profile.lanes > 1 && profile.cacheLatency.count > 1 ? [.oneWay: 4 * profile.cacheLatency.last!] : [:]
        },
        leavesOut: [.oneWay: "how far the two processors are from each other is not in it"],
        needs: .transfers,
        measure: { lab in
            guard lab.lanes > 1 else { return .notTestable("one processor: there is nobody to answer") }
            var observation = Observation()
            var bars = Series("one way", unit: "ns")
            let rounds = lab.isQuick ? 5000 : 50_000
            var nearest = (time: Double.infinity, lines: (low: 0.0, high: 0.0))
            // Pairs of processors, at most 64 of them; fresh lines for each.
            let pairs = lab.processors.indices.flatMap { a in lab.processors.indices.filter { $0 > a }.map { (a, $0) } }
            for (a, b) in pairs.prefix(64) {
                let pool = lab.makePool(
                    lanes: 3, processors: [lab.processors[0], lab.processors[a], lab.processors[b]].uniqued())
                // Lane 0 takes part where it is one of the pair.
                let sides = a == 0 ? [0, 1] : [-1, 0, 1]
                let times = TransferLines().oneWay(lab, sides: sides, rounds: rounds, on: pool)
                bars.add(Double(bars.points.count), times, label: "\(lab.processors[a])–\(lab.processors[b])")
                if bars.points.last!.y < nearest.time {
                    nearest = (bars.points.last!.y, (times.min()!, times.max()!))
                }
            }
            observation.series = [bars]
            observation.numbers = [
                .oneWay: bars.points.map(\.y).min()!, .slowestPair: bars.points.map(\.y).max()!,
                .pairs: Double(bars.points.count), .fastestLine: nearest.lines.low, .slowestLine: nearest.lines.high,
                .lastLevelLoad: lab.profile.cacheLatency.last ?? 0,
            ]
            return observation
        },
        judge: { found, facts in
            let (fast, slow) = (found[.oneWay]!, found[.slowestPair]!)
            let load = found[.lastLevelLoad]!
            return (
                facts.pair == .threadsOfOneCore
                    ? .notTestable : fast >= 2 * load && fast <= 6 * load ? .supported : .refuted,
                "One way takes \(text(fast)) ns\(found[.pairs]! > 1 ? " between the nearest of \(text(found[.pairs]!, 0)) pairs" : "")\(slow > 1.5 * fast ? " and \(text(slow)) ns between the farthest" : "").\(found[.fastestLine].flatMap { low in found[.slowestLine].map { " That is the median of sixteen lines, which took \(text(low)) to \(text($0)) ns." } } ?? "") A load from the last level takes \(text(load)) ns here, so a transfer is \(text(fast / load)) times that. \(facts.pair == .threadsOfOneCore ? "The first two processors are threads of one core (together \(text(facts.arithmeticOfTwo, 2)) times the arithmetic of one), whose lines need not leave its cache." : "The waiting side learns of the line at its next load, which is part of the time.")"
            )
        },
        remember: { found, _ in
            "What one lane had written took \(text(found[.oneWay]!, 0)) ns to come to another when this was measured."
        })
}
