/// What no program can exceed on a machine. A figure beyond it comes from work that the compiler left out, a clock that jumped, or a wrong
/// count of operations, and is no figure.
public struct SpeedLimits: Sendable {
    /// Billions of operations a second of all lanes.
    public var gflops: Double
    /// Billions of bytes a second of all lanes, from the first cache.
    public var gigabytes: Double
    /// The fewest nanoseconds of a step, where lanes and vectors do many at once.
    public var nanoseconds: Double

    /// Limits of a machine.
    public init(gflops: Double, gigabytes: Double, nanoseconds: Double) {
        (self.gflops, self.gigabytes, self.nanoseconds) = (gflops, gigabytes, nanoseconds)
    }

    /// Why a value cannot be, or nil where it can. `unit` is that of a series; values of other units can be anything.
    public func complaint(about value: Double, unit: String) -> String? {
        let beyond =
            switch unit {
            case "GFLOP/s": value > gflops
            case "GB/s": value > gigabytes
            case "ns": value < nanoseconds
            default: false
            }
        guard value.isFinite else { return "\(value) \(unit) is no number: the work was not done, or not counted rightly" }
        guard beyond else { return nil }
        let limit = unit == "GFLOP/s" ? gflops : unit == "GB/s" ? gigabytes : nanoseconds
        return "\(value) \(unit) is beyond what this machine can do (\(limit)): the work was not done, or not counted rightly"
    }
}
