internal import CKernels
import Foundation
import Lanes
import Synchronization

/// How the iterations of a parallel loop are dealt to lanes.
public enum Schedule: Sendable {
    /// Each lane takes one run of neighbours, as equal as can be. For iterations that cost the same.
    ///
    /// The serial loop: `for lane in 0..<n { for i in block(lane) { body(i) } }`, blocks in order, the first ones longer by at most one.
    case blocks
    /// Lanes take `grain` neighbours at a time from a common counter. For iterations that differ, or lanes that are disturbed.
    ///
    /// The serial loop: `for start in stride(from: 0, to: count, by: grain) { for i in start..<min(start + grain, count) { body(i) } }`.
    case dynamic(grain: Int)
    /// The range is cut in shards of `size` iterations, whatever the number of lanes, and lanes take the shards in turn: lane l runs
    /// shards l, l + lanes, … in ascending order. For results that are kept by shard, such as those of ``ShardedAccumulator``.
    ///
    /// The serial loop: `for lane in 0..<n { for shard in stride(from: lane, to: shards, by: n) { for i in shard { body(i) } } }`.
    case shards(size: Int)
}

/// Lanes: the calling thread and workers that wait for parallel loops.
///
/// A call returns when all its iterations have ended. Many threads may call at once: each leases the workers that are free, and
/// runs alone when none is. A call inside a call runs alone. Workers look for work for a while after a call and then sleep. After
/// `fork`, the child's ``shared`` pool is a new one.
///
/// ```swift
/// let pool = WorkerPool.shared
/// multiply(a, b, into: &c, on: pool)     // the same bits as multiply(a, b, into: &c)
/// pool.parallelFor(0..<1000) { i in … }
/// ```
///
/// A call blocks its thread: from Swift concurrency, keep calls short or make them by ``call(_:)``.
@safe public final class WorkerPool: Sendable {
    /// The pool of the process: as many lanes as the processors in the affinity mask of the thread that asked first have cores (a product, or
    /// ``LaneLimits``) or, where it is set, as `LANES_NUM_THREADS` says, up to those processors; never more than the CPU quota rounded up. `LanesBLAS` in the same program image uses it too.
    ///
    /// Where `LANES_PLACEMENT` is set (`compact`, `spread`, `cores` or processors such as `0,2-5`) it is a pool of its own, whose workers
    /// are bound to processors; `LanesBLAS` does not use that one. A bad value ends the process with a message.
    public static let shared: WorkerPool = {
        guard let text = ProcessInfo.processInfo.environment["LANES_PLACEMENT"], !text.isEmpty else { return WorkerPool() }
        guard let placement = Placement(text) else {
            exitWithUsage("LANES_PLACEMENT=\(text) is not compact, spread, cores or a list of processors such as 0,2-5")
        }
        let machine = Machine.current()
        let lanes = LaneLimits.current().lanes
        guard !placement.plan(lanes: lanes, on: machine).isEmpty else {
            exitWithUsage("LANES_PLACEMENT=\(text) names no processor that this process may use")
        }
        return WorkerPool(lanes: lanes, placement: placement)
    }()

    private static func exitWithUsage(_ message: String) -> Never {
        FileHandle.standardError.write(Data("swift-lanes: \(message)\n".utf8))
        exit(2)
    }

    // Owned from init to deinit; the C pool may be called from any thread. Nil stands for the shared pool, which is looked up at
    // every call: it is another one after fork.
    nonisolated(unsafe) internal let own: OpaquePointer?

    private let binding: WorkerBinding?

    // Runs tasks of Swift concurrency; see TaskExecutor.swift.
    internal let tasks = TaskQueue()

    private init() {
        unsafe own = nil
        binding = nil
    }

    /// A pool of its own.
    ///
    /// - Parameters:
    ///   - lanes: the caller included, 1 ... 1025. Where the system gives fewer threads, a warning says so and ``lanes`` is less.
    ///   - spinning: how long a worker looks for work before it sleeps. Zero costs some microseconds at each call and no idle time. Nil:
    ///     100 µs, or zero where the CPU quota is less than the lanes.
    public init(lanes: Int, spinning: Duration? = nil) {
        guard lanes >= 1 && lanes <= CK_POOL_LANES_MAX else {
            fatalError("WorkerPool: \(lanes) lanes, between 1 and \(CK_POOL_LANES_MAX) can be had")
        }
        binding = nil
        unsafe own = unsafe WorkerPool.create(lanes: lanes, spinning: spinning, binding: nil)
    }

