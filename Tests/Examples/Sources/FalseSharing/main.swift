// Sums of each lane in cache lines of their own, and next to each other: the same sums, at another speed where lanes share a line.
import LanesParallel

let pool = WorkerPool.shared
for padded in [true, false] {
    let sums = LaneAccumulators<Double>(lanes: pool.lanes, count: 1, padded: padded)
    pool.parallelFor(0..<pool.lanes) { _, lane in
        sums.withLane(lane) { sum in for step in 1...100_000 { sum[0] += Double(step) } }
    }
    print(sums.merged()[0] / Double(pool.lanes))
}
