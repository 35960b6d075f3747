import Foundation
import Lanes
import Synchronization

// Loops on the lanes of a pool, each documented by the serial loop that it replaces.

extension WorkerPool {
    /// Runs `for index in range { try body(index) }` with the iterations at the same time, in no particular order.
    ///
    /// Where an iteration throws, those that have not begun are left out, and the first error is thrown when the others have
    /// ended. The pool can be used as before.
    public func parallelFor<Failure: Error>(
        _ range: Range<Int>, schedule: Schedule = .blocks, file: StaticString = #fileID, line: UInt = #line,
        _ body: @Sendable (Int) throws(Failure) -> Void
    ) throws(Failure) {
        try parallelFor(range, schedule: schedule, file: file, line: line) { (index, _) throws(Failure) in try body(index) }
    }

    /// The same with the number of the lane that runs an iteration, for ``LaneAccumulators``: it is less than ``lanes``, and no two
    /// iterations of one lane run at the same time.
    public func parallelFor<Failure: Error>(
        _ range: Range<Int>, schedule: Schedule = .blocks, file: StaticString = #fileID, line: UInt = #line,
        _ body: @Sendable (_ index: Int, _ lane: Int) throws(Failure) -> Void
    ) throws(Failure) {
        switch schedule {
        case .dynamic(let size) where size < 1, .shards(let size) where size < 1:
            fatalError("parallelFor: \(schedule), at least 1 is needed", file: file, line: line)
        default: break
        }
        let (count, isTooLong) = range.upperBound.subtractingReportingOverflow(range.lowerBound)
        guard !isTooLong else {
            fatalError("parallelFor: \(range) has more than \(Int.max) iterations", file: file, line: line)
        }
        let first = range.lowerBound
        guard count > 0 else { return }
        let next = Atomic(0)
        let error = FirstError<Failure>()
        @Sendable func iterate(_ indices: Range<Int>, _ lane: Int) {
            for index in indices {
                if error.isThere { return }
                error.keep { () throws(Failure) in try body(first + index, lane) }
            }
        }
        run(most: count) { lane, lanes in
            switch schedule {
            case .blocks:
                iterate(LanePool.block(lane, of: lanes, count: count), lane)
            case .dynamic(let grain):
                while !error.isThere {
                    let chunk = next.wrappingAdd(1, ordering: .relaxed).oldValue
                    if chunk > (count - 1) / grain { return }
                    let start = chunk * grain
                    iterate(start..<(count - start < grain ? count : start + grain), lane)
                }
            case .shards(let size):
                for shard in stride(from: lane, through: (count - 1) / size, by: lanes) {
                    let start = shard * size
                    iterate(start..<(count - start < size ? count : start + size), lane)
                }
            }
        }
        try error.rethrow()
    }

    /// Runs `for row in 0..<matrix.rows { try body(row, &elements of the row) }`, rows at the same time.
    ///
    /// Rows do not overlap, so each iteration writes its own without `unsafe`. Errors as in `parallelFor`.
    ///
    /// ```swift
    /// try pool.forEachRow(of: &distances) { row, elements in
    ///     for column in elements.indices { elements[column] = distance(row, column) }
    /// }
    /// ```
    public func forEachRow<M: MutableMatrixOperand & ~Copyable & ~Escapable, Failure: Error>(
        of matrix: inout M, schedule: Schedule = .blocks, file: StaticString = #fileID, line: UInt = #line,
        _ body: @Sendable (_ row: Int, _ elements: inout MutableSpan<M.Element>) throws(Failure) -> Void
    ) throws(Failure) {
        let view = matrix.viewForWriting()
        let (columns, stride) = (view.columns, view.leadingDimension)
        // The matrix is borrowed for writing until the loop has ended, and no two iterations have the same row.
        nonisolated(unsafe) let base = unsafe view.base
        try parallelFor(0..<view.rows, schedule: schedule, file: file, line: line) { (row: Int) throws(Failure) in
            var elements = unsafe MutableSpan(_unsafeStart: base + row * stride, count: columns)
            try body(row, &elements)
        }
    }

    /// Runs `for start in stride(from: 0, to: elements.count, by: size) { try body(start..<end, &elements of the chunk) }`, chunks at the
    /// same time. The last chunk may be shorter.
    ///
    /// Chunks do not overlap, so each iteration writes its own without `unsafe`. Errors as in `parallelFor`.
    public func forEachChunk<X: MutableLaneOperand & ~Copyable & ~Escapable, Failure: Error>(
        of operand: inout X, size: Int, schedule: Schedule = .blocks, file: StaticString = #fileID, line: UInt = #line,
        _ body: @Sendable (_ range: Range<Int>, _ elements: inout MutableSpan<X.Element>) throws(Failure) -> Void
    ) throws(Failure) {
        guard size >= 1 else { fatalError("forEachChunk: chunks of \(size), at least 1 is needed", file: file, line: line) }
        var all = operand.elementsForWriting()
        let count = all.count
        guard count > 0 else { return }
        // The operand is borrowed for writing until the loop has ended, and no two iterations have the same chunk.
        nonisolated(unsafe) let base = unsafe all.withUnsafeMutableBufferPointer { $0.baseAddress! }
        try parallelFor(0..<(count - 1) / size + 1, schedule: schedule, file: file, line: line) {
            (chunk: Int) throws(Failure) in
            let range = chunk * size..<(count - chunk * size < size ? count : (chunk + 1) * size)
            var elements = unsafe MutableSpan(_unsafeStart: base + range.lowerBound, count: range.count)
            try body(range, &elements)
        }
    }

