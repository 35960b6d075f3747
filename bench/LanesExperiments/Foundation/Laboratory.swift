import Foundation
import Lanes
import LanesMeasurement
import LanesParallel
import Synchronization

/// A library whose product C = A·B is timed in processes of its own.
public struct ProductPeer: Sendable {
    /// What figures call it.
    public let name: String
    /// Nanoseconds of each m x n x k, several samples, on so many threads.
    public let time: @Sendable (_ products: [(m: Int, n: Int, k: Int)], _ threads: Int, _ seconds: Double) throws -> [[Double]]

    /// A library that `time` measures.
    public init(
        name: String, time: @escaping @Sendable ([(m: Int, n: Int, k: Int)], Int, Double) throws -> [[Double]]
    ) { (self.name, self.time) = (name, time) }
}

/// Where experiments run: lanes that are bound to processors, time limits, random numbers, the machine's profile.
///
/// Make it on a thread of its own, call ``bindThisThread()`` there, and run experiments there: lane 0 is the calling thread.
public final class Laboratory: Sendable {
    /// Shorter series, for a run of under two minutes.
    public let isQuick: Bool
    /// Of everything that is random.
    public let seed: UInt64
    /// The processors, as hwloc describes them.
    public let machine: Machine
    /// Processors of the lanes.
    public let processors: [Int]
    /// A worker on each of the other processors.
    public let pool: WorkerPool
    /// Folder with helpers that experiments may build and start (`bench/helpers`); nil where it is not at hand.
    public let helpers: String?
    /// Libraries that experiments on products set beside ours.
    public let peers: [ProductPeer]
    private let storedProfile = Mutex<Profile?>(nil)

    /// A laboratory on the cores that this process may use.
    public init(isQuick: Bool, seed: UInt64 = 1, helpers: String? = nil, peers: [ProductPeer] = []) {
        self.isQuick = isQuick
        self.seed = seed
        self.helpers = helpers
        self.peers = peers
        machine = Machine.current()
        processors = Placement.cores.plan(lanes: LaneLimits.current().lanes, on: machine)
        pool =
            processors.count > 1
            ? WorkerPool(lanes: processors.count, placement: .processors(processors)) : WorkerPool(lanes: 1)
    }

    /// Lanes of the pool.
    public var lanes: Int { pool.lanes }

    /// Seconds for one measured point.
    public var pointSeconds: Double { isQuick ? 0.08 : 0.25 }

    /// What is known of the machine before experiments; measured once.
    public var profile: Profile {
        storedProfile.withLock { stored in
            if let stored { return stored }
            let measured = Profile(self)
            stored = measured
            return measured
        }
    }

    /// Binds the calling thread to the first lane's processor, where it stays while it measures.
    public func bindThisThread() { _ = Machine.bindCurrentThread(to: [processors[0]]) }

    /// Calls `body` with the calling thread on all processors: threads and processes that it starts inherit them.
    func unbound<Result>(_ body: () -> Result) -> Result {
        _ = Machine.bindCurrentThread(to: processors)
        defer { bindThisThread() }
        return body()
    }

    /// A pool whose workers are bound to these processors, or to none where it is nil.
    func makePool(lanes: Int, processors bound: [Int]? = nil) -> WorkerPool {
        unbound { bound.map { WorkerPool(lanes: lanes, placement: .processors($0)) } ?? WorkerPool(lanes: lanes) }
    }

    /// Standard output of another program; see ``Command``.
    func ask(_ command: [String], environment: [String: String] = [:]) -> String? {
        unbound { Command.run(command, environment: environment) }
    }