    private static func create(lanes: Int, spinning: Duration?, binding: WorkerBinding?) -> OpaquePointer {
        var options = unsafe ck_pool_options()
        unsafe options.lanes = Int32(lanes)
        if let (seconds, attoseconds) = spinning?.components {
            // An hour is for ever, and more might not fit.
            unsafe options.spin_nanoseconds = min(3600, max(0, seconds)) * 1_000_000_000 + max(0, attoseconds) / 1_000_000_000
        } else {
            unsafe options.spin_nanoseconds = ck_pool_spin_nanoseconds(Int32(lanes), "")
        }
        if let binding {
            // The pool object owns the binding and outlives the workers.
            unsafe options.start_context = Unmanaged.passUnretained(binding).toOpaque()
            unsafe options.start = { context, lane in
                unsafe Unmanaged<WorkerBinding>.fromOpaque(context!).takeUnretainedValue().bind(lane: Int(lane))
            }
        }
        guard let pool = unsafe ck_pool_create(&options) else { fatalError("WorkerPool: no memory for \(lanes) lanes") }
        return unsafe pool
    }

    /// A pool whose workers are bound to processors of their own, inside the affinity mask. The calling thread is not bound, ever.
    ///
    /// - Parameters:
    ///   - lanes: the caller included. Where the placement has fewer processors there are as many lanes as those, and a line on
    ///     standard error says so.
    ///   - placement: which processors. The first of the plan is left for the caller.
    ///   - spinning: how long a worker looks for work before it sleeps; nil as for ``init(lanes:spinning:)``.
    public init(lanes: Int, placement: Placement, spinning: Duration? = nil) {
        let plan = placement.plan(lanes: lanes, on: .current())
        guard lanes >= 1 && !plan.isEmpty else {
            fatalError("WorkerPool: the placement has no processor of this machine for \(lanes) lanes")
        }
        if plan.count < lanes {
            FileHandle.standardError.write(
                Data("swift-lanes: \(lanes) lanes were asked for, the placement has processors for \(plan.count)\n".utf8))
        }
        binding = WorkerBinding(processors: Array(plan.dropFirst()))
        unsafe own = unsafe WorkerPool.create(lanes: plan.count, spinning: spinning, binding: binding)
        unsafe binding?.waitForAll(ck_pool_lanes(own) - 1)
    }

    /// Processors that the workers are bound to, read back from the system, lane 1 first; -1 where the system refused. Empty for
    /// pools without a placement.
    public var boundProcessors: [Int] { binding?.bound ?? [] }

    deinit {
        unsafe tasks.close(destroying: own)
    }

    // Nil where there is one lane.
    internal var pool: OpaquePointer? { unsafe own ?? ck_pool_shared() }

    /// Lanes of the largest call.
    public var lanes: Int { unsafe Int(ck_pool_lanes(pool)) }

    /// Nanoseconds of an empty parallel region of two awake lanes, the shortest of some, measured now and then; nil where it cannot be known:
    /// one lane, or workers that never wait awake.
    public var regionNanoseconds: Int? {
        let nanoseconds = unsafe ck_pool_region_nanoseconds(pool)
        return nanoseconds > 0 ? Int(nanoseconds) : nil
    }

    /// True on a thread that is inside a call of any pool: another call would run alone.
    public static var isInside: Bool { ck_pool_inside() }

    /// Runs `for lane in 0..<lanes { body(lane, lanes) }` with the iterations at the same time, lane 0 on this thread.
    ///
    /// - Parameters:
    ///   - most: no more lanes than this take part; all where it is nil.
    ///   - body: the task of a lane: its number, and how many lanes there are.
    /// - Returns: how many took part, the second argument of `body`.
    @discardableResult
    public func run(most: Int? = nil, _ body: @Sendable (_ lane: Int, _ lanes: Int) -> Void) -> Int {
        let wanted = Int32(clamping: max(1, most ?? lanes))
        return unsafe withRegion(body) { context, task in unsafe Int(ck_pool_run(pool, wanted, task, context)) }
    }

    /// The same with a body that may throw: the first error is thrown when all lanes have ended.
    @discardableResult
    public func run<Failure: Error>(
        most: Int? = nil, _ body: @Sendable (_ lane: Int, _ lanes: Int) throws(Failure) -> Void
    ) throws(Failure) -> Int {
        let first = FirstError<Failure>()
        let lanes = run(most: most) { lane, lanes in first.keep { () throws(Failure) in try body(lane, lanes) } }
        try first.rethrow()
        return lanes
    }

