internal import CKernels
import Foundation
import Synchronization

/// Tasks of Swift concurrency on the pool's lanes, so on placed threads:
///
/// ```swift
/// let pool = WorkerPool(lanes: 4, placement: .cores)
/// await withTaskExecutorPreference(pool) { await withTaskGroup(of: Void.self) { … } }
/// ```
///
/// While tasks wait, the lanes that are free are leased for them, also those that other calls give back meanwhile; a parallel call inside a
/// task runs alone. A lane goes back when no task waits. A thread stands in for lane 0; it ends some seconds after the last task.
extension WorkerPool: TaskExecutor {
    /// Queues a job of Swift concurrency; a worker that is free runs it.
    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        unsafe tasks.add(job, runningOn: asUnownedTaskExecutor(), pool: own)
    }
}

// Jobs that wait for a lane, and the threads that run them: one that stands in for lane 0, and workers of the pool as they come free.
@safe internal final class TaskQueue: Sendable {
    @unsafe private struct State {
        var jobs: [UnownedJob] = []
        var next = 0
        var executor: UnownedTaskExecutor?
        // Nil for the shared pool, which each thread looks up.
        var own: OpaquePointer?
        var lanes = 0
        var hasStandIn = false
        var standInIsIdle = false
        var hasRecruiter = false
        var closed = false
        // Threads that run jobs.
        var threads: [pthread_t] = []
        // Left for the stand-in to destroy: the pool's last reference went away on one of its own lanes.
        var doomed: OpaquePointer?

        var waiting: Int { unsafe jobs.count - next }
        var pool: OpaquePointer? { unsafe own ?? ck_pool_shared() }
        // Jobs beyond what an idle stand-in takes, as far as the pool has lanes beside the stand-in's.
        var wanted: Int { unsafe min(waiting - (standInIsIdle ? 1 : 0), Int(ck_pool_lanes(pool)) - 1 - lanes) }
        var isQuiet: Bool { unsafe lanes == 0 && !hasRecruiter }
    }
    private static let idleSeconds = 5.0
    // Both are used under the condition's lock alone.
    nonisolated(unsafe) private var state = unsafe State()
    private let condition = NSCondition()

    func add(_ job: UnownedJob, runningOn executor: UnownedTaskExecutor, pool own: OpaquePointer?) {
        condition.lock()
        unsafe state.jobs.append(job)
        unsafe state.executor = unsafe executor
        unsafe state.own = unsafe own
        startStandIn()
        recruit()
        if unsafe state.wanted > 0 && !state.hasRecruiter {
            unsafe state.hasRecruiter = true
            Thread.detachNewThread { [self] in recruitLater() }
        }
        condition.broadcast()
        condition.unlock()
    }

    /// Ends the queue's threads and destroys the pool, at once or, on one of the queue's own lanes, when that lane is through.
    func close(destroying pool: OpaquePointer?) {
        condition.lock()
        unsafe state.closed = true
        let isOwnLane = unsafe state.threads.contains { pthread_equal($0, pthread_self()) != 0 }
        if isOwnLane {
            unsafe state.doomed = unsafe pool
            startStandIn()
        }
        condition.broadcast()
        while unsafe !isOwnLane && (state.hasStandIn || !state.isQuiet) { condition.wait() }
        condition.unlock()
        if !isOwnLane, let pool = unsafe pool { unsafe ck_pool_destroy(pool) }
    }

    private func startStandIn() {
        if unsafe state.hasStandIn { return }
        unsafe state.hasStandIn = true
        Thread.detachNewThread { [self] in
            // A region of one lane: a parallel call inside a task runs alone.
            _ = unsafe ck_pool_run(
                nil, 1, { queue, _, _ in unsafe Unmanaged<TaskQueue>.fromOpaque(queue!).takeUnretainedValue().standIn() },
                Unmanaged.passUnretained(self).toOpaque())
        }
    }

    // Gives waiting jobs to workers that are free now.
    private func recruit() {
        let wanted = unsafe state.wanted
        guard wanted > 0 else { return }
        // A lane takes its reference when it has the lock, which this thread holds.
        let queue = unsafe Unmanaged.passUnretained(self)
        let lanes = unsafe ck_pool_detach(
            state.pool, Int32(wanted),
            { queue, _, _ in unsafe Unmanaged<TaskQueue>.fromOpaque(queue!).takeUnretainedValue().drain() },
            queue.toOpaque())
        for _ in 0..<lanes { _ = unsafe queue.retain() }
        unsafe state.lanes += Int(lanes)
    }

    // All lanes may be in long jobs while another caller gives workers back: looked for every millisecond, as long as jobs wait.
    private func recruitLater() {
        // A worker that has just left is free in a moment.
        var pause: UInt32 = 50
        condition.lock()
        while unsafe !state.closed && state.wanted > 0 {
            condition.unlock()
            usleep(pause)
            pause = min(2 * pause, 1000)
            condition.lock()
            recruit()
        }
        unsafe state.hasRecruiter = false
        condition.broadcast()
        condition.unlock()
    }

    private func standIn() {
        condition.lock()
        _ = unsafe state.pool  // this thread, which outlives the lanes, has to have asked for the shared pool
        while true {
            runWaitingJobs()
            if unsafe state.closed && state.isQuiet { break }
            unsafe state.standInIsIdle = true
            let isLate = !condition.wait(until: Date(timeIntervalSinceNow: Self.idleSeconds))
            unsafe state.standInIsIdle = false
            if unsafe isLate && state.waiting == 0 && state.isQuiet { break }
        }
        unsafe state.hasStandIn = false
        let doomed = unsafe state.doomed
        condition.broadcast()
        condition.unlock()
        if let doomed = unsafe doomed { unsafe ck_pool_destroy(doomed) }
    }

    private func drain() {
        condition.lock()
        runWaitingJobs()
        unsafe state.lanes -= 1
        condition.broadcast()
        condition.unlock()
        unsafe Unmanaged.passUnretained(self).release()
    }

    // With the lock, which is given up while a job runs.
    private func runWaitingJobs() {
        unsafe state.threads.append(pthread_self())
        while unsafe state.waiting > 0 {
            let job = unsafe state.jobs[state.next]
            let executor = unsafe state.executor!
            unsafe state.next += 1
            if unsafe 2 * state.next >= state.jobs.count {
                unsafe state.jobs.removeFirst(state.next)
                unsafe state.next = 0
            }
            condition.unlock()
            unsafe job.runSynchronously(on: executor)
            condition.lock()
        }
        unsafe state.threads.removeAll { pthread_equal($0, pthread_self()) != 0 }
    }
}
