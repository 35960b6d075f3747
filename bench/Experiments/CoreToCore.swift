import LanesParallel
import Measurement

extension Quantity {
    fileprivate static let oneWay = Quantity("one way", "ns")
    fileprivate static let slowestPair = Quantity("slowest pair", "ns")
    fileprivate static let pairs = Quantity("pairs")
    fileprivate static let lastLevelLoad = Quantity("last-level load", "ns")
}

extension Experiment {
    static let coreToCore = Experiment(
        id: "core-to-core", title: "How long does a cache-line transfer between two processors take?",
        question: "One processor writes, the other waits for it and answers: how long is one way?",
        hypothesis: "A transfer costs between one and a half and four times a load from the last-level cache.",
        figure: .bars(y: "ns, one way"),
        predict: { profile in
            profile.lanes > 1 && profile.cacheLatency.count > 1 ? [.oneWay: 2.5 * profile.cacheLatency.last!] : [:]
        },
        needs: .transfers,
        measure: { lab in
            guard lab.lanes > 1 else { return .notTestable("one processor: there is nobody to answer") }
            var observation = Observation()
            var bars = Series("one way", unit: "ns")
            let rounds = lab.isQuick ? 20_000 : 200_000
            // Pairs of processors, at most 64 of them; a fresh page for each.
            let pairs = lab.processors.indices.flatMap { a in lab.processors.indices.filter { $0 > a }.map { (a, $0) } }
            for (a, b) in pairs.prefix(64) {
                let pool = lab.makePool(
                    lanes: 3, processors: [lab.processors[0], lab.processors[a], lab.processors[b]].uniqued())
                let line = ProbeMemory(byteCount: 4096)
                // Lane 0 takes part where it is one of the pair.
                let sides = a == 0 ? [0, 1] : [-1, 0, 1]
                let times = (0..<(lab.isQuick ? 5 : 9)).map { _ -> Double in
                    line[0] = 0
                    return lab.together(sides.count, samples: 1, on: pool) { lane in
                        if sides[lane] >= 0 { Probe.ping(line, 0, side: sides[lane], rounds: rounds) }
                    }[0] / Double(2 * rounds)
                }
                bars.add(Double(bars.points.count), times, label: "\(lab.processors[a])–\(lab.processors[b])")
            }
            observation.series = [bars]
            observation.numbers = [
                .oneWay: bars.points.map(\.y).min()!, .slowestPair: bars.points.map(\.y).max()!,
                .pairs: Double(bars.points.count),
                .lastLevelLoad: lab.profile.cacheLatency.last ?? 0,
            ]
            return observation
        },
        judge: { found, facts in
            let (fast, slow) = (found[.oneWay]!, found[.slowestPair]!)
            let load = found[.lastLevelLoad]!
            return (
                facts.pair == .threadsOfOneCore
                    ? .notTestable : fast >= 1.5 * load && fast <= 4 * load ? .supported : .refuted,
                "One way takes \(text(fast)) ns\(found[.pairs]! > 1 ? " between the nearest of \(text(found[.pairs]!, 0)) pairs" : "")\(slow > 1.5 * fast ? " and \(text(slow)) ns between the farthest" : ""). A load from the last level takes \(text(load)) ns here, so a transfer is \(text(fast / load)) times that. \(facts.pair == .threadsOfOneCore ? "The first two processors are threads of one core (together \(text(facts.arithmeticOfTwo, 2)) times the arithmetic of one), whose lines need not leave its cache." : "The waiting side learns of the line at its next load, which is part of the time.")"
            )
        },
        remember: { found, _ in
            "What one lane has written takes \(text(found[.oneWay]!, 0)) ns to come to another."
        })
}

extension Array where Element: Hashable {
    func uniqued() -> [Element] {
        var seen: Set<Element> = []
        return filter { seen.insert($0).inserted }
    }
}
