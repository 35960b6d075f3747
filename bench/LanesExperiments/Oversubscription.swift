import Foundation
import Lanes
import LanesMeasurement
import LanesParallel
import Synchronization

extension Quantity {
    fileprivate static let regionAlone = Quantity("empty region, as many lanes as processors", "ns")
    fileprivate static let regionBesideANeighbour = Quantity("empty region beside a neighbour", "times")
    fileprivate static let threadsBesideANeighbour = Quantity("threads of an empty region beside a neighbour")
    fileprivate static let productBesideANeighbour = Quantity("product beside a neighbour", "times")
    fileprivate static let productTwiceAsManyLanes = Quantity("product, twice as many lanes", "times")
    fileprivate static let productFourTimesAsManyLanes = Quantity("product, four times as many lanes", "times")
    fileprivate static let regionFourTimesAsManyLanes = Quantity("region, four times as many lanes", "times")
}

extension Experiment {
    static let oversubscription = Experiment(
        id: "oversubscription", title: "More workers than processors",
        question:
            "What happens to regions and products with two and four times as many lanes as processors, and beside a neighbour that computes?",
        hypothesis:
            "A pool that takes work back from lanes that have not begun gets slower by a few times at most.",
        figure: .bars(y: "time over the undisturbed one", logY: true),
        predict: { profile in profile.lanes > 1 ? [.productBesideANeighbour: 1.5] : [:] },
        measure: { lab in
            guard lab.lanes > 1 else { return .notTestable("one processor: every second worker is one too many") }
            var observation = Observation()
            let a = Matrix<Float>(rows: 512, columns: 512, repeating: 0.5)
            var c = Matrix<Float>(rows: 512, columns: 512)
            var products = Series("512³", unit: "times")
            var regions = Series("empty region", unit: "times")
            let seconds = 4 * lab.pointSeconds
            func measure(_ pool: WorkerPool) -> (product: [Double], region: [Double], threads: Double) {
                let slots = ThreadSlots(count: pool.lanes)
                var threads = 0
                let product = lab.time(seconds: seconds) { multiply(a, a, into: &c, on: pool) }
                let region = lab.time(seconds: seconds) { for _ in 0..<100 { pool.run { _, _ in } } }
                // Who takes part is asked apart, for it takes time.
                for _ in 0..<1000 {
                    pool.run { lane, _ in slots.enter(lane) }
                    threads += slots.distinct
                }
                return (product, region.map { $0 / 100 }, Double(threads) / 1000)
            }
            let alone = measure(lab.makePool(lanes: lab.lanes))
            let (product, region) = (Statistics.median(alone.product), Statistics.median(alone.region))
            func add(_ label: String, _ found: (product: [Double], region: [Double], threads: Double)) {
                products.add(Double(products.points.count), found.product.map { $0 / product }, label: label)
                regions.add(Double(regions.points.count), found.region.map { $0 / region }, label: label)
            }
            add("as many as processors", alone)
            add("twice as many", measure(lab.makePool(lanes: 2 * lab.lanes)))
            add("four times as many", measure(lab.makePool(lanes: 4 * lab.lanes)))
            // A neighbour: a process that computes on the last lane's processor.
            if let neighbour = lab.unbound({ Neighbour(processor: lab.processors.last!) }) {
                let beside = measure(lab.makePool(lanes: lab.lanes))
                add("beside a neighbour", beside)
                observation.numbers[.threadsBesideANeighbour] = beside.threads
                observation.numbers[.regionBesideANeighbour] = regions.points.last!.y
                neighbour.stop()
                observation.numbers[.productBesideANeighbour] = products.points.last!.y
            }
            observation.series = [products, regions]
            observation.numbers[.regionAlone] = region
            observation.numbers[.productTwiceAsManyLanes] = products.points[1].y
            observation.numbers[.productFourTimesAsManyLanes] = products.points[2].y
            observation.numbers[.regionFourTimesAsManyLanes] = regions.points[2].y
            return observation
        },
        judge: { found, _ in
            let four = found[.productFourTimesAsManyLanes]!
            let (beside, region) = (found[.productBesideANeighbour], found[.regionFourTimesAsManyLanes])
            return (
                four < 3 && (region ?? 1) < 5 && (beside ?? 1) < 3 ? .supported : .refuted,
                "A product of 512 takes \(text(found[.productTwiceAsManyLanes]!, 2)) times as long on twice as many lanes as there are processors, \(text(four, 2)) times on four times as many\(beside.map { ", and \(text($0, 2)) times beside a neighbour that computes on one of the processors" } ?? "").\(region.map { " An empty region takes \(text($0, 1)) times as long on four times as many\(found[.regionAlone].map { " (\(text($0, 0)) ns on as many)" } ?? "")." } ?? "")\(found[.regionBesideANeighbour].flatMap { time in found[.threadsBesideANeighbour].map { " Beside the neighbour it takes \(text(time, 2)) times as long, with \(text($0, 2)) threads on the average: a lane whose worker does not come is done by the caller." } } ?? "")"
            )
        },
        remember: { found, _ in
            "Four times as many lanes as processors make a product take \(text(found[.productFourTimesAsManyLanes]!, 2)) times as long\(found[.productBesideANeighbour].map { "; a busy neighbour, \(text($0, 2)) times" } ?? "")\(found[.regionFourTimesAsManyLanes].map { "; an empty region takes \(text($0, 1)) times as long" } ?? "")."
        })
}

/// A process of another program that computes for ever on one processor.
private final class Neighbour {
    private let process = Process()

    init?(processor: Int) {
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["taskset", "-c", String(processor), "sh", "-c", "ulimit -t 60; while :; do :; done"]
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return nil }
        usleep(50_000)
        if !process.isRunning { return nil }
    }

    func stop() {
        // Not SIGTERM, which a thread may have blocked and its children inherit.
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }
}
