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
/// While tasks run, the lanes that are free are leased for them; a parallel call inside a task runs alone. Lanes go back when no task is
/// left to run. The first task starts a thread that stands in for lane 0.
extension WorkerPool: TaskExecutor {
    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        unsafe tasks.add(job, runningOn: asUnownedTaskExecutor(), pool: pool)
    }
}

// Jobs that wait for a lane, and the thread that brings lanes to them.
@safe internal final class TaskQueue: Sendable {
    @unsafe private struct State {
        var jobs: [UnownedJob] = []
        var next = 0
        var running = 0
        // A lane has left: the others leave too, and the host brings all of them back where there are new jobs.
        var leaving = false
        var hasHost = false
        var closed = false
        var executor: UnownedTaskExecutor?
        var pool: OpaquePointer?
        // Threads inside `drain`.
        var lanes: [pthread_t] = []
        // Left for the host to destroy: the pool's last reference went away on one of its own lanes.
        var doomed: OpaquePointer?
    }
    // Both are used under the condition's lock alone.
    nonisolated(unsafe) private var state = unsafe State()
    private let condition = NSCondition()
    private let ended = DispatchSemaphore(value: 0)

    func add(_ job: UnownedJob, runningOn executor: UnownedTaskExecutor, pool: OpaquePointer?) {
        condition.lock()
        unsafe state.jobs.append(job)
        unsafe state.executor = unsafe executor
        unsafe state.pool = unsafe pool
        if unsafe !state.hasHost {
            unsafe state.hasHost = true
            Thread.detachNewThread { [self] in host() }
        }
        condition.broadcast()
        condition.unlock()
    }

    /// Ends the host and destroys the pool, at once or, on one of the queue's own lanes, when that lane is through.
    func close(destroying pool: OpaquePointer?) {
        condition.lock()
        unsafe state.closed = true
        let hasHost = unsafe state.hasHost
        let isOwnLane = unsafe state.lanes.contains { pthread_equal($0, pthread_self()) != 0 }
        if isOwnLane { unsafe state.doomed = unsafe pool }
        condition.broadcast()
        condition.unlock()
        if isOwnLane { return }
        if hasHost { ended.wait() }
        if let pool = unsafe pool { unsafe ck_pool_destroy(pool) }
    }

    private func host() {
        condition.lock()
        while unsafe !state.closed {
            if unsafe state.next == state.jobs.count {
                condition.wait()
                continue
            }
            let pool = unsafe state.pool
            unsafe state.leaving = false
            condition.unlock()
            unsafe ck_pool_run(
                pool, Int32(CK_POOL_LANES_MAX),
                { queue, _, _ in unsafe Unmanaged<TaskQueue>.fromOpaque(queue!).takeUnretainedValue().drain() },
                Unmanaged.passUnretained(self).toOpaque())
            condition.lock()
        }
        let doomed = unsafe state.doomed
        condition.unlock()
        if let doomed = unsafe doomed { unsafe ck_pool_destroy(doomed) }
        ended.signal()
    }

    // Runs jobs on one lane until none is left and none is running that could add one.
    private func drain() {
        condition.lock()
        unsafe state.lanes.append(pthread_self())
        while unsafe !state.leaving {
            if unsafe state.next < state.jobs.count {
                let job = unsafe state.jobs[state.next]
                let executor = unsafe state.executor!
                unsafe state.next += 1
                if unsafe 2 * state.next >= state.jobs.count {
                    unsafe state.jobs.removeFirst(state.next)
                    unsafe state.next = 0
                }
                unsafe state.running += 1
                condition.unlock()
                unsafe job.runSynchronously(on: executor)
                condition.lock()
                unsafe state.running -= 1
                if unsafe state.running == 0 { condition.broadcast() }
            } else if unsafe state.running == 0 {
                unsafe state.leaving = true
                condition.broadcast()
            } else {
                condition.wait()
            }
        }
        unsafe state.lanes.removeAll { pthread_equal($0, pthread_self()) != 0 }
        condition.unlock()
    }
}
