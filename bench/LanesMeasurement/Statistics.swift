#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Bionic)
    import Bionic
#elseif canImport(Darwin)
    import Darwin
#endif

/// Numbers of a sample.
public enum Statistics {
    /// The middle value, or the mean of the two middle ones; NaN for no values.
    public static func median(_ values: [Double]) -> Double {
        guard !values.isEmpty else { return .nan }
        let sorted = values.sorted()
        let middle = sorted.count / 2
        return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }

    /// The mean of ratios; NaN for no values.
    public static func geometricMean(_ values: [Double]) -> Double {
        values.isEmpty ? .nan : exp(values.map { log($0) }.reduce(0, +) / Double(values.count))
    }
}
