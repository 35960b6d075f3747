#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Bionic)
    import Bionic
#elseif canImport(Darwin)
    import Darwin
#endif

/// Time that only goes forward and that nobody adjusts.
public enum Clock {
    /// Nanoseconds since some moment.
    public static var nanoseconds: Int64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC_RAW, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    /// The smallest step seen between two readings, in nanoseconds: the best of many tries.
    public static func resolution() -> Int64 {
        var smallest = Int64.max
        for _ in 0..<1000 {
            let start = nanoseconds
            var end = nanoseconds
            while end == start { end = nanoseconds }
            smallest = min(smallest, end - start)
        }
        return smallest
    }
}

/// Nanoseconds per call, one number for each batch of calls.
///
/// A batch lasts at least 1000 clock resolutions. The work warms up for a seventh of the time and is then timed in batches
/// until the time is over, at least three times and at most `samples` times.
public func sample(seconds: Double, samples: Int = 15, _ work: () -> Void) -> [Double] {
    let resolution = Clock.resolution()
    let budget = Int64(seconds * 1e9)
    let warmUpStart = Clock.nanoseconds
    var calls = 0
    repeat {
        work()
        calls += 1
    } while Clock.nanoseconds - warmUpStart < budget / 7
    let perCall = Double(Clock.nanoseconds - warmUpStart) / Double(calls)
    let shortest = Double(1000 * resolution)
    let batch = max(1, Int(max(shortest, Double(budget) / Double(samples + 3)) / perCall))
    var result: [Double] = []
    let start = Clock.nanoseconds
    while result.count < samples && (result.count < 3 || Clock.nanoseconds - start < budget) {
        let batchStart = Clock.nanoseconds
        for _ in 0..<batch { work() }
        result.append(Double(Clock.nanoseconds - batchStart) / Double(batch))
    }
    return result
}

/// Nanoseconds of one call of every work, measured in turns so that all run under the same conditions: one number a turn, at least five and at most
/// 25. A turn takes about half a millisecond, or as long as `seconds` for each work asks for; which comes first rotates.
public func sampleInTurns(seconds: Double, _ works: [() -> Void]) -> [[Double]] {
    func time(_ work: () -> Void, _ calls: Int) -> Double {
        let start = Clock.nanoseconds
        for _ in 0..<calls { work() }
        return Double(Clock.nanoseconds - start) / Double(calls)
    }
    let turn = max(500_000, seconds * 1e9 / 25, Double(1000 * Clock.resolution()))
    // Two short tries find how many calls a turn has: the first call may have much to set up.
    let calls = works.map { work in
        _ = time(work, 2)
        let few = max(1, Int(turn / 10 / max(1, time(work, 1))))
        return max(1, Int(turn / max(1, time(work, few))))
    }
    var result = works.map { _ in [Double]() }
    let end = Clock.nanoseconds + Int64(seconds * 1e9) * Int64(works.count)
    var turns = 0
    while turns < 5 || (turns < 25 && Clock.nanoseconds < end) {
        for position in works.indices {
            let index = (position + turns) % works.count
            result[index].append(time(works[index], calls[index]))
        }
        turns += 1
    }
    return result
}