    /// The same with a context instead of captures, which is cheaper: a closure that captures nothing needs no memory and no count of
    /// references that lanes would pass to each other.
    ///
    /// ```swift
    /// pool.run(with: job) { job, lane, lanes in … }
    /// ```
    ///
    /// - Parameters:
    ///   - most: no more lanes than this take part; all where it is nil.
    ///   - context: what all lanes read; it may be written anew for every call.
    ///   - body: best captures nothing; what it captures costs what `run` with captures costs.
    @inlinable @discardableResult
    public func run<Context: Sendable>(
        most: Int? = nil, with context: Context, _ body: @escaping @Sendable (Context, _ lane: Int, _ lanes: Int) -> Void
    ) -> Int {
        // Compiled into the caller, where the types are known: what runs there captures nothing. What lanes read stands in one piece that
        // begins with a cache line, so that a small context costs one transfer.
        let size = unsafe MemoryLayout<ContextRegion<Context>>.size
        let alignment = unsafe max(64, MemoryLayout<ContextRegion<Context>>.alignment)
        return unsafe withUnsafeTemporaryAllocation(byteCount: 2 * alignment + size, alignment: 16) { memory in
            let record = unsafe memory.baseAddress!.alignedUp(toMultipleOf: alignment)
            let offset = unsafe ContextRegion<Context>.offset
            let region = unsafe (record + offset).initializeMemory(
                as: ContextRegion<Context>.self, to: ContextRegion(context: context, body: body))
            defer { unsafe region.deinitialize(count: 1) }
            return unsafe runRaw(most: most, record) { record, lane, lanes in
                let region = unsafe (record + ContextRegion<Context>.offset)
                    .assumingMemoryBound(to: ContextRegion<Context>.self)
                unsafe region.pointee.body(region.pointee.context, lane, lanes)
            }
        }
    }

    // `record` begins with room for `body`.
    @usableFromInline
    internal func runRaw(
        most: Int?, _ record: UnsafeMutableRawPointer, _ body: @escaping @Sendable (UnsafeRawPointer, Int, Int) -> Void
    ) -> Int {
        let pool = unsafe self.pool
        let wanted = unsafe most.map { Int32(clamping: max(1, $0)) } ?? ck_pool_lanes(pool)
        let region = unsafe record.initializeMemory(as: RawRegion.self, to: RawRegion(body: body))
        defer { unsafe region.deinitialize(count: 1) }
        return unsafe Int(
            ck_pool_run(
                pool, wanted,
                { record, lane, lanes in
                    unsafe record!.assumingMemoryBound(to: RawRegion.self).pointee.body(
                        UnsafeRawPointer(record!), Int(lane), Int(lanes))
                }, record))
    }

    /// The same for loops of a few microseconds: only workers that are awake take part.
    ///
    /// - Returns: false, without having run anything, where none is awake and free.
    public func runIfAwake(most: Int? = nil, _ body: @Sendable (_ lane: Int, _ lanes: Int) -> Void) -> Bool {
        let wanted = Int32(clamping: max(1, most ?? lanes))
        return unsafe withRegion(body) { context, task in unsafe ck_pool_run_if_awake(pool, wanted, task, context) > 0 }
    }

    // Calls `call` with a closure as the C pool takes it.
    private func withRegion<Result>(
        _ body: @Sendable (Int, Int) -> Void, _ call: (UnsafeMutableRawPointer, ck_pool_task) -> Result
    ) -> Result {
        withoutActuallyEscaping(body) { body in
            var region = Region(body: body)
            return unsafe withUnsafeMutablePointer(to: &region) { region in
                unsafe call(region) { context, lane, lanes in
                    unsafe context!.assumingMemoryBound(to: Region.self).pointee.body(Int(lane), Int(lanes))
                }
            }
        }
    }
}

// A closure on its way through the C pool.
private struct Region { let body: (Int, Int) -> Void }

// A region with a context, as its caller knows it, and as the C pool carries it.
@frozen @usableFromInline @unsafe internal struct ContextRegion<Context> {
    @usableFromInline let body: @Sendable (Context, Int, Int) -> Void
    @usableFromInline let context: Context

    @inlinable init(context: Context, body: @escaping @Sendable (Context, Int, Int) -> Void) {
        unsafe (self.context, self.body) = (context, body)
    }

    // Where it stands in a record that begins with a RawRegion.
    @inlinable static var offset: Int { unsafe max(16, MemoryLayout<ContextRegion>.alignment) }
}

@unsafe private struct RawRegion { let body: (UnsafeRawPointer, Int, Int) -> Void }

extension WorkerPool: Workers {
    /// The pool of C workers behind this one.
    public var lanePool: LanePool { unsafe LanePool(pool, of: self) }
}
