import Foundation
import Testing

@testable import LanesMeasurement

@Suite struct LanesMeasurementTests {
    @Test func statistics() {
        #expect(Statistics.median([3, 1, 2]) == 2)
        #expect(Statistics.median([4, 1, 2, 3]) == 2.5)
        #expect(Statistics.median([]).isNaN)
        #expect(abs(Statistics.geometricMean([1, 4]) - 2) < 1e-12)
    }

    @Test func clockGoesForward() {
        var last = Clock.nanoseconds
        for _ in 0..<1000 {
            let now = Clock.nanoseconds
            #expect(now >= last)
            last = now
        }
        #expect(Clock.resolution() > 0)
    }

    @Test func samplesCountTheirCalls() {
        var calls = 0
        let times = sample(seconds: 0.02) { calls += 1 }
        #expect(times.count >= 3 && times.allSatisfy { $0 > 0 && $0.isFinite })
        #expect(calls > 1000)
    }

    @Test func peakIsANumber() {
        #expect(Peak.flopsPerSecond(rounds: 1) > 1e6)
    }

    @Test func recordHasAProcessorAndRoundTrips() {
        let record = MachineRecord.current()
        #expect(
            !record.processor.isEmpty && !record.usableProcessors.isEmpty
                && record.installedProcessors >= record.usableProcessors.count)
        #expect(["portable", "neon", "avx2", "avx512"].contains(record.instructionSet))
    }
}

@Suite struct PairedComparisonTests {
    // Noise as machines make it: a small spread, and now and then a large outlier to the slow side.
    private func noise(_ state: inout UInt64) -> Double {
        func unit() -> Double {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Double(state >> 11) * 0x1p-53
        }
        let normal = (0..<12).reduce(-6.0) { sum, _ in sum + unit() }
        return 0.01 * normal + (unit() < 0.1 ? 0.3 * unit() : 0)
    }

    private func verdicts(difference: Double, trials: Int = 200) -> [PairedComparison.Verdict] {
        var state: UInt64 = 42
        return (0..<trials).map { _ in
            PairedComparison(logarithms: (0..<25).map { _ in difference + noise(&state) - noise(&state) }).verdict
        }
    }

    @Test func identicalPairsAreSeldomCalledDifferent() {
        let wrong = verdicts(difference: 0).count { $0 == .slower || $0 == .faster }
        #expect(wrong <= 10, "\(wrong) of 200")
    }

    @Test func plantedDifferencesAreFound() {
        #expect(verdicts(difference: 0.03).count { $0 == .slower } > 190)
        #expect(verdicts(difference: -0.03).count { $0 == .faster } > 190)
    }

    @Test func intervalsAreThoseOfTheSignTest() {
        // From tables of the sign test: 6, 12, 25 pairs at 5%, two-sided.
        #expect(PairedComparison.rank(of: 5) == nil)
        #expect(PairedComparison.rank(of: 6) == 0)
        #expect(PairedComparison.rank(of: 12) == 2)
        #expect(PairedComparison.rank(of: 25) == 7)
    }

    @Test func floorsAndNoiseAreRespected() {
        let small = [0.011, 0.012, 0.01, 0.013, 0.012, 0.011, 0.012, 0.01]
        #expect(PairedComparison(logarithms: small).verdict == .slower)
        #expect(PairedComparison(logarithms: small, floor: 0.02).verdict == .notResolved)
        #expect(PairedComparison(logarithms: [0.1, 0.1, 0.1]).verdict == .tooNoisy)
        #expect(PairedComparison(logarithms: [-2, 2, -1, 1, 2, -2, 1, -1]).verdict == .tooNoisy)
    }

    @Test func bothSidesMeetTheSameMachine() {
        // A clock of its own, and a machine that gets slower all the time: A takes twice as long as B throughout.
        var (now, slowdown) = (0.0, 1.0)
        func work(_ nanoseconds: Double) {
            now += nanoseconds * slowdown
            slowdown += 1e-6
        }
        let comparison = PairedComparison.measure(
            blocks: 9, seconds: 0.001, clock: { Int64(now) }, { work(4000) }, { work(2000) })
        #expect(comparison.verdict == .slower && abs(comparison.ratio - 2) < 0.01, "\(comparison)")
        #expect(comparison.logarithms.count == 9 && slowdown > 1.001)
    }

    @Test func memoryLimitsOfControlGroups() throws {
        let root = NSTemporaryDirectory() + "/lanes-cgroup-\(ProcessInfo.processInfo.processIdentifier)"
        defer { try? FileManager.default.removeItem(atPath: root) }
        func write(_ path: String, _ text: String) throws {
            let url = URL(fileURLWithPath: root + path)
            try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: url)
        }
        #expect(MachineRecord.memoryLimit(root: root) == .max)
        try write("/proc/self/cgroup", "0::/user/job\n")
        try write("/sys/fs/cgroup/user/job/memory.max", "max\n")
        #expect(MachineRecord.memoryLimit(root: root) == .max)
        try write("/sys/fs/cgroup/user/memory.max", "268435456\n")
        #expect(MachineRecord.memoryLimit(root: root) == 256 << 20)
        try write("/proc/self/cgroup", "7:cpu,memory:/job\n0::/\n")
        try write("/sys/fs/cgroup/memory/job/memory.limit_in_bytes", "1048576\n")
        #expect(MachineRecord.memoryLimit(root: root) == 1 << 20)
    }

    @Test func impossibleSpeedsAreNamed() {
        let limits = SpeedLimits(gflops: 500, gigabytes: 800, nanoseconds: 0.025)
        #expect(limits.complaint(about: 499, unit: "GFLOP/s") == nil && limits.complaint(about: 799, unit: "GB/s") == nil)
        #expect(limits.complaint(about: 0.03, unit: "ns") == nil && limits.complaint(about: 1e9, unit: "million/s") == nil)
        #expect(limits.complaint(about: 501, unit: "GFLOP/s")?.contains("beyond") == true)
        #expect(limits.complaint(about: 801, unit: "GB/s") != nil && limits.complaint(about: 0.02, unit: "ns") != nil)
        #expect(limits.complaint(about: .infinity, unit: "times") != nil && limits.complaint(about: .nan, unit: "ns") != nil)
    }
}
