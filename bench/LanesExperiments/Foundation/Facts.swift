internal import CKernels
import Lanes
import LanesMeasurement

/// What is so on this machine in this run: explanations may say a thing only where a number or one of these supports it.
public struct Facts: Codable, Sendable, Equatable {
    /// What the processors of the first two lanes are to each other.
    public enum Pair: String, Codable, Sendable {
        /// There is one lane only.
        case one
        /// Two cores: twice the arithmetic of one.
        case twoCores
        /// Two hardware threads of one core.
        case threadsOfOneCore
        /// The two measurements do not decide it.
        case unknown
    }

    /// Lanes of the pool.
    public var lanes: Int
    /// Bytes of a cache line.
    public var lineBytes: Int
    /// Bytes of an ordinary page.
    public var pageBytes: Int
    /// A hypervisor was found.
    public var isGuest: Bool
    /// Streaming stores of the instruction set in use go past the caches; elsewhere they are plain stores.
    public var hasStreamingStores: Bool
    /// Floats in a vector of the instruction set in use.
    public var vectorFloats: Int
    /// Nanoseconds of a cycle; nil where it could not be established.
    public var cycle: Double?
    /// Nanoseconds of a dependent addition of floats.
    public var floatAddition: Double?
    /// Nanoseconds of an empty region and of a cache-line transfer between the first two lanes; 0 for one lane.
    public var region: Double
    /// Nanoseconds of a cache-line transfer between the first two lanes; 0 for one lane.
    public var transfer: Double
    /// Multiply-adds of the first two lanes at once over those of one; 1 for one lane.
    public var arithmeticOfTwo: Double
    /// Seconds of processor time that a hypervisor gave to others during the experiment; nil where the system does not say.
    public var stolenSeconds: Double?

    /// Two threads of one core have the arithmetic of one and pass lines through its first cache, in some fifteen nanoseconds at most; two cores
    /// have twice the arithmetic and need more.
    public var pair: Pair {
        guard lanes > 1 else { return .one }
        if arithmeticOfTwo > 1.6 { return .twoCores }
        if arithmeticOfTwo < 1.3 && transfer < 18 { return .threadsOfOneCore }
        return .unknown
    }

    /// Whether the processors of the lanes are at other places, as far as an experiment needs them, than when those were measured.
    /// Cores of one chip are near each other or some times as far: a transfer between the same two takes up to twice as long at times.
    public func moved(since earlier: Facts, needed: Places) -> Bool {
        guard lanes > 1 && needed != .oneLane else { return false }
        let isOther = Set([pair, earlier.pair]) == [.twoCores, .threadsOfOneCore]
        return isOther || max(transfer / earlier.transfer, earlier.transfer / transfer) > (needed == .transfers ? 1.5 : 3)
    }

    init(_ lab: Laboratory) {
        let (region, transfer) = Profile.meeting(lab)
        let clock = CoreClock.measure(seconds: 0.005)  // a clock changes while others heat the chip or leave it
        self.init(
            lanes: lab.lanes, lineBytes: lab.lineBytes, pageBytes: lab.pageBytes,
            isGuest: lab.isGuest, hasStreamingStores: Facts.streamingStores,
            vectorFloats: Facts.vectorFloatsInUse, cycle: clock.cycle, floatAddition: clock.floatAddition, region: region,
            transfer: transfer, arithmeticOfTwo: Facts.arithmeticOfTwo(lab), stolenSeconds: nil)
    }

    /// Facts of a recorded or made-up machine.
    public init(
        lanes: Int, lineBytes: Int, pageBytes: Int, isGuest: Bool, hasStreamingStores: Bool, vectorFloats: Int, cycle: Double?,
        floatAddition: Double?, region: Double, transfer: Double, arithmeticOfTwo: Double, stolenSeconds: Double?
    ) {
        (self.lanes, self.lineBytes, self.pageBytes, self.isGuest) = (lanes, lineBytes, pageBytes, isGuest)
        (self.hasStreamingStores, self.vectorFloats, self.cycle) = (hasStreamingStores, vectorFloats, cycle)
        (self.floatAddition, self.region, self.transfer) = (floatAddition, region, transfer)
        (self.arithmeticOfTwo, self.stolenSeconds) = (arithmeticOfTwo, stolenSeconds)
    }

    /// The vocabularies of AVX2 and AVX-512 store past the caches; those of NEON and portable C have plain stores.
    static var streamingStores: Bool { [.avx2, .avx512].contains(InstructionSet.selected) }

    /// Floats in a vector of the instruction set in use.
    private static var vectorFloatsInUse: Int {
        switch InstructionSet.selected {
        case .avx512: 16
        case .avx2: 8
        case .neon: 4
        case .portable: 1
        }
    }

    private static func arithmeticOfTwo(_ lab: Laboratory) -> Double {
        guard lab.lanes > 1 else { return 1 }
        func peak(_ lanes: Int) -> Double {
            let results = ResultBox(count: lanes)
            _ = lab.each(lanes) { results.set($0, Peak.flopsPerSecond(rounds: 2, nanoseconds: 3_000_000)) }
            return results.values.reduce(0, +)
        }
        // In turns, for a clock changes.
        let ratios = (0..<3).map { _ in peak(2) / peak(1) }
        return Statistics.median(ratios)
    }
}
