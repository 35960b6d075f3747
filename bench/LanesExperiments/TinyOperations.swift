import Foundation
import LanesMeasurement
import LanesParallel

extension Quantity {
    fileprivate static let numbersWhereLanesWin = Quantity("numbers where lanes begin to win")
    fileprivate static let workWhereLanesWin = Quantity("work where lanes begin to win", "ns")
    fileprivate static let taskOverVectors = Quantity("a task each over vectors", "times")
    fileprivate static let bestTaskOverVectors = Quantity("best of a task each over vectors", "times")
}

extension Experiment {
    static let tinyOperations = Experiment(
        id: "tiny-operations", title: "Are tiny operations worth a task each?",
        question:
            "x² + sin x for 10 to 1,000,000 numbers: a task for each number, a block for each lane, or vectors on one thread?",
        hypothesis:
            "A task for each number loses at every size; all lanes win over one only where the work takes longer than a parallel region.",
        figure: .curves(x: "numbers", y: "ns per number", logX: true, logY: true),
        predict: { profile in
            // Lanes win when what they save of the vectors' time is more than a region. A number takes a product and eight multiply-adds,
            // and the peak counts two operations for each.
            let lanes = Double(profile.lanes)
            return lanes > 1
                ? [.numbersWhereLanesWin: lanes / (lanes - 1) * profile.region * profile.peakOne / 18] : [:]
        },
        leavesOut: [
            .numbersWhereLanesWin:
                "the region that it counts is an empty one: the way of the numbers to the other lanes is not in it"
        ],
        needs: .transfers,
        measure: { lab in
            guard lab.lanes > 1 else { return .notTestable("one processor: there are no lanes to share the numbers") }
            var observation = Observation()
            let largest = lab.isQuick ? 100_000 : 1_000_000
            let memory = ProbeMemory(byteCount: 8 * largest)
            memory.fillWithNumbers()
            var task = Series("a task for each number", unit: "ns")
            var block = Series("a block for each lane, scalar", unit: "ns")
            var vector = Series("vectors on one thread", unit: "ns")
            var both = Series("vectors on all lanes", unit: "ns")
            var count = 10
            while count <= largest {
                let n = Double(count)
                let size = count
                let seconds = lab.pointSeconds
                task.add(
                    n,
                    lab.time(seconds: seconds) {
                        lab.pool.parallelFor(0..<size, schedule: .dynamic(grain: 1)) { Probe.squarePlusSin(memory, $0) }
                    }.map { $0 / n })
                block.add(
                    n,
                    lab.time(seconds: seconds) { lab.pool.parallelFor(0..<size) { Probe.squarePlusSin(memory, $0) } }.map {
                        $0 / n
                    })
                vector.add(n, lab.time(seconds: seconds) { Probe.squaresPlusSin(memory, 0..<size) }.map { $0 / n })
                both.add(
                    n,
                    lab.time(seconds: seconds) {
                        lab.pool.run { lane, lanes in
                            Probe.squaresPlusSin(memory, size * lane / lanes..<size * (lane + 1) / lanes)
                        }
                    }.map { $0 / n })
                count = count * 316 / 100
            }
            observation.series = [task, block, vector, both]
            // After the last size at which one thread wins, on a straight line between logarithms.
            let gain = zip(vector.points, both.points).map { log($0.y / $1.y) }
            var crossing = vector.points[0].x
            if let last = gain.lastIndex(where: { $0 <= 0 }) {
                let (x, share) = (
                    vector.points.map(\.x), last + 1 < gain.count ? -gain[last] / (gain[last + 1] - gain[last]) : 0
                )
                crossing = last + 1 < gain.count ? x[last] * exp(share * log(x[last + 1] / x[last])) : 0
            }
            let rate = vector.points.last { $0.x <= crossing }?.y ?? vector.points[0].y
            observation.numbers = [
                .numbersWhereLanesWin: crossing, .workWhereLanesWin: crossing * rate,
                .taskOverVectors: task.points[2].y / vector.points[2].y,
                .bestTaskOverVectors: zip(task.points, vector.points).map { $0.y / $1.y }.min()!,
            ]
            return observation
        },
        judge: { found, facts in
            let (worst, crossing) = (
                found[.bestTaskOverVectors]!, found[.numbersWhereLanesWin]!
            )
            return (
                worst > 1 && (crossing == 0 || found[.workWhereLanesWin].map { $0 > facts.region } ?? true)
                    ? .supported : .refuted,
                "A task for each number costs \(text(found[.taskOverVectors]!, 0)) times what vectors on one thread do for about 100 numbers, and \(text(worst, 0)) times at its best: each number is taken from a counter that all lanes share, and is computed alone instead of in vectors."
                    + (crossing > 0
                        ? " All lanes win over one from about \(about(crossing)) numbers on\(found[.workWhereLanesWin].map { ", which take \(text($0 / 1000, 2)) µs on one" } ?? ""); an empty region took \(text(facts.region / 1000, 2)) µs right before."
                        : " All lanes never won over one; an empty region took \(text(facts.region, 0)) ns.")
            )
        },
        remember: { found, facts in
            found[.numbersWhereLanesWin]! > 0
                ? "Sharing so small an operation pays from about \(about(found[.numbersWhereLanesWin]!)) numbers on, with a region of \(text(facts.region / 1000, 2)) µs; for about 100 numbers a task for each takes \(text(found[.taskOverVectors]!, 0)) times as long as vectors on one lane."
                : "Sharing so small an operation never paid; for about 100 numbers a task for each takes \(text(found[.taskOverVectors]!, 0)) times as long as vectors on one lane."
        })
}
