import Lanes

extension WorkerPool {
    /// Matrix product on the pool's lanes: C = α·op(A)·op(B) + β·C, then bias and ReLU.
    ///
    /// The arguments, the errors and every bit of the result are those of `multiply` on one thread. A product too small to gain
    /// runs on the calling thread alone.
    @_specialize(where Element == Float)
    @_specialize(where Element == Double)
    public func multiply<Element: LaneElement>(
        _ a: borrowing Matrix<Element>, _ b: borrowing Matrix<Element>, into c: inout Matrix<Element>,
        transposeA: Bool = false, transposeB: Bool = false, alpha: Element = 1, beta: Element = 0,
        bias: Span<Element>? = nil, biasAxis: BiasAxis = .perColumn, relu: Bool = false
    ) {
        unsafe Lanes.multiply(
            a, b, into: &c, transposeA: transposeA, transposeB: transposeB, alpha: alpha, beta: beta, bias: bias,
            biasAxis: biasAxis, relu: relu, pool: pool)
    }

    /// The same for views. C must not overlap A, B or the bias.
    @_specialize(where Element == Float)
    @_specialize(where Element == Double)
    @unsafe public func multiply<Element: LaneElement>(
        _ a: MatrixView<Element>, _ b: MatrixView<Element>, into c: MutableMatrixView<Element>,
        transposeA: Bool = false, transposeB: Bool = false, alpha: Element = 1, beta: Element = 0,
        bias: Span<Element>? = nil, biasAxis: BiasAxis = .perColumn, relu: Bool = false
    ) {
        unsafe Lanes.multiply(
            a, b, into: c, transposeA: transposeA, transposeB: transposeB, alpha: alpha, beta: beta, bias: bias,
            biasAxis: biasAxis, relu: relu, pool: pool)
    }
}
