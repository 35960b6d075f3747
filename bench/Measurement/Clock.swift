#if canImport(Glibc)
    import Glibc
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
