import Synchronization

/// Sums of several lanes side by side: each lane adds to its own, and they are merged in lane order. Sums of `Float`, `Int` or any
/// type of yours that can be added.
///
/// Each lane's numbers begin on a cache line of their own (128 bytes: lines are 64 bytes on most processors and fetched in pairs), so
/// that no lane's additions take a line away from another. `padded: false` puts them next to each other: the mistake called
/// false sharing, for study.
///
/// Who adds what depends on the number of lanes, and so do the last bits of a merged sum. Where they must not, use
/// ``ShardedAccumulator``.
///
/// ```swift
/// let sums = LaneAccumulators<Float>(lanes: pool.lanes, count: 10)
/// pool.run { lane, _ in sums.withLane(lane) { span in span[3] += 1 } }
/// let total = sums.merged()
/// ```
@safe public struct LaneAccumulators<Element: AdditiveArithmetic & Sendable>: ~Copyable, @unchecked Sendable {
    /// How many lanes have sums of their own.
    public let lanes: Int
    /// Numbers of each lane.
    public let count: Int
    /// Elements from the first number of one lane to that of the next.
    public let stride: Int
    // Owned by this value alone from init to deinit.
    private let base: UnsafeMutablePointer<Element>
    private let inside: LaneFlags

    /// Zeros for every lane.
    public init(lanes: Int, count: Int, padded: Bool = true, file: StaticString = #fileID, line: UInt = #line) {
        guard lanes >= 1 && count >= 0 else {
            fatalError("LaneAccumulators: \(lanes) lanes of \(count) numbers", file: file, line: line)
        }
        let size = MemoryLayout<Element>.stride
        // The fewest elements that fill whole lines: elements of your own type may be of any size.
        var perLine = 1
        while perLine * size % 128 != 0 { perLine += 1 }
        self.lanes = lanes
        self.count = count
        let wanted = padded ? max(1, count) : count
        let (stride, isTooLong) = wanted.addingReportingOverflow(padded ? (perLine - wanted % perLine) % perLine : 0)
        let (total, isTooMuch) = stride.multipliedReportingOverflow(by: lanes)
        guard !isTooLong && !isTooMuch && total <= (Int.max - 128) / size else {
            fatalError("LaneAccumulators: \(lanes) lanes of \(count) numbers do not fit in memory", file: file, line: line)
        }
        self.stride = stride
        let memory = UnsafeMutableRawPointer.allocate(byteCount: max(total, 1) * size, alignment: 128)
        unsafe base = unsafe memory.bindMemory(to: Element.self, capacity: max(total, 1))
        unsafe base.initialize(repeating: .zero, count: total)
        inside = LaneFlags(count: lanes)
    }

    deinit {
        unsafe base.deinitialize(count: stride * lanes)
        unsafe base.deallocate()
    }

    /// Calls `body` with one lane's numbers. Different lanes may be inside at once. One lane must not be inside twice, by nested or by
    /// simultaneous calls: that stops the program, for both would change the same numbers.
    public func withLane<Result: ~Copyable, Failure: Error>(
        _ lane: Int, file: StaticString = #fileID, line: UInt = #line,
        _ body: (inout MutableSpan<Element>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        guard lane >= 0 && lane < lanes else {
            fatalError("LaneAccumulators: lane \(lane) is not in 0 ..< \(lanes)", file: file, line: line)
        }
        guard inside.enter(lane) else {
            fatalError("LaneAccumulators: lane \(lane) is inside withLane already", file: file, line: line)
        }
        defer { inside.leave(lane) }
        var span = unsafe UnsafeMutableBufferPointer(start: base + lane * stride, count: count).mutableSpan
        return try body(&span)
    }

    /// The sums over lanes, added in lane order from lane 0 on.
    @_specialize(where Element == Float)
    @_specialize(where Element == Double)
    @_specialize(where Element == Int)
    public func merged() -> [Element] {
        var total = unsafe Array(UnsafeBufferPointer(start: base, count: count))
        for lane in 1..<max(1, lanes) {
            for index in 0..<count { unsafe total[index] += base[lane * stride + index] }
        }
        return total
    }
}

/// Sums over samples with the same bits for any number of lanes: samples are cut in shards of a fixed size, each shard is summed
/// by one lane in ascending order, and shards are added in ascending order.
///
/// ```swift
/// let shards = ShardedAccumulator<Float>(count: 10, shardSize: 64)
/// let sums = shards.sum(over: samples.count, on: pool) { sample, sums in sums[label(sample)] += 1 }
/// ```
public struct ShardedAccumulator<Element: AdditiveArithmetic & Sendable>: Sendable {
    /// Numbers of a sum.
    public let count: Int
    /// Samples of a shard. Part of what the bits depend on, like the samples themselves.
    public let shardSize: Int

    /// Sums of `count` numbers, a partial sum for every `shardSize` items; less than 1 of either stops the program.
    public init(count: Int, shardSize: Int) {
        guard count >= 0 && shardSize >= 1 else {
            fatalError("ShardedAccumulator: \(count) numbers, shards of \(shardSize) samples")
        }
        self.count = count
        self.shardSize = shardSize
    }

    /// Adds up what `add` adds for every sample.
    ///
    /// The serial loop with the same bits: `for shard in shards { var sums = zeros; for sample in shard { add(sample, &sums) };
    /// total += sums }`.
    public func sum(
        over samples: Int, on pool: WorkerPool = .shared,
        _ add: @Sendable (_ sample: Int, _ sums: inout MutableSpan<Element>) -> Void
    ) -> [Element] {
        guard samples > 0 else { return [Element](repeating: .zero, count: count) }
        let shards = (samples - 1) / shardSize + 1
        let sums = LaneAccumulators<Element>(lanes: shards, count: count)
        pool.parallelFor(0..<shards, schedule: .dynamic(grain: 1)) { shard in
            sums.withLane(shard) { span in
                for sample in shard * shardSize..<min((shard + 1) * shardSize, samples) { add(sample, &span) }
            }
        }
        return sums.merged()
    }
}

// Which lanes are inside; of as many lanes as a machine may have each in a line of its own.
@safe private final class LaneFlags: @unchecked Sendable {
    private let stride: Int
    private let base: UnsafeMutablePointer<Atomic<Bool>>
    private let count: Int

    init(count: Int) {
        self.count = count
        stride = count <= 1024 ? 128 : 1
        unsafe base = .allocate(capacity: count * stride)
        for lane in 0..<count { unsafe (base + lane * stride).initialize(to: Atomic(false)) }
    }
    deinit {
        for lane in 0..<count { unsafe (base + lane * stride).deinitialize(count: 1) }
        unsafe base.deallocate()
    }

    func enter(_ lane: Int) -> Bool { unsafe !base[lane * stride].exchange(true, ordering: .acquiring) }
    func leave(_ lane: Int) { unsafe base[lane * stride].store(false, ordering: .releasing) }
}