    /// Runs an experiment: asks for its predictions, measures, judges. Where the processors of its lanes moved meanwhile it is measured once more,
    /// and has no verdict if they move again.
    public func run(_ experiment: Experiment) throws -> Finding {
        let start = Clock.nanoseconds
        var attempt = try measure(experiment)
        if attempt.hasMoved && attempt.observation.reason == nil { attempt = try measure(experiment) }
        let (facts, observation) = (attempt.facts, attempt.observation)
        let impossible = observation.series.lazy.flatMap { [limits] series in
            series.points.compactMap { limits.complaint(about: $0.y, unit: series.unit).map { "\(series.name): \($0)" } }
        }.first
        let moved =
            attempt.hasMoved
            ? "The processors of the lanes moved while this was measured, twice: a cache-line transfer took \(text(facts.transfer, 0)) ns before and \(text(attempt.after.transfer, 0)) ns after, and two did \(text(facts.arithmeticOfTwo, 2)) and \(text(attempt.after.arithmeticOfTwo, 2)) times the arithmetic of one. No verdict holds for both places."
            : nil
        let reason = impossible ?? observation.reason ?? moved
        let (verdict, explanation) =
            reason.map { (.notTestable, $0) }
            ?? experiment.judge(observation.numbers, facts)
        let predictions = attempt.predicted.values.sorted { $0.key.key < $1.key.key }.map {
            Prediction(quantity: $0.key.key, predicted: $0.value, measured: observation.numbers[$0.key])
        }
        let misses = predictions.filter { $0.measured != nil && !$0.isClose }.map {
            "\($0.quantity), which was predicted otherwise: \(experiment.leavesOut[Quantity($0.quantity)] ?? "the profile leaves something out; it is not known what")"
        }
        let changed =
            !predictions.isEmpty && facts.lanes > 1 && experiment.needs != .oneLane
                && max(facts.transfer / profile.transfer, profile.transfer / facts.transfer) > 1.5
            ? [
                "since the profile was measured a cache-line transfer has gone from \(text(profile.transfer, 0)) to \(text(facts.transfer, 0)) ns and a region from \(text(profile.region, 0)) to \(text(facts.region, 0)) ns; predictions use the later ones"
            ] : []
        return Finding(
            id: experiment.id, title: experiment.title, question: experiment.question, hypothesis: experiment.hypothesis,
            verdict: verdict, explanation: explanation,
            remember: reason == nil ? experiment.remember(observation.numbers, facts) : nil,
            prediction: predictions,
            numbers: observation.numbers.record, series: observation.series, figure: experiment.figure,
            notes: observation.notes + changed + misses, facts: facts,
            seconds: Double(Clock.nanoseconds - start) * 1e-9)
    }

    private struct Attempt {
        var facts: Facts
        var after: Facts
        var predicted: Numbers
        var observation: Observation
        var needs: Places
        var hasMoved: Bool { after.moved(since: facts, needed: needs) }
    }

    private func measure(_ experiment: Experiment) throws -> Attempt {
        var facts = Facts(self)
        let predicted = experiment.predict(profile.updated(facts))
        let stolen = MachineRecord.stealSeconds()
        let observation = try experiment.measure(self)
        facts.stolenSeconds = MachineRecord.stealSeconds().flatMap { now in stolen.map { now - $0 } }
        return Attempt(
            facts: facts, after: experiment.needs == .oneLane ? facts : Facts(self), predicted: predicted,
            observation: observation, needs: experiment.needs)
    }

    // From no probe of ours: ten billion cycles a second on each lane, two multiply-adds and three loads of the widest vectors (64 bytes) in a cycle,
    // a step for every byte of them.
    private var limits: SpeedLimits {
        let cycles = 10.0 * Double(lanes)
        return SpeedLimits(gflops: cycles * 2 * 2 * 16, gigabytes: cycles * 3 * 64, nanoseconds: 1 / (cycles * 2 * 64))
    }

    /// Nanoseconds of one call, several samples: calls are repeated until a sample is long enough to time.
    public func time(seconds: Double? = nil, samples: Int = 7, _ work: () -> Void) -> [Double] {
        sample(seconds: seconds ?? pointSeconds, samples: samples, work)
    }

