internal import CKernels

/// Who carries out an operation: the calling thread, or a pool of workers with it (`WorkerPool` of `LanesParallel`).
///
/// The result has the same bits either way.
///
/// ```swift
/// exp(x, into: &y)             // on this thread
/// exp(x, into: &y, on: pool)   // on all lanes of a pool
/// ```
public protocol Workers {
    /// The pool of C workers that operations run on.
    var lanePool: LanePool { get }
}

/// The thread that calls, and no other: where an operation runs unless it is told otherwise.
@frozen public struct CallingThread: Workers, Sendable {
    /// The one there is.
    @inlinable public init() {}
    /// No pool.
    @inlinable public var lanePool: LanePool { LanePool() }
}

/// A pool of C workers, or none. Only this package makes one.
@frozen @safe public struct LanePool: Sendable {
    // A ck_pool, which its owner keeps. Nil: the calling thread alone.
    @usableFromInline nonisolated(unsafe) package let pool: OpaquePointer?
    @usableFromInline internal let owner: (any AnyObject & Sendable)?

    @inlinable package init() {
        unsafe pool = nil
        owner = nil
    }

    package init(_ pool: OpaquePointer?, of owner: any AnyObject & Sendable) {
        unsafe self.pool = unsafe pool
        self.owner = owner
    }

    /// Calls `body` with ranges that together are 0 ..< count and begin at multiples of `grain`, on several lanes where that is worth it.
    /// `elements` says how much work there is.
    internal func run(over count: Int, grain: Int, elements: Int, _ body: @Sendable (Range<Int>) -> Void) {
        let pieces = count / grain + (count % grain == 0 ? 0 : 1)
        let chunks = elements / Int(CK_VECTOR_CHUNK)
        guard let pool = unsafe pool, pieces >= 2, chunks >= 1 else { return body(0..<count) }
        withoutActuallyEscaping(body) { body in
            var region = Region(count: count, grain: grain, pieces: pieces, body: body)
            unsafe withUnsafeMutablePointer(to: &region) { region in
                let task: ck_pool_task = { context, lane, lanes in
                    unsafe context!.assumingMemoryBound(to: Region.self).pointee.run(lane: Int(lane), of: Int(lanes))
                }
                let most = Int32(clamping: pieces)
                // Work of a few microseconds is not worth waking anybody.
                if chunks >= 15 {
                    _ = unsafe ck_pool_run(pool, most, task, region)
                } else if unsafe ck_pool_run_if_awake(pool, most, task, region) == 0 {
                    unsafe region.pointee.body(0..<count)
                }
            }
        }
    }
}

// A loop on its way through the C pool: as many pieces for each lane, next to each other.
private struct Region {
    let count: Int, grain: Int, pieces: Int
    let body: (Range<Int>) -> Void

    func run(lane: Int, of lanes: Int) {
        let mine = LanePool.block(lane, of: lanes, count: pieces)
        if !mine.isEmpty { body(mine.lowerBound * grain..<min(mine.upperBound * grain, count)) }
    }
}

extension LanePool {
    /// The part of `count` things that belongs to a lane: count * lane / lanes without the product, which may not fit.
    package static func block(_ lane: Int, of lanes: Int, count: Int) -> Range<Int> {
        let (each, longer) = count.quotientAndRemainder(dividingBy: lanes)
        let start = lane * each + min(lane, longer)
        return start..<start + each + (lane < longer ? 1 : 0)
    }
}
