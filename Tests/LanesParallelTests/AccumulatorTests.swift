import LanesParallel
import Testing

@Suite struct AccumulatorTests {
    @Test(arguments: [true, false])
    func lanesAreMergedInOrder(padded: Bool) {
        let pool = WorkerPool(lanes: 4)
        let sums = LaneAccumulators<Float>(lanes: 4, count: 3, padded: padded)
        #expect(sums.stride == (padded ? 32 : 3))
        let lanes = pool.run { lane, _ in
            for _ in 0..<1000 {
                sums.withLane(lane) { span in
                    span[0] += 1
                    span[2] += Float(lane)
                }
            }
        }
        #expect(sums.merged() == [Float(1000 * lanes), 0, Float((0..<lanes).reduce(0, +) * 1000)])
    }

    private func message(_ result: ExitTest.Result?) -> String {
        String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    }

    @Test func oneLaneIsInsideOnce() async {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            let sums = LaneAccumulators<Float>(lanes: 4, count: 3)
            sums.withLane(1) { _ in sums.withLane(2) { $0[0] = 1 } }
            sums.withLane(2) { _ in sums.withLane(2) { $0[0] = 1 } }
        }
        #expect(message(result).contains("lane 2 is inside withLane already"))
    }

    @Test func whatDoesNotFitIsTold() async {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            _ = LaneAccumulators<Float>(lanes: 4, count: .max)
        }
        #expect(message(result).contains("do not fit in memory"))
        let loop = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            WorkerPool(lanes: 1).parallelFor(Int.min..<Int.max) { _ in }
        }
        #expect(message(loop).contains("parallelFor: "))
    }

    @Test func shardsGiveTheSameBitsOnAnyNumberOfLanes() {
        let shards = ShardedAccumulator<Float>(count: 5, shardSize: 37)
        func sums(_ pool: WorkerPool, _ samples: Int) -> [Float] {
            shards.sum(over: samples, on: pool) { sample, sums in
                for index in sums.indices { sums[index] += 1 / Float(sample + index + 1) }
            }
        }
        for samples in [0, 1, 36, 37, 38, 1000] {
            var expected = [Float](repeating: 0, count: 5)
            for start in stride(from: 0, to: samples, by: 37) {
                var shard = [Float](repeating: 0, count: 5)
                for sample in start..<min(start + 37, samples) {
                    for index in 0..<5 { shard[index] += 1 / Float(sample + index + 1) }
                }
                for index in 0..<5 { expected[index] = start == 0 ? shard[index] : expected[index] + shard[index] }
            }
            for lanes in 1...8 {
                let pool = WorkerPool(lanes: lanes)
                for _ in 0..<5 { #expect(sums(pool, samples) == expected) }
            }
        }
    }
}
