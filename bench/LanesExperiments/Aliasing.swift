import Foundation
import LanesMeasurement

extension Quantity {
    fileprivate static let fastest = Quantity("fastest", "ns")
    fileprivate static let slowest = Quantity("slowest", "ns")
    fileprivate static let slowestDistance = Quantity("slowest distance", "bytes")
    fileprivate static let halfAPageApart = Quantity("half a page apart", "ns")
    fileprivate static let shortlyBehindAStore = Quantity("4 to 64 bytes behind a store, median", "ns")
    fileprivate static let slowDistances = Quantity("of these five a fifth slower")
}

extension Experiment {
    static let aliasing = Experiment(
        id: "4k-aliasing", title: "Addresses that look alike",
        question:
            "Numbers are copied between arrays in the first cache: does it matter how far apart the arrays are, modulo 4096 bytes?",
        hypothesis:
            "Where the low twelve bits of a load are those of a store shortly before it (4 to 64 bytes), the load waits for the store: most such distances are a fifth slower or more.",
        figure: .curves(x: "distance modulo 4096, bytes", y: "ns per number"),
        predict: { _ in [:] },
        needs: .oneLane,
        measure: { lab in
            var observation = Observation()
            let memory = ProbeMemory(byteCount: 1 << 16)
            memory.fillWithNumbers()
            var curve = Series("a copy", unit: "ns")
            let count = 1024
            for distance in [0, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 3072, 3584, 3840, 3968, 4032, 4064, 4088] {
                let to = 16_384 + distance
                let times = lab.time(seconds: lab.pointSeconds / 2) {
                    CoreProbe.copyNumbers(memory, from: 0, to: to, count: count)
                }
                curve.add(Double(distance), times.map { $0 / Double(count) })
            }
            observation.series = [curve]
            let slowest = curve.points.max { $0.y < $1.y }!
            let plain = curve.points.first { $0.x == 2048 }!.y
            let behind = curve.points.filter { 4...64 ~= $0.x }.map(\.y)
            observation.numbers = [
                .fastest: curve.points.map(\.y).min()!, .slowest: slowest.y, .slowestDistance: slowest.x,
                .halfAPageApart: plain,
                .shortlyBehindAStore: Statistics.median(behind),
                .slowDistances: Double(behind.count { $0 > 1.2 * plain }),
            ]
            return observation
        },
        judge: { found, _ in
            let (plain, slow, behind) = (found[.halfAPageApart]!, found[.slowest]!, found[.shortlyBehindAStore]!)
            let (distance, waits) = (found[.slowestDistance]!, slow > 1.2 * plain)
            return (
                behind > 1.2 * plain ? .supported : .refuted,
                "A number takes \(text(plain, 3)) ns to copy where the arrays are 2048 bytes apart modulo 4096. Of the five distances from 4 to 64 bytes, where a load follows a store whose low twelve bits are its own, \(found[.slowDistances]! == 0 ? "none is" : "\(text(found[.slowDistances]!, 0)) are") a fifth slower or more; the median of the five is \(text(behind, 3)) ns. The slowest distance of all, \(text(distance, 0)) bytes, takes \(text(slow, 3)) ns, \(text(slow / plain, 2)) times.\(waits && !(4...64 ~= distance) ? " Why that distance is slow is not measured." : "")"
            )
        },
        remember: { found, _ in
            "\(found[.slowest]! > 1.2 * found[.fastest]! ? "The distance between what is read and what is written makes a copy up to" : "The distance between what is read and what is written hardly matters here:") \(text(found[.slowest]! / found[.fastest]!, 2)) times \(found[.slowest]! > 1.2 * found[.fastest]! ? "as slow" : "at most")."
        })
}
