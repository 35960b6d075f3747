import Measurement
import Testing

@Suite struct MeasurementTests {
    @Test func statistics() {
        #expect(Statistics.median([3, 1, 2]) == 2)
        #expect(Statistics.median([4, 1, 2, 3]) == 2.5)
        #expect(Statistics.median([]).isNaN)
        #expect(abs(Statistics.geometricMean([1, 4]) - 2) < 1e-12)
        #expect(Statistics.relativeSpread([1, 1, 1, 1, 1]) == 0)
        #expect(Statistics.relativeSpread([8, 9, 10, 11, 12]) == 0.1)
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
