#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Bionic)
    import Bionic
#elseif canImport(Darwin)
    import Darwin
#endif

/// Two ways of doing the same work, timed in turn: A B B A, again and again, so that both run under the same conditions.
///
/// The statistic is the median of ln(time A / time B) over the blocks, with an interval that holds the true median with a probability of 95% or
/// more whatever the noise looks like (order statistics and the binomial distribution, as in the sign test). A difference counts when the
/// interval leaves out zero and the median is larger than the noise floor. Not resolved is not the same as equal.
public struct PairedComparison: Codable, Sendable, Equatable {
    /// What can be said of A beside B.
    public enum Verdict: String, Codable, Sendable {
        /// A takes longer than B, or less long.
        case slower, faster
        /// The interval holds no difference, or a difference below the noise floor.
        case notResolved
        /// Fewer than six blocks, or noise of which nothing can be said: the interval is wider than a factor of two.
        case tooNoisy
    }

    /// time A / time B: the median, and the interval.
    public var ratio: Double
    /// The lower end of the interval.
    public var low: Double
    /// The upper end of the interval.
    public var high: Double
    /// What that says.
    public var verdict: Verdict
    /// Of every block.
    public var logarithms: [Double]

    /// Judges blocks that were measured.
    ///
    /// - Parameters:
    ///   - logarithms: ln(time A / time B) of each block.
    ///   - floor: the noise floor as a share, such as 0.01 for 1%: what an A/A pair showed.
    public init(logarithms: [Double], floor: Double = 0) {
        self.logarithms = logarithms
        let sorted = logarithms.sorted()
        let median = Statistics.median(sorted)
        let rank = PairedComparison.rank(of: sorted.count)
        ratio = exp(median)
        guard let rank else {
            (low, high, verdict) = (0, .infinity, .tooNoisy)
            return
        }
        (low, high) = (exp(sorted[rank]), exp(sorted[sorted.count - 1 - rank]))
        if high / low > 2 {
            verdict = .tooNoisy
        } else if low > 1 && ratio > 1 + floor {
            verdict = .slower
        } else if high < 1 && ratio < 1 / (1 + floor) {
            verdict = .faster
        } else {
            verdict = .notResolved
        }
    }

    /// Times A and B in turn.
    ///
    /// - Parameters:
    ///   - blocks: A B B A each.
    ///   - seconds: of one timing; both sides make the same number of calls.
    ///   - floor: a ratio that is nearer to 1 than this counts as no difference.
    ///   - a: the first way, a call of it.
    ///   - b: the second way, a call of it.
    ///   - clock: nanoseconds that only grow. A test passes one of its own, which no neighbour disturbs.
    public static func measure(
        blocks: Int = 15, seconds: Double = 0.005, floor: Double = 0, clock: () -> Int64 = { Clock.nanoseconds },
        _ a: () -> Void, _ b: () -> Void
    ) -> PairedComparison {
        // As many calls as the slower one needs for the time, and for a thousand steps of the clock.
        let resolution = 1000 * Double(Clock.resolution())
        var calls = 1
        func time(_ work: () -> Void) -> Double {
            let start = clock()
            for _ in 0..<calls { work() }
            return Double(clock() - start)
        }
        a()
        b()
        while max(time(a), time(b)) < max(resolution, seconds * 1e9) && calls < 1 << 30 { calls *= 2 }
        return PairedComparison(
            logarithms: (0..<blocks).map { _ in
                let first = time(a)
                let second = time(b) + time(b)
                return log((first + time(a)) / second)
            }, floor: floor)
    }

    // The r for which [sorted[r], sorted[n - 1 - r]] holds the median with 95% or more: the largest r with P(X <= r) <= 2.5% for
    // X of a binomial distribution with n tries at a half. Nil where there is none.
    internal static func rank(of count: Int) -> Int? {
        var probability = pow(0.5, Double(count))
        var sum = 0.0
        var rank: Int?
        for r in 0..<count / 2 {
            sum += probability
            if sum > 0.025 { break }
            rank = r
            probability *= Double(count - r) / Double(r + 1)
        }
        return rank
    }
}
