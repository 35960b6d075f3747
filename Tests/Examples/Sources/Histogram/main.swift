// A histogram of a million numbers, on all lanes, and their variance with the same bits for any number of them.
import Lanes
import LanesParallel
import Numbers

let pool = WorkerPool.shared
let x = numbers(1000, 1000, seed: 13).elements
let counts = LaneAccumulators<Int>(lanes: pool.lanes, count: 10)
pool.parallelFor(0..<x.count) { index, lane in
    counts.withLane(lane) { $0[min(9, Int((x[index] + 1) * 5))] += 1 }
}
let center = mean(x, on: pool)
let squares = pool.reduce(0..<x.count, shardSize: 4096, into: 0.0, +) { index, sum in
    let deviation = Double(x[index] - center)
    sum += deviation * deviation
}
print(counts.merged().map(String.init).joined(separator: " "), squares / Double(x.count))
