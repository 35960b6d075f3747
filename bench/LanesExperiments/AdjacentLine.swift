import Foundation
import LanesMeasurement

extension Quantity {
    fileprivate static let onePair = Quantity("one pair", "ns")
    fileprivate static let differentPairs = Quantity("different pairs", "ns")
    fileprivate static let difference = Quantity("difference", "%")
    fileprivate static let differenceAtLeast = Quantity("difference at least", "%")
    fileprivate static let differenceAtMost = Quantity("difference at most", "%")
}

extension Experiment {
    static let adjacentLine = Experiment(
        id: "adjacent-line", title: "Do neighbouring lines disturb each other?",
        question: "Some processors fetch lines in pairs. Does a counter in the other line of a pair slow ours down?",
        hypothesis: "Hardly: less than 10% between two lines of one pair and lines of different pairs.",
        figure: .bars(y: "ns per atomic addition"),
        predict: { profile in
            profile.lanes > 1 ? [.onePair: profile.atomic, .differentPairs: profile.atomic] : [:]
        },
        needs: .transfers,
        measure: { lab in
            guard lab.lanes > 1 else { return .notTestable("one processor: lines are not shared with anybody") }
            var observation = Observation()
            let memory = ProbeMemory(byteCount: 1 << 20)
            let steps = lab.isQuick ? 200_000 : 1_000_000
            let line = lab.lineBytes
            var same: [Double] = []
            var other: [Double] = []
            // In turn, so that both see the same machine.
            for _ in 0..<(lab.isQuick ? 11 : 31) {
                same.append(lab.together(2, samples: 1) { Probe.countAdd(memory, $0 * line, steps) }[0] / Double(steps))
                other.append(lab.together(2, samples: 1) { Probe.countAdd(memory, $0 * 3 * line, steps) }[0] / Double(steps))
            }
            var bars = Series("two lanes", unit: "ns")
            bars.add(0, same, label: "one pair (\(line) bytes apart)")
            bars.add(1, other, label: "different pairs (\(3 * line) bytes apart)")
            let comparison = PairedComparison(logarithms: zip(same, other).map { log($0 / $1) })
            observation.series = [bars]
            observation.numbers = [
                .onePair: bars.points[0].y, .differentPairs: bars.points[1].y,
                .difference: 100 * (comparison.ratio - 1), .differenceAtLeast: 100 * (comparison.low - 1),
                .differenceAtMost: 100 * (comparison.high - 1),
            ]
            return observation
        },
        judge: { found, facts in
            let difference = found[.difference]!
            return (
                abs(difference) < 10 ? .supported : .refuted,
                "Counters in one pair of lines take \(text(found[.onePair]!, 2)) ns for an addition, in different pairs \(text(found[.differentPairs]!, 2)) ns; timed in turn, those in one pair take \(text(difference))% longer\(found[.differenceAtLeast].flatMap { low in found[.differenceAtMost].map { " (\(text(low)) to \(text($0)))" } } ?? ""). "
                    + (abs(difference) < 10
                        ? "Counters a line of \(facts.lineBytes) bytes apart do not disturb each other here."
                        : difference < 0
                            ? "Those of different pairs were slower; why is not measured."
                            : "Counters a line of \(facts.lineBytes) bytes apart still disturb each other; a prefetcher that fetches lines in pairs would do that, but nothing here measures one.")
            )
        },
        remember: { found, facts in
            abs(found[.difference]!) < 10
                ? "One line of \(facts.lineBytes) bytes between counters is enough."
                : found[.difference]! < 0
                    ? "One line of \(facts.lineBytes) bytes between counters is enough: more was slower here."
                    : "One line of \(facts.lineBytes) bytes between counters is not enough: in one pair of lines an addition takes \(text(found[.difference]!))% longer."
        })
}
