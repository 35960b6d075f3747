import Lanes
import LanesMeasurement
import LanesNN
import LanesParallel
import Synchronization

extension Quantity {
    fileprivate static let anAtomicForEachParameter = Quantity("an atomic for each parameter", "ns")
    fileprivate static let shards = Quantity("shards", "ns")
    fileprivate static let lostByTheRace = Quantity("lost by the race", "share")
    fileprivate static let lostByAtomicAdditions = Quantity("lost by atomic additions", "share")
    fileprivate static let oneLaneAlone = Quantity("one lane alone", "ns")
    fileprivate static let oneLockForAll = Quantity("one lock for all", "ns")
    fileprivate static let ownSumsPadded = Quantity("sums of one's own, padded", "ns")
    fileprivate static let ownSumsSideBySide = Quantity("sums of one's own, side by side", "ns")
    fileprivate static let aLockFor64Parameters = Quantity("a lock for 64 parameters", "ns")
}

extension Experiment {
    static let gradientAccumulation = Experiment(
        id: "gradient-accumulation", title: "Adding gradients from all lanes",
        question:
            "Every lane adds the real gradients of its samples to a sum: behind one lock, a lock for each group of parameters, atomics, sums of its own?",
        hypothesis:
            "Sums of one's own win, merged once at the end; locks and atomics lose most of what the lanes bring. Without any of them additions get lost.",
        figure: .bars(y: "ns for a sample's gradient", logY: true),
        predict: { profile in
            guard profile.lanes > 1 else { return [:] }
            // Cells of 32 bytes: two of them come with each line of 64 that another lane had.
            let cells = Double(128 * 64 + 64 * 10)
            let perCell = profile.atomic + profile.transfer * 32 / Double(profile.lineBytes)
            return [.anAtomicForEachParameter: cells * perCell / Double(profile.lanes)]
        },
        leavesOut: [
            .anAtomicForEachParameter:
                "exchanges that fail and are tried again are not in it, and lanes at a distance from each other in the same cells take no line"
        ],
        needs: .transfers,
        measure: { lab in
            guard lab.lanes > 1 else { return .notTestable("one processor: nobody else adds") }
            var observation = Observation()
            // A real gradient: what one step of plain descent with rate 1 takes off the parameters of the last two layers.
            let images = ImageSet.drawn(count: 64, seed: lab.seed)
            var options = TrainingOptions()
            options.optimizer = .sgd()
            options.rate = 1
            let before = Network<Float>(shape: NetworkShape([784, 128, 64, 10]), seed: lab.seed)
            let trainer = Trainer(before, options: options, pool: lab.pool)
            try trainer.step(images, indices: Array(0..<Int64(64))[...])
            let after = trainer.network
            let gradient = zip(
                before.layer(1).weights + before.layer(2).weights, after.layer(1).weights + after.layer(2).weights
            ).map { $0 - $1 }
            let count = gradient.count
            let samples = 64
            let lanes = lab.lanes
            var bars = Series("\(count) parameters, \(samples) samples for each lane", unit: "ns")
            func add(
                _ quantity: Quantity, lanes: Int = lab.lanes, merge: (() -> Void)? = nil,
                _ body: @escaping @Sendable (Int) -> Void
            ) {
                let times = (0..<(lab.isQuick ? 5 : 15)).map { _ -> Double in
                    let time = lab.together(lanes, samples: 1, body)[0]
                    let start = Clock.nanoseconds
                    merge?()
                    return time + Double(merge == nil ? 0 : Clock.nanoseconds - start)
                }
                bars.add(Double(bars.points.count), times.map { $0 / Double(samples * lanes) }, label: quantity.name)
                observation.numbers[quantity] = bars.points.last!.y
            }
            let single = LaneAccumulators<Float>(lanes: 1, count: count)
            add(.oneLaneAlone, lanes: 1) { _ in
                for _ in 0..<samples { single.withLane(0) { sums in for i in 0..<count { sums[i] += gradient[i] } } }
            }
            let total = Mutex([Float](repeating: 0, count: count))
            add(.oneLockForAll) { _ in
                for _ in 0..<samples { total.withLock { sums in for i in 0..<count { sums[i] += gradient[i] } } }
            }
            let group = 64
            let groups = LockedGroups(count: count, group: group)
            add(.aLockFor64Parameters) { _ in for _ in 0..<samples { groups.add(gradient) } }
            let atomics = AtomicSums(count: count)
            add(.anAtomicForEachParameter) { _ in for _ in 0..<samples { atomics.add(gradient) } }
            for padded in [false, true] {
                let own = LaneAccumulators<Float>(lanes: lanes, count: count, padded: padded)
                add(padded ? .ownSumsPadded : .ownSumsSideBySide, merge: { _ = own.merged() }) { lane in
                    for _ in 0..<samples { own.withLane(lane) { sums in for i in 0..<count { sums[i] += gradient[i] } } }
                }
            }
            let shards = ShardedAccumulator<Float>(count: count, shardSize: 4)
            let sharded = lab.time(samples: 5) {
                _ = shards.sum(over: samples * lanes, on: lab.pool) { _, sums in for i in 0..<count { sums[i] += gradient[i] } }
            }
            bars.add(
                Double(bars.points.count), sharded.map { $0 / Double(samples * lanes) }, label: "shards of 4, added in order")
            observation.numbers[.shards] = bars.points.last!.y
            // The race, with loads and stores that are atomic by themselves, so that only additions get lost.
            let memory = ProbeMemory(byteCount: 4096)
            let steps = 200_000
            memory[0] = 0
            _ = lab.together(lanes, samples: 1) { _ in Probe.countRacing(memory, 0, steps) }
            let lost = 1 - Double(memory[0]) / Double(steps * lanes)
            memory[0] = 0
            _ = lab.together(lanes, samples: 1) { _ in Probe.countAdd(memory, 0, steps) }
            observation.numbers[.lostByTheRace] = lost
            observation.numbers[.lostByAtomicAdditions] = 1 - Double(memory[0]) / Double(steps * lanes)
            observation.series = [bars]
            return observation
        },
        judge: { found, _ in
            let (lock, padded, atomic) = (
                found[.oneLockForAll]!, found[.ownSumsPadded]!,
                found[.anAtomicForEachParameter]!
            )
            // Half of what the lanes bring to sums of one's own, and more, is lost.
            let limit = found[.oneLaneAlone].map { (padded + $0) / 2 } ?? padded
            return (
                padded < (found[.oneLaneAlone] ?? .infinity)
                    && min(lock, atomic, found[.aLockFor64Parameters]!) > max(limit, padded) && found[.lostByTheRace]! > 0
                    && found[.lostByAtomicAdditions]! == 0
                    ? .supported : .refuted,
                "A sample's gradient costs \(text(padded / 1000, 2)) µs in a sum of one's own, its merging included\(found[.oneLaneAlone].map { " (one lane alone: \(text($0 / 1000, 2)) µs)" } ?? ""), \(text(lock / 1000, 2)) µs behind one lock, \(text(found[.aLockFor64Parameters]! / 1000, 2)) µs behind many and \(text(atomic / 1000, 1)) µs by atomics; fixed shards, whose result has the same bits for any number of lanes, \(text(found[.shards]! / 1000, 2)) µs. In a count that is read, and written back sixteen additions later, \(text(100 * found[.lostByTheRace]!))% got lost; atomic additions lost none."
            )
        },
        remember: { found, _ in
            "A sum for each lane takes \(text(found[.ownSumsPadded]! / 1000, 2)) µs a sample, atomics \(text(found[.anAtomicForEachParameter]! / 1000, 0)) µs; of a count that is read, and written back sixteen additions later without protection, \(text(100 * found[.lostByTheRace]!, 0))% got lost."
        })
}