    /// The results of `range.map { try body($0) }`, in the order of the range, computed at the same time.
    ///
    /// Errors as in `parallelFor`.
    public func map<Result: Sendable, Failure: Error>(
        _ range: Range<Int>, schedule: Schedule = .blocks, file: StaticString = #fileID, line: UInt = #line,
        _ body: @Sendable (Int) throws(Failure) -> Result
    ) throws(Failure) -> [Result] {
        let (count, isTooLong) = range.upperBound.subtractingReportingOverflow(range.lowerBound)
        guard !isTooLong else { fatalError("map: \(range) has more than \(Int.max) numbers", file: file, line: line) }
        // Every element is nil before the loop, and written by one iteration.
        var results = [Result?](repeating: nil, count: count)
        let error = FirstError<Failure>()
        unsafe results.withUnsafeMutableBufferPointer { results in
            nonisolated(unsafe) let to = results.baseAddress
            parallelFor(0..<count, schedule: schedule, file: file, line: line) { index in
                if error.isThere { return }
                error.keep { () throws(Failure) in unsafe to![index] = try body(range.lowerBound + index) }
            }
        }
        try error.rethrow()
        return results.map { $0! }
    }

    /// `combine` over the partial results of shards of `shardSize` numbers each, in ascending order; the shards are computed at the same
    /// time, each by one lane. The same bits for any number of lanes, for the shards do not depend on it.
    ///
    /// The serial loop: `var total = initial; for shard in shards { var part = initial; for i in shard { try body(i, &part) };
    /// total = combine(total, part) }`, without the first `combine`.
    ///
    /// ```swift
    /// let total = pool.reduce(0..<samples.count, shardSize: 256, into: 0.0, +) { i, sum in sum += loss(samples[i]) }
    /// ```
    public func reduce<Result: Sendable, Failure: Error>(
        _ range: Range<Int>, shardSize: Int, into initial: Result, _ combine: (Result, Result) -> Result,
        file: StaticString = #fileID, line: UInt = #line,
        _ body: @Sendable (_ index: Int, _ part: inout Result) throws(Failure) -> Void
    ) throws(Failure) -> Result {
        guard shardSize >= 1 else { fatalError("reduce: shards of \(shardSize), at least 1 is needed", file: file, line: line) }
        guard !range.isEmpty else { return initial }
        let (count, isTooLong) = range.upperBound.subtractingReportingOverflow(range.lowerBound)
        guard !isTooLong else { fatalError("reduce: \(range) has more than \(Int.max) numbers", file: file, line: line) }
        let shards = (count - 1) / shardSize + 1
        let parts = try map(0..<shards, schedule: .dynamic(grain: 1)) { (shard: Int) throws(Failure) -> Result in
            var part = initial
            let start = range.lowerBound + shard * shardSize
            let end = range.upperBound - start < shardSize ? range.upperBound : start + shardSize
            for index in start..<end { try body(index, &part) }
            return part
        }
        return parts.dropFirst().reduce(parts[0], combine)
    }

    /// Calls `body` on a thread of its own and suspends the task until it returns, so that calls on this pool block no thread of
    /// Swift concurrency.
    ///
    /// ```swift
    /// let product = await pool.call { multiply(a, b, on: pool) }
    /// ```
    public func call<Result: ~Copyable & Sendable, Failure: Error>(
        _ body: @escaping @Sendable () throws(Failure) -> Result
    ) async throws(Failure) -> Result {
        let outcome = Outcome<Result, Failure>()
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            Thread.detachNewThread {
                outcome.keep(body)
                continuation.resume()
            }
        }
        return try outcome.take()
    }
}

// The first error of several lanes. A closure's own typed throws do not pass through the C call: errors are kept and thrown at the end.
internal final class FirstError<Failure: Error>: Sendable {
    private let failed = Atomic(false)
    private let error = Mutex<Failure?>(nil)

    var isThere: Bool { failed.load(ordering: .relaxed) }

    func keep(_ body: () throws(Failure) -> Void) {
        do { try body() } catch let caught {
            failed.store(true, ordering: .relaxed)
            error.withLock { if $0 == nil { $0 = caught } }
        }
    }

    func rethrow() throws(Failure) {
        if let caught = error.withLock({ $0 }) { throw caught }
    }
}

// What a call on another thread returned. Resuming the task orders its writes before the reads.
private final class Outcome<Result: ~Copyable & Sendable, Failure: Error>: @unchecked Sendable {
    private var result: Result?
    private var error: Failure?

    func keep(_ body: () throws(Failure) -> Result) {
        do { result = try body() } catch { self.error = error }
    }

    func take() throws(Failure) -> Result {
        if let error { throw error }
        return result.take()!
    }
}
