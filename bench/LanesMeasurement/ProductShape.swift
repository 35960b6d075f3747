internal import CKernels

/// The shape of one matrix product: op(A)·op(B), m × n × k, row-major, leading dimensions longer than a row by `padding` elements.
public struct ProductShape: Codable, Hashable, Sendable, CustomStringConvertible {
    /// C is m x n, the sums have k terms.
    public var m: Int, n: Int, k: Int
    /// Whether A or B is stored transposed.
    public var transposeA = false, transposeB = false
    /// Elements between the rows of every operand.
    public var padding = 0

    /// A product C = op(A)·op(B).
    public init(m: Int, n: Int, k: Int, transposeA: Bool = false, transposeB: Bool = false, padding: Int = 0) {
        (self.m, self.n, self.k) = (m, n, k)
        (self.transposeA, self.transposeB, self.padding) = (transposeA, transposeB, padding)
    }

    /// `NN 64x128x784`, as shapes files have it.
    public var description: String {
        "\(transposeA ? "T" : "N")\(transposeB ? "T" : "N") \(m)x\(n)x\(k)" + (padding > 0 ? " +\(padding)" : "")
    }

    /// Multiplications and additions.
    public var flops: Double { 2 * Double(m) * Double(n) * Double(k) }

    /// Why the product is planned as it is, a decision a line, for this machine.
    ///
    /// - Parameters:
    ///   - double: f64 instead of f32.
    ///   - lanes: how many lanes there are.
    ///   - regionNanoseconds: what an empty region of two awake lanes takes; 0 where it is not known.
    public func explanation(double: Bool, lanes: Int, regionNanoseconds: Double) -> String {
        unsafe withProblem(double: double) { problem in
            let known = ck_gemm_lanes(lanes: Int32(clamping: lanes), region_nanoseconds: regionNanoseconds)
            var text = [CChar](repeating: 0, count: 8192)
            _ = unsafe ck_gemm_explain(
                ck_machine_current(), ProductShape.kernels(double), problem, known, &text, Int64(text.count))
            return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
    }

    internal static func kernels(_ double: Bool) -> OpaquePointer { unsafe double ? ck_gemm_f64() : ck_gemm_f32() }

    // A product without operands: what plans look at.
    internal func withProblem<Result>(double: Bool, _ body: (UnsafeMutablePointer<ck_gemm_problem>) -> Result) -> Result {
        var problem = unsafe ck_gemm_problem()
        unsafe (problem.m, problem.n, problem.k) = (Int64(m), Int64(n), Int64(k))
        unsafe problem.lda = Int64((transposeA ? m : k) + padding)
        unsafe problem.ldb = Int64((transposeB ? k : n) + padding)
        unsafe problem.ldc = Int64(n + padding)
        unsafe (problem.transpose_a, problem.transpose_b) = (transposeA, transposeB)
        if double { unsafe problem.alpha.f64 = 1 } else { unsafe problem.alpha.f32 = 1 }
        return unsafe body(&problem)
    }
}
