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
        var host: Bool = false
        var closed = false
        var executor: UnownedTaskExecutor?
        var pool: OpaquePointer?
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
        if unsafe !state.host {
            unsafe state.host = true
            Thread.detachNewThread { [self] in host() }
        }
        condition.broadcast()
        condition.unlock()
    }

    func close() {
        condition.lock()
        unsafe state.closed = true
        let host = unsafe state.host
        condition.broadcast()
        condition.unlock()
        // The last task may hold the last reference to the pool: then this is the host's own lane, which ends after it.
        if host && !WorkerPool.isInside { ended.wait() }
    }

    private func host() {
        condition.lock()
        while unsafe !state.closed {
            if unsafe state.next == state.jobs.count {
                condition.wait()
                continue
            }
            let pool = unsafe state.pool
            condition.unlock()
            unsafe ck_pool_run(
                pool, Int32(CK_POOL_LANES_MAX),
                { queue, _, _ in unsafe Unmanaged<TaskQueue>.fromOpaque(queue!).takeUnretainedValue().drain() },
                Unmanaged.passUnretained(self).toOpaque())
            condition.lock()
        }
        condition.unlock()
        ended.signal()
    }

    // Runs jobs on one lane until none is left and none is running that could add one.
    private func drain() {
        condition.lock()
        while true {
            if unsafe state.next < state.jobs.count {
                let job = unsafe state.jobs[state.next]
                let executor = unsafe state.executor!
                unsafe state.next += 1
                if unsafe state.next == state.jobs.count {
                    unsafe state.jobs.removeAll(keepingCapacity: true)
                    unsafe state.next = 0
                }
                unsafe state.running += 1
                condition.unlock()
                unsafe job.runSynchronously(on: executor)
                condition.lock()
                unsafe state.running -= 1
                if unsafe state.running == 0 { condition.broadcast() }
            } else if unsafe state.running == 0 {
                break
            } else {
                condition.wait()
            }
        }
        condition.unlock()
    }
}
