internal import CKernels

/// Ceilings that kernels are compared with.
public enum Peak {
    /// Floating-point operations per second of independent multiply-adds in registers on the calling thread, with the
    /// instruction set in use: the best of `rounds` rounds that last at least `nanoseconds`.
    public static func flopsPerSecond(double: Bool = false, rounds: Int = 12, nanoseconds: Int64 = 10_000_000) -> Double {
        let kernels = unsafe ck_probe()!.pointee
        let flops = unsafe Double(double ? kernels.flops_f64 : kernels.flops_f32)
        var iterations: Int64 = 1000
        var best = 0.0
        var done = 0
        var guardSum = 0.0
        while done < rounds {
            let start = Clock.nanoseconds
            unsafe guardSum += double ? kernels.fma_f64(iterations) : Double(kernels.fma_f32(iterations))
            let elapsed = Clock.nanoseconds - start
            if elapsed < nanoseconds {
                iterations *= 2
                continue
            }
            best = max(best, flops * Double(iterations) / Double(elapsed) * 1e9)
            done += 1
        }
        precondition(guardSum.isFinite, "Peak: the probe's chains overflowed")
        return best
    }
}
