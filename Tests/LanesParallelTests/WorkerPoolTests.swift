import Lanes
import LanesParallel
import Synchronization
import Testing

@Suite struct WorkerPoolTests {
    struct Planned: Error, Equatable { let index: Int }

    @Test(
        arguments: [1, 2, 3, 8],
        [Schedule.blocks, .dynamic(grain: 1), .dynamic(grain: 7), .dynamic(grain: .max), .shards(size: 3)])
    func everyIterationRunsOnce(lanes: Int, schedule: Schedule) {
        let pool = WorkerPool(lanes: lanes)
        for count in [0, 1, 2, 7, 100, 1001] {
            let counts = Mutex([Int](repeating: 0, count: count))
            pool.parallelFor(50..<50 + count, schedule: schedule) { index in counts.withLock { $0[index - 50] += 1 } }
            #expect(counts.withLock { $0 } == [Int](repeating: 1, count: count))
        }
    }

    @Test func lanesAreCounted() {
        let pool = WorkerPool(lanes: 4)
        #expect(pool.lanes == 4)
        let seen = Mutex(Set<Int>())
        #expect(pool.run { lane, _ in seen.withLock { _ = $0.insert(lane) } } == 4)
        #expect(seen.withLock { $0 } == [0, 1, 2, 3])
        let largest = Atomic(0)
        #expect(pool.run(most: 2) { _, lanes in largest.store(lanes, ordering: .relaxed) } == 2)
        #expect(largest.load(ordering: .relaxed) == 2)
    }

    struct Job: Sendable {
        let numbers: [Int]
        let sums: Sums
    }

    final class Sums: Sendable {
        let slots = Mutex([Int](repeating: 0, count: 8))
    }

    @Test func aContextReachesEveryLane() {
        let pool = WorkerPool(lanes: 4)
        let job = Job(numbers: Array(0..<1000), sums: Sums())
        for round in 1...50 {
            let lanes = pool.run(with: job) { job, lane, lanes in
                let sum = job.numbers[(lane * 1000 / lanes)..<((lane + 1) * 1000 / lanes)].reduce(0, +)
                job.sums.slots.withLock { $0[lane] += sum }
            }
            #expect(lanes == 4 && job.sums.slots.withLock { $0.reduce(0, +) } == round * 499_500)
        }
        #expect(pool.run(most: 2, with: 7) { seven, _, lanes in precondition(seven == 7 && lanes == 2) } == 2)
        // Contexts of any size and alignment, and references, which end with the call.
        let wide = (SIMD64<Double>(repeating: 3), SIMD64<UInt8>(repeating: 5))
        #expect(pool.run(with: wide) { wide, _, _ in precondition(wide.0.sum() == 192 && wide.1[63] == 5) } == 4)
        weak var gone: Sums?
        do {
            let sums = Sums()
            gone = sums
            pool.run(with: sums) { sums, lane, _ in sums.slots.withLock { $0[lane] += 1 } }
            #expect(sums.slots.withLock { $0.reduce(0, +) } == 4)
        }
        #expect(gone == nil)
    }

    @Test func callsInsideRunAlone() {
        let pool = WorkerPool(lanes: 3)
        #expect(!WorkerPool.isInside)
        let alone = Atomic(0)
        pool.run { _, _ in
            if WorkerPool.isInside && pool.run({ _, _ in }) == 1 { alone.add(1, ordering: .relaxed) }
        }
        #expect(alone.load(ordering: .relaxed) == 3)
        #expect(!WorkerPool.isInside)
    }

    @Test(arguments: [Schedule.blocks, .dynamic(grain: 2)])
    func errorsAreThrownAndThePoolGoesOn(schedule: Schedule) {
        let pool = WorkerPool(lanes: 3)
        for _ in 0..<50 {
            #expect(throws: Planned(index: 5)) {
                try pool.parallelFor(0..<40, schedule: schedule) { index throws(Planned) in
                    if index == 5 { throw Planned(index: index) }
                }
            }
        }
        let count = Atomic(0)
        pool.parallelFor(0..<10) { _ in count.add(1, ordering: .relaxed) }
        #expect(count.load(ordering: .relaxed) == 10)
    }

    @Test func manyTasksCallAtOnce() async {
        let pool = WorkerPool(lanes: 3)
        await withTaskGroup(of: Int.self) { group in
            for _ in 0..<16 {
                group.addTask {
                    let sum = Atomic(0)
                    for _ in 0..<100 { pool.parallelFor(0..<10) { index in sum.add(index, ordering: .relaxed) } }
                    return sum.load(ordering: .relaxed)
                }
            }
            for await sum in group { #expect(sum == 4500) }
        }
    }

    @Test(arguments: 1...8)
    func productsHaveTheSameBits(lanes: Int) {
        let pool = WorkerPool(lanes: lanes)
        func numbers(_ count: Int) -> [Float] { (0..<count).map { Float($0 &* 2_654_435_761 & 0xffff) / 65536 - 0.5 } }
        for (m, n, k) in [(300, 200, 100), (1, 4000, 700), (513, 5, 300), (97, 131, 1500), (200, 512, 64)] {
            let a = Matrix<Float>(rows: m, columns: k, numbers(m * k))
            let b = Matrix<Float>(rows: n, columns: k, numbers(n * k))
            let bias = numbers(n)
            var one = Matrix<Float>(rows: m, columns: n)
            var many = Matrix<Float>(rows: m, columns: n)
            multiply(a, b, into: &one, transposeB: true, bias: bias.span, relu: true)
            for _ in 0..<3 { multiply(a, b, into: &many, transposeB: true, bias: bias.span, relu: true, on: pool) }
            #expect(one.elements == many.elements)
        }
    }
}