private final class LockedGroups: Sendable {
    private let groups: [Group]
    private let size: Int
    private final class Group: Sendable {
        let sums: Mutex<[Float]>
        init(_ count: Int) { sums = Mutex([Float](repeating: 0, count: count)) }
    }
    init(count: Int, group: Int) {
        size = group
        groups = stride(from: 0, to: count, by: group).map { Group(min(group, count - $0)) }
    }
    func add(_ gradient: [Float]) {
        for (index, group) in groups.enumerated() {
            group.sums.withLock { sums in for i in sums.indices { sums[i] += gradient[index * size + i] } }
        }
    }
}

// Floats in atomic integers of 32 bits, added by compare-and-swap loops: there is no atomic addition of floats.
private final class AtomicSums: Sendable {
    private final class Cell: Sendable { let bits = Atomic<UInt32>(0) }
    private let cells: [Cell]
    init(count: Int) { cells = (0..<count).map { _ in Cell() } }
    func add(_ gradient: [Float]) {
        for (cell, value) in zip(cells, gradient) {
            var seen = cell.bits.load(ordering: .relaxed)
            while true {
                let (done, now) = cell.bits.weakCompareExchange(
                    expected: seen, desired: (Float(bitPattern: seen) + value).bitPattern, ordering: .relaxed)
                if done { break }
                seen = now
            }
        }
    }
}
