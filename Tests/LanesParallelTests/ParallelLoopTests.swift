import Lanes
import LanesParallel
import Synchronization
import Testing

@Suite struct ParallelLoopTests {
    private struct Refused: Error, Equatable { let index: Int }

    /// A number of a client's own.
    private struct Money: AdditiveArithmetic, Sendable {
        var cents = 0
        static let zero = Money()
        static func + (a: Money, b: Money) -> Money { Money(cents: a.cents + b.cents) }
        static func - (a: Money, b: Money) -> Money { Money(cents: a.cents - b.cents) }
    }

    @Test(arguments: [1, 4]) func rowsAreWritten(lanes: Int) {
        let pool = WorkerPool(lanes: lanes)
        var m = Matrix<Float>(rows: 100, columns: 7)
        for schedule in [Schedule.blocks, .dynamic(grain: 3), .shards(size: 9)] {
            pool.forEachRow(of: &m, schedule: schedule) { row, elements in
                for column in elements.indices { elements[column] += Float(row * 10 + column) }
            }
        }
        #expect((0..<100).allSatisfy { row in (0..<7).allSatisfy { m[row, $0] == Float(3 * (row * 10 + $0)) } })
        var view = m.mutableView()
        var part = view.part(rows: 10..<20, columns: 2..<4)
        pool.forEachRow(of: &part) { _, elements in for column in elements.indices { elements[column] = -1 } }
        #expect(m[10, 2] == -1 && m[19, 3] == -1 && m[9, 2] == 276 && m[10, 1] == 303 && m[10, 4] == 312)
    }

    @Test func chunksAreWritten() {
        let pool = WorkerPool(lanes: 3)
        var numbers = [Double](repeating: 0, count: 1003)
        pool.forEachChunk(of: &numbers, size: 10) { range, elements in
            #expect(range.count == elements.count)
            for index in elements.indices { elements[index] = Double(range.lowerBound + index) }
        }
        #expect(numbers == (0..<1003).map(Double.init))
        var nothing: [Double] = []
        pool.forEachChunk(of: &nothing, size: 10) { _, _ in Issue.record("a chunk of nothing") }
    }

    @Test func resultsKeepTheirOrder() throws {
        let pool = WorkerPool(lanes: 4)
        #expect(pool.map(5..<105) { "\($0)" } == (5..<105).map { "\($0)" })
        #expect(pool.map(3..<3) { $0 } == [])
        #expect(throws: Refused(index: 7)) {
            _ = try pool.map(0..<8, schedule: .dynamic(grain: 1)) { (index: Int) throws(Refused) -> Int in
                if index == 7 { throw Refused(index: 7) }
                return index
            }
        }
    }

    @Test func reductionsHaveTheSameBits() {
        func total(_ lanes: Int) -> Float {
            WorkerPool(lanes: lanes).reduce(0..<10_001, shardSize: 64, into: Float(0), +) { index, sum in
                sum += 1 / Float(index + 1)
            }
        }
        let serial = stride(from: 0, to: 10_001, by: 64).map { (start: Int) -> Float in
            var part: Float = 0
            for index in start..<min(start + 64, 10_001) { part += 1 / Float(index + 1) }
            return part
        }
        #expect(total(1) == serial.dropFirst().reduce(serial[0], +))
        #expect(total(1) == total(2) && total(2) == total(5))
        let pool = WorkerPool(lanes: 2)
        #expect(pool.reduce(1..<10, shardSize: .max, into: 0, +) { index, sum in sum += index } == 45)
        #expect(
            pool.reduce(Int.max - 3..<Int.max, shardSize: 2, into: 0, max) { index, top in top = max(top, index) } == .max - 1)
    }

    @Test func lanesHaveNumbersForAccumulators() {
        let pool = WorkerPool(lanes: 4)
        let counts = LaneAccumulators<Int>(lanes: pool.lanes, count: 10)
        let money = LaneAccumulators<Money>(lanes: pool.lanes, count: 1)
        pool.parallelFor(0..<1000, schedule: .dynamic(grain: 7)) { index, lane in
            counts.withLane(lane) { $0[index % 10] += 1 }
            money.withLane(lane) { $0[0] = $0[0] + Money(cents: index) }
        }
        #expect(counts.merged() == [Int](repeating: 100, count: 10))
        #expect(money.merged()[0].cents == 499_500)
        #expect(counts.stride == 16 && money.stride == 16)
    }

    @Test func errorsAreThrown() {
        let pool = WorkerPool(lanes: 3)
        #expect(throws: Refused.self) {
            try pool.run { (lane, _) throws(Refused) in if lane == 0 { throw Refused(index: lane) } }
        }
        let sums = LaneAccumulators<Int>(lanes: 3, count: 1)
        #expect(throws: Refused(index: 1)) { try sums.withLane(1) { (_) throws(Refused) in throw Refused(index: 1) } }
        sums.withLane(1) { $0[0] = 1 }  // it can be entered again
        var m = Matrix<Float>(rows: 10, columns: 1)
        #expect(throws: Refused(index: 4)) {
            try pool.forEachRow(of: &m) { (row, _) throws(Refused) in if row == 4 { throw Refused(index: 4) } }
        }
    }

    /// A call that a task waits for runs on a thread that is none of Swift concurrency's.
    @Test func tasksAreSuspendedMeanwhile() async throws {
        let pool = WorkerPool(lanes: 2)
        let product = await pool.call { () -> Matrix<Float> in
            let a = Matrix<Float>(rows: 200, columns: 200, repeating: 1)
            return multiply(a, a, on: pool)
        }
        #expect(product[3, 4] == 200)
        await #expect(throws: Refused(index: 1)) {
            try await pool.call { () throws(Refused) -> Int in throw Refused(index: 1) }
        }
    }

    @Test func misuseNamesTheCaller() async {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            var numbers: [Float] = [1]
            WorkerPool(lanes: 1).forEachChunk(of: &numbers, size: 0) { _, _ in }
        }
        let text = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
        #expect(text.contains("ParallelLoopTests.swift:") && text.contains("forEachChunk: chunks of 0"))
    }
}
