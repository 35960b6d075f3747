import Foundation
import LanesParallel
import Synchronization
import Testing

@Suite struct TaskExecutorTests {
    final class Counter: Sendable { let value = Atomic(0) }

    @Test(arguments: [1, 2, 4]) func tasksRunOnLanes(lanes: Int) async {
        let pool = WorkerPool(lanes: lanes)
        for _ in 0..<20 {
            let inside = Counter()
            let total = await withTaskExecutorPreference(pool) {
                await withTaskGroup(of: Int.self) { group in
                    for index in 0..<50 {
                        group.addTask {
                            if WorkerPool.isInside { inside.value.add(1, ordering: .relaxed) }
                            await Task.yield()
                            if WorkerPool.isInside { inside.value.add(1, ordering: .relaxed) }
                            // A parallel call inside a task runs alone.
                            return pool.run { _, _ in } == 1 ? index : -1000
                        }
                    }
                    return await group.reduce(0, +)
                }
            }
            #expect(total == 49 * 25)
            #expect(inside.value.load(ordering: .relaxed) == 100)
        }
        // The lanes have gone back, each at its own moment.
        var most = 0
        for _ in 0..<100_000 where most < pool.lanes {
            most = pool.run { _, _ in }
            await Task.yield()
        }
        #expect(most == pool.lanes)
    }

    @Test func tasksRunAtTheSameTime() async {
        // Each task waits for the other, without suspending: on one lane this would never end.
        let pool = WorkerPool(lanes: 2)
        let arrived = Counter()
        await withTaskExecutorPreference(pool) {
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<2 {
                    group.addTask {
                        arrived.value.add(1, ordering: .sequentiallyConsistent)
                        while arrived.value.load(ordering: .sequentiallyConsistent) < 2 {}
                    }
                }
            }
        }
        #expect(arrived.value.load(ordering: .relaxed) == 2)
    }

    @Test func workersThatComeFreeLaterTakeTasks() async {
        let pool = WorkerPool(lanes: 3)
        let (regions, released) = (Counter(), Counter())
        Thread.detachNewThread { @Sendable in
            pool.run { lane, _ in
                if lane == 0 { regions.value.add(1, ordering: .sequentiallyConsistent) }
                while released.value.load(ordering: .sequentiallyConsistent) == 0 { usleep(1000) }
            }
            regions.value.add(1, ordering: .sequentiallyConsistent)
        }
        while regions.value.load(ordering: .sequentiallyConsistent) == 0 { await Task.yield() }
        // All come while the region has the workers, and nothing else comes to the queue afterwards.
        let tasks = (0..<60).map { _ in
            Task(executorPreference: pool) {
                usleep(10_000)
                return UInt(pthread_self())
            }
        }
        released.value.store(1, ordering: .sequentiallyConsistent)
        var threads = Set<UInt>()
        for task in tasks { threads.insert(await task.value) }
        while regions.value.load(ordering: .sequentiallyConsistent) < 2 { await Task.yield() }
        #expect(threads.count == pool.lanes)
    }

    @Test func theLastReferenceMayGoAwayOnALaneOfItsOwn() async {
        for _ in 0..<50 {
            let done = AsyncStream<Int>.makeStream()
            do {
                let pool = WorkerPool(lanes: 2)
                Task(executorPreference: pool) {
                    await Task.yield()
                    done.continuation.yield(1)
                    done.continuation.finish()
                }
            }
            for await value in done.stream { #expect(value == 1) }
        }
    }

    @Test func poolsEndWithTheirTasks() async {
        for _ in 0..<50 {
            let pool = WorkerPool(lanes: 2)
            let task = Task(executorPreference: pool) { pool.lanes }
            #expect(await task.value == 2)
        }
    }
}
