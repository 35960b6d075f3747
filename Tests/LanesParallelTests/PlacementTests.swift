import LanesParallel
import Testing

@Suite struct PlacementTests {
    @Test func hardwareThreadsAndCaches() throws {
        // Two packages, each with two last-level caches of two cores with two hardware threads.
        let machine = try #require(Machine(synthetic: "package:2 l3:2 core:2 pu:2"))
        #expect(machine.processors.count == 16 && !machine.isThisSystem)
        #expect(Placement.compact.plan(lanes: 5, on: machine) == [0, 1, 2, 3, 4])
        #expect(Placement.cores.plan(lanes: 9, on: machine) == [0, 2, 4, 6, 8, 10, 12, 14, 1])
        #expect(Placement.spread.plan(lanes: 6, on: machine) == [0, 4, 8, 12, 2, 6])
        #expect(Placement.spread.plan(lanes: 100, on: machine).sorted() == Array(0..<16))
    }

    @Test func nodesAndPackages() throws {
        let machine = try #require(Machine(synthetic: "package:2 numa:4 l3:1 core:4 pu:1"))
        #expect(Set(machine.processors.map(\.node)).count == 8)
        #expect(Set(machine.processors.map(\.package)).count == 2)
        #expect(Set(Placement.spread.plan(lanes: 8, on: machine)).count == 8)
    }

    @Test func gapsHybridCoresAndLists() {
        // Two cores with two threads, two with one; numbers with gaps.
        let machine = Machine(
            processors: [(0, 0), (7, 0), (2, 1), (9, 1), (4, 2), (12, 3)].map {
                Machine.Processor(index: $0.0, core: $0.1, lastLevelCache: 0, node: 0, package: 0)
            })
        #expect(Placement.cores.plan(lanes: 5, on: machine) == [0, 2, 4, 12, 7])
        #expect(Placement.processors([12, 5, 12, 0]).plan(lanes: 4, on: machine) == [12, 0])
        #expect(Placement("0,2-5") == .processors([0, 2, 3, 4, 5]) && Placement("spread") == .spread)
        for bad in ["", "x", "3-1", "1,,2", "-1", "1-2-3"] { #expect(Placement(bad) == nil, "\(bad)") }
    }

    @Test func moreThanAThousandProcessors() throws {
        let machine = try #require(Machine(synthetic: "package:8 l3:8 core:16 pu:2"))
        #expect(machine.processors.count == 2048)
        #expect(Set(Placement.cores.plan(lanes: 1024, on: machine)).count == 1024)
    }

    @Test func thisMachine() {
        let machine = Machine.current()
        #expect(machine.processors.count == LaneLimits.current().maskCount)
        #expect(Machine(synthetic: "nonsense:x") == nil)
    }

    @Test func workersAreBoundAndTheCallerIsNot() {
        let machine = Machine.current()
        let before = Machine.current()
        let pool = WorkerPool(lanes: machine.processors.count, placement: .cores)
        pool.run { _, _ in }
        #expect(Machine.current() == before)
        #expect(pool.boundProcessors.count == pool.lanes - 1)
        for (lane, processor) in pool.boundProcessors.enumerated() {
            #expect(processor == Placement.cores.plan(lanes: pool.lanes, on: machine)[lane + 1])
        }
    }

    @Test func fewerLanesThanAskedForAreSaid() async {
        let result = await #expect(processExitsWith: .success, observing: [\.standardErrorContent]) {
            let count = Machine.current().processors.count
            let pool = WorkerPool(lanes: count + 1, placement: .compact)
            precondition(pool.lanes == count)
        }
        let text = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
        #expect(text.contains("lanes were asked for, the placement has"))
    }
}
