import Foundation
import Lanes
import LanesMeasurement
import LanesParallel

/// What predictions are made of: a few numbers of this machine, measured at the start; the cycle, region and transfer
/// again before each experiment.
public struct Profile: Codable, Sendable {
    /// Nanoseconds of one cycle; nil where it could not be established, and nothing is predicted from it then.
    public var cycle: Double?
    /// The chains that the cycle was taken from, and the time of a dependent addition of floats; nil in older records.
    public var clock: CoreClock?
    /// GFLOP/s of multiply-adds in registers, on one lane and on all.
    public var peakOne: Double
    /// See ``peakOne``: on all lanes.
    public var peakAll: Double
    /// GB/s of a triad whose arrays are in memory, cached stores, bytes that the program names: one lane and all.
    public var memoryBandwidthOne: Double
    /// See ``memoryBandwidthOne``: all lanes.
    public var memoryBandwidthAll: Double
    /// GB/s of reading from the first-level cache, the second, and the last one.
    public var cacheBandwidth: [Double]
    /// Nanoseconds of a dependent load from each level of cache, and from memory in huge pages.
    public var cacheLatency: [Double]
    /// Nanoseconds of a dependent load from memory in huge pages.
    public var memoryLatency: Double
    /// Nanoseconds of an empty parallel region whose workers are awake.
    public var region: Double
    /// Nanoseconds for a line to go from one core to another: half a round trip, the median of sixteen lines. 0 on one processor.
    public var transfer: Double
    /// Nanoseconds of an atomic addition that nobody disturbs.
    public var atomic: Double
    /// Lanes of the pool.
    public var lanes: Int
    /// Bytes of a cache line.
    public var lineBytes: Int
    /// Sizes of the caches, first to last.
    public var cacheBytes: [Int]
    /// A matrix product of 256 x 256 x 256 on one lane, GFLOP/s.
    public var product: Double

    init(_ lab: Laboratory) {
        lanes = lab.lanes
        lineBytes = lab.lineBytes
        cacheBytes = lab.machineCaches.map { $0.kibibytes << 10 }
        let measuredClock = CoreClock.measure()
        (clock, cycle) = (measuredClock, measuredClock.cycle)
        peakOne = Peak.flopsPerSecond(rounds: 6, nanoseconds: 5_000_000) / 1e9
        let small = ProbeMemory(byteCount: 1 << 21)
        atomic = lab.time(seconds: 0.02) { Probe.countAdd(small, 0, 1000) }.min()! / 1000
        func latency(_ bytes: Int, steps: Int) -> Double {
            let memory = ProbeMemory(byteCount: bytes)
            let chase = Chase(memory, byteCount: bytes, seed: 1)
            chase.follow(min(bytes / 64, 200_000))
            return Statistics.median(lab.time(seconds: 0.03) { chase.follow(steps) }) / Double(steps)
        }
        // Well inside: half of a level, but no more than three times the one before, for a shared level is partly others'.
        let sizes = lab.machineCaches.map { $0.kibibytes << 10 }
        let inside = sizes.indices.map { $0 == 0 ? sizes[0] / 2 : min(sizes[$0] / 2, 3 * sizes[$0 - 1]) }
        cacheLatency = inside.map { latency($0, steps: 20_000) }
        memoryLatency = latency(min(lab.memoryBytes, 4 * (cacheBytes.last ?? 8 << 20)), steps: 20_000)
        cacheBandwidth = cacheBytes.map { bytes in
            let memory = ProbeMemory(byteCount: max(bytes / 2, 4096))
            memory.fillWithNumbers()
            let count = bytes / 2 / 4
            return Double(4 * count) / lab.time(seconds: 0.02) { Probe.stream(.read, memory, count, streaming: false) }.min()!
        }
        let arrays = StreamArrays(lab)
        func triad(_ lanes: Int) -> Double {
            arrays.bytes(.triad) / lab.together(lanes, samples: 4) { arrays.pass(.triad, lane: $0, of: lanes) }.min()!
        }
        memoryBandwidthOne = triad(1)
        memoryBandwidthAll = lab.lanes == 1 ? memoryBandwidthOne : triad(lab.lanes)
        (region, transfer) = Profile.meeting(lab)
        peakAll = lab.lanes > 1 ? Laboratory.peak(lab) : peakOne
        let a = Matrix<Float>(rows: 256, columns: 256, repeating: 0.5)
        var c = Matrix<Float>(rows: 256, columns: 256)
        product = 2 * 256 * 256 * 256 / lab.time(seconds: 0.03) { multiply(a, a, into: &c) }.min()!
    }

    /// Nanoseconds of a dependent addition of floats; nil where it is not known.
    public var floatAddition: Double? { clock?.floatAddition }

    /// The same with the cycle, region and transfer of these facts: a hypervisor moves processors near each other and apart at any time.
    func updated(_ facts: Facts) -> Profile {
        var profile = self
        (profile.region, profile.transfer, profile.cycle) = (facts.region, facts.transfer, facts.cycle)
        if let addition = facts.floatAddition { profile.clock?.floatAddition = addition }
        return profile
    }

    static func meeting(_ lab: Laboratory) -> (region: Double, transfer: Double) {
        guard lab.lanes > 1 else { return (0, 0) }
        let region = Statistics.median(lab.time(seconds: 0.03) { lab.pool.run { _, _ in } })
        return (region, Statistics.median(TransferLines().oneWay(lab, sides: [0, 1], rounds: 2000)))
    }
}

extension Laboratory {
    /// GFLOP/s of multiply-adds on all lanes at once.
    static func peak(_ lab: Laboratory) -> Double {
        let results = ResultBox(count: lab.lanes)
        _ = lab.each(lab.lanes) { results.set($0, Peak.flopsPerSecond(rounds: 4, nanoseconds: 5_000_000) / 1e9) }
        return results.values.reduce(0, +)
    }
}
