internal import CKernels
import Foundation

/// How many lanes a call of this process may use, and why.
public struct LaneLimits: Codable, Sendable {
    /// Processors in the affinity mask of the calling thread.
    public let maskCount: Int
    /// Cores that these processors belong to, as the system tells it: two hardware threads of a core share its arithmetic.
    public let coreCount: Int
    /// Processors that the control groups allow, as a fraction; nil without a quota.
    public let quota: Double?
    /// `LANES_NUM_THREADS`, nil where it is not set.
    public let wish: String?
    /// As many as cores or, with a wish, as it says, up to the processors of the mask; never more than the quota rounded up. As they were when
    /// a call of this process first asked.
    public let lanes: Int

    /// Those of this process. A bad `LANES_NUM_THREADS` ends it with a message.
    public static func current() -> LaneLimits {
        let quota = unsafe ck_cpu_quota("")
        let wish = ProcessInfo.processInfo.environment["LANES_NUM_THREADS"].flatMap { $0.isEmpty ? nil : $0 }
        return LaneLimits(
            maskCount: Int(ck_cpu_mask_count()), coreCount: unsafe Int(ck_cpu_core_count("")), quota: quota > 0 ? quota : nil,
            wish: wish, lanes: Int(ck_cpu_lanes()))
    }
}

extension LaneLimits: CustomStringConvertible {
    /// "2 (the affinity mask has 2 processors of 2 cores; no CPU quota; LANES_NUM_THREADS is not set)".
    public var description: String {
        let quotaText = quota.map { "the CPU quota is \(String(format: "%.2f", $0)) processors" } ?? "no CPU quota"
        let wishText = wish.map { "LANES_NUM_THREADS is \($0)" } ?? "LANES_NUM_THREADS is not set"
        return
            "\(lanes) (the affinity mask has \(maskCount) processor\(maskCount == 1 ? "" : "s") of \(coreCount) core\(coreCount == 1 ? "" : "s"); \(quotaText); \(wishText))"
    }
}