    /// Nanoseconds from the moment when all lanes stand at the start until the last one is through, measured by the lanes.
    public func together(
        _ lanes: Int, samples: Int = 5, on pool: WorkerPool? = nil, _ body: @Sendable (_ lane: Int) -> Void
    ) -> [Double] {
        (0..<samples).map { _ in
            let times = startTogether(lanes, pool ?? self.pool, body)
            return Double(times.map(\.end).max()! - times.map(\.start).min()!)
        }
    }

    /// Nanoseconds of each lane's own part.
    public func each(_ lanes: Int, on pool: WorkerPool? = nil, _ body: @Sendable (_ lane: Int) -> Void) -> [Double] {
        startTogether(lanes, pool ?? self.pool, body).map { Double($0.end - $0.start) }
    }

    // When each lane began and ended, none before all had arrived. Lanes that the pool does not have are left out.
    private func startTogether(
        _ lanes: Int, _ pool: WorkerPool, _ body: @Sendable (_ lane: Int) -> Void
    ) -> [(start: Int64, end: Int64)] {
        let times = Mutex([(start: Int64, end: Int64)?](repeating: nil, count: lanes))
        let arrived = Atomic(0)
        pool.run(most: lanes) { lane, lanes in
            arrived.add(1, ordering: .acquiringAndReleasing)
            var polls = 0
            while arrived.load(ordering: .acquiring) < lanes {
                polls += 1
                if polls % 10_000 == 0 { sched_yield() }
            }
            let start = Clock.nanoseconds
            body(lane)
            let end = Clock.nanoseconds
            times.withLock { $0[lane] = (start, end) }
        }
        return times.withLock { $0.compactMap { $0 } }
    }

    /// Bytes of the last-level cache that one processor reaches; 8 MiB where the system does not say.
    public var lastLevelBytes: Int { machineCaches.map(\.kibibytes).max().map { $0 << 10 } ?? 8 << 20 }
    /// Bytes of a cache line.
    public var lineBytes: Int { machineCaches.first { $0.level == 1 }?.lineBytes ?? 64 }
    /// The caches, first to last.
    public var machineCaches: [MachineRecord.Cache] {
        Laboratory.record.caches.sorted { $0.level < $1.level }
    }
    /// Whether a hypervisor was found.
    public var isGuest: Bool { Laboratory.record.hypervisor != "none found" }
    /// Bytes of an ordinary page.
    public var pageBytes: Int { Int(sysconf(Int32(_SC_PAGESIZE))) }
    /// The record of this machine.
    public static let record = MachineRecord.current()
    static var firstCacheWays: Int { record.caches.first { $0.level == 1 && $0.kind != "instruction" }?.ways ?? 0 }

    /// Bytes for a figure of memory: four times all last-level caches of the lanes together, but never more than a sixteenth of what there is.
    public var memoryBytes: Int {
        let allowed = Int(Laboratory.record.memoryGiB * 1_073_741_824)
        let limit = allowed / 16
        let used = Set(processors)
        let caches = Set(machine.processors.filter { used.contains($0.index) }.map(\.lastLevelCache)).count
        return max(min(64 << 20, allowed / 8), min(4 * lastLevelBytes * caches, limit, 2 << 30))
    }
}

func milliseconds(_ nanoseconds: Double) -> Double { nanoseconds / 1e6 }

/// "4 KiB".
func pageText(_ bytes: Int) -> String { "\(bytes >> 10) KiB" }

/// "24,000", with two digits that count: for numbers that were interpolated between far points.
func about(_ value: Double) -> String {
    guard value >= 10, value.isFinite else { return text(value) }
    var scale = 1.0
    while value / scale >= 100 { scale *= 10 }
    let digits = String(Int((value / scale).rounded() * scale))
    return String(digits.reversed().enumerated().flatMap { $0 > 0 && $0 % 3 == 0 ? [",", $1] : [$1] }.reversed())
}

/// A number in a sentence.
func text(_ value: Double, _ decimals: Int = 1) -> String { String(format: "%.\(decimals)f", value) }
