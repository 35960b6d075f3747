internal import CKernels

/// Along which side of C a bias vector lies.
public enum BiasAxis: Sendable {
    /// One number for each column: the bias of a layer whose samples are rows.
    case perColumn
    /// One number for each row.
    case perRow
}

// MARK: Matrices

/// Matrix product: C = α·op(A)·op(B) + β·C, then bias and ReLU.
///
/// - Parameters:
///   - a: op(A) is m × k; A is stored k × m where `transposeA` is true.
///   - b: op(B) is k × n; B is stored n × k where `transposeB` is true.
///   - c: m × n. It is never read where `beta` is 0.
///   - transposeA: op(A) is the transpose of A.
///   - transposeB: op(B) is the transpose of B.
///   - alpha: factor of the product. Where it is 0, A and B are not read.
///   - beta: factor of the old C.
///   - bias: n numbers (`.perColumn`) or m numbers (`.perRow`), added after everything else.
///   - biasAxis: which of the two.
///   - relu: negative results become +0; -0 and NaN stay.
///
/// Runs on the calling thread. The result has the same bits on every instruction set, for every position of an element and
/// for every stride; the chain of operations is stated in `ck_gemm.h`.
///
/// Sizes that do not fit stop the program with a message that names both shapes.
///
/// Known elsewhere as `cblas_sgemm` (Accelerate, BLAS), `matmul`, `addmm` and `F.linear` (PyTorch, MLX), `@` (NumPy).
@_specialize(where Element == Float)
@_specialize(where Element == Double)
public func multiply<Element: LaneElement>(
    _ a: borrowing Matrix<Element>, _ b: borrowing Matrix<Element>, into c: inout Matrix<Element>,
    transposeA: Bool = false, transposeB: Bool = false, alpha: Element = 1, beta: Element = 0,
    bias: Span<Element>? = nil, biasAxis: BiasAxis = .perColumn, relu: Bool = false
) {
    unsafe multiply(
        a, b, into: &c, transposeA: transposeA, transposeB: transposeB, alpha: alpha, beta: beta, bias: bias,
        biasAxis: biasAxis, relu: relu, pool: nil)
}

/// Matrix product with an operand packed beforehand: C = α·op(A)·B + β·C, then bias and ReLU.
///
/// The bits are those of the product with the matrix that was packed.
@_specialize(where Element == Float)
@_specialize(where Element == Double)
public func multiply<Element: LaneElement>(
    _ a: borrowing Matrix<Element>, _ b: borrowing PackedMatrix<Element>, into c: inout Matrix<Element>,
    transposeA: Bool = false, alpha: Element = 1, beta: Element = 0,
    bias: Span<Element>? = nil, biasAxis: BiasAxis = .perColumn, relu: Bool = false
) {
    let biasBase = unsafe checkedBase(bias, biasAxis, c.rows, c.columns)
    unsafe multiply(
        Operand(a.buffer.base, a.rows, a.columns, a.columns), Operand(b.buffer.base, b.rows, b.columns, b.columns),
        into: Operand(c.buffer.base, c.rows, c.columns, c.columns), transposeA, false, alpha, beta, biasBase, biasAxis, relu,
        isPacked: true)
}

// MARK: Views

/// Matrix product of views; see ``multiply(_:_:into:transposeA:transposeB:alpha:beta:bias:biasAxis:relu:)``.
///
/// C must not overlap A, B or the bias.
@_specialize(where Element == Float)
@_specialize(where Element == Double)
@unsafe public func multiply<Element: LaneElement>(
    _ a: MatrixView<Element>, _ b: MatrixView<Element>, into c: MutableMatrixView<Element>,
    transposeA: Bool = false, transposeB: Bool = false, alpha: Element = 1, beta: Element = 0,
    bias: Span<Element>? = nil, biasAxis: BiasAxis = .perColumn, relu: Bool = false
) {
    unsafe multiply(
        a, b, into: c, transposeA: transposeA, transposeB: transposeB, alpha: alpha, beta: beta, bias: bias,
        biasAxis: biasAxis, relu: relu, pool: nil)
}

// MARK: On a pool

// For LanesParallel: the same products with a pool of lanes (a ck_pool; nil for none).

@_specialize(where Element == Float)
@_specialize(where Element == Double)
@unsafe package func multiply<Element: LaneElement>(
    _ a: borrowing Matrix<Element>, _ b: borrowing Matrix<Element>, into c: inout Matrix<Element>,
    transposeA: Bool, transposeB: Bool, alpha: Element, beta: Element, bias: Span<Element>?, biasAxis: BiasAxis, relu: Bool,
    pool: OpaquePointer?
) {
    let biasBase = unsafe checkedBase(bias, biasAxis, c.rows, c.columns)
    unsafe multiply(
        Operand(a.buffer.base, a.rows, a.columns, a.columns), Operand(b.buffer.base, b.rows, b.columns, b.columns),
        into: Operand(c.buffer.base, c.rows, c.columns, c.columns), transposeA, transposeB, alpha, beta, biasBase, biasAxis,
        relu, pool: pool)
}

@_specialize(where Element == Float)
@_specialize(where Element == Double)
@unsafe package func multiply<Element: LaneElement>(
    _ a: MatrixView<Element>, _ b: MatrixView<Element>, into c: MutableMatrixView<Element>,
    transposeA: Bool, transposeB: Bool, alpha: Element, beta: Element, bias: Span<Element>?, biasAxis: BiasAxis, relu: Bool,
    pool: OpaquePointer?
) {
    let biasBase = unsafe checkedBase(bias, biasAxis, c.rows, c.columns)
    unsafe multiply(
        Operand(a.base, a.rows, a.columns, a.leadingDimension), Operand(b.base, b.rows, b.columns, b.leadingDimension),
        into: Operand(c.base, c.rows, c.columns, c.leadingDimension), transposeA, transposeB, alpha, beta, biasBase, biasAxis,
        relu, pool: pool)
}

// MARK: Spans

/// Matrix product in the caller's own memory: C (m × n) = α·op(A)·op(B) + β·C, then bias and ReLU.
///
/// - Parameters:
///   - m: rows of op(A) and C.
///   - n: columns of op(B) and C.
///   - k: columns of op(A), rows of op(B).
///   - a: A, row-major.
///   - leadingDimensionA: elements from one row of A to the next; nil for its row length. So for B and C.
///   - b: B, row-major.
///   - leadingDimensionB: elements from one row of B to the next.
///   - c: C, row-major. It is never read where `beta` is 0.
///   - leadingDimensionC: elements from one row of C to the next.
///   - transposeA: op(A) is the transpose of A.
///   - transposeB: op(B) is the transpose of B.
///   - alpha: factor of the product. Where it is 0, A and B are not read.
///   - beta: factor of the old C.
///   - bias: n numbers (`.perColumn`) or m numbers (`.perRow`), added after everything else.
///   - biasAxis: which of the two.
///   - relu: negative results become +0; -0 and NaN stay.
///
/// Spans that are too short for their shapes stop the program with a message.
@_specialize(where Element == Float)
@_specialize(where Element == Double)
public func multiply<Element: LaneElement>(
    m: Int, n: Int, k: Int, _ a: Span<Element>, leadingDimensionA: Int? = nil, _ b: Span<Element>,
    leadingDimensionB: Int? = nil, into c: inout MutableSpan<Element>, leadingDimensionC: Int? = nil,
    transposeA: Bool = false, transposeB: Bool = false, alpha: Element = 1, beta: Element = 0,
    bias: Span<Element>? = nil, biasAxis: BiasAxis = .perColumn, relu: Bool = false
) {
    guard m >= 0 && n >= 0 && k >= 0 else { stop("multiply: a negative size (m \(m), n \(n), k \(k))") }
    let (aRows, aColumns) = transposeA ? (k, m) : (m, k)
    let (bRows, bColumns) = transposeB ? (n, k) : (k, n)
    let lda = checkedLeadingDimension("A", aRows, aColumns, leadingDimensionA, a.count)
    let ldb = checkedLeadingDimension("B", bRows, bColumns, leadingDimensionB, b.count)
    let ldc = checkedLeadingDimension("C", m, n, leadingDimensionC, c.count)
    let biasBase = unsafe checkedBase(bias, biasAxis, m, n)
    unsafe a.withUnsafeBufferPointer { a in
        unsafe b.withUnsafeBufferPointer { b in
            unsafe c.withUnsafeMutableBufferPointer { c in
                // An empty span has no address; nothing is read or written then.
                guard let cBase = c.baseAddress else { return }
                let nothing = unsafe UnsafePointer(cBase)
                unsafe multiply(
                    Operand(a.baseAddress ?? nothing, aRows, aColumns, lda),
                    Operand(b.baseAddress ?? nothing, bRows, bColumns, ldb), into: Operand(cBase, m, n, ldc), transposeA,
                    transposeB, alpha, beta, biasBase, biasAxis, relu)
            }
        }
    }
}

private func checkedLeadingDimension(_ name: String, _ rows: Int, _ columns: Int, _ given: Int?, _ count: Int) -> Int {
    let leadingDimension = given ?? columns
    guard leadingDimension >= columns else {
        stop("multiply: \(name) is stored \(rows) x \(columns), its leading dimension \(leadingDimension) is too small")
    }
    if rows > 0 && columns > 0 {
        let (lastRow, overflow) = (rows - 1).multipliedReportingOverflow(by: leadingDimension)
        guard !overflow && lastRow <= count - columns else {
            stop(
                "multiply: \(name) is stored \(rows) x \(columns) with leading dimension \(leadingDimension), the span has \(count) elements"
            )
        }
    }
    return leadingDimension
}

// MARK: The one call

// A matrix on its way to C: the memory belongs to the caller's operand, which is borrowed for the length of the call.
@unsafe internal struct Operand {
    let base: UnsafeRawPointer
    let rows: Int, columns: Int, leadingDimension: Int

    @inline(__always) init(_ base: UnsafeRawPointer, _ rows: Int, _ columns: Int, _ leadingDimension: Int) {
        unsafe self.base = unsafe base
        unsafe self.rows = rows
        unsafe self.columns = columns
        unsafe self.leadingDimension = leadingDimension
    }

    // Addresses of the first element and past the last one.
    @inline(__always) private func bounds(_ size: Int) -> (start: UInt, end: UInt) {
        let start = unsafe UInt(bitPattern: base)
        guard unsafe rows > 0 && columns > 0 else { return (start, start) }
        return unsafe (start, start &+ UInt(bitPattern: ((rows - 1) &* leadingDimension &+ columns) &* size))
    }

    /// False where no element of one is near the other: for nearly all calls.
    @inline(__always) func mayOverlap(_ other: Operand, _ size: Int) -> Bool {
        let (mine, theirs) = unsafe (bounds(size), other.bounds(size))
        return mine.start < theirs.end && theirs.start < mine.end
    }

    /// Whether they have an element in common: views of one buffer may lie between each other's rows.
    func overlaps(_ other: Operand, _ size: Int) -> Bool {
        let (mine, theirs) = unsafe (bounds(size), other.bounds(size))
        let row = unsafe UInt(other.leadingDimension * size)
        return unsafe (0..<UInt(rows)).contains { index in
            let start = unsafe mine.start + index * UInt(leadingDimension * size)
            let end = unsafe start + UInt(columns * size)
            guard start < theirs.end && theirs.start < end else { return false }
            // The other's row that this one begins in or before, and all that follow before this one ends.
            let first = start > theirs.start ? (start - theirs.start) / row : 0
            return unsafe (first..<UInt(other.rows)).lazy.map { theirs.start + $0 * row }.prefix { $0 < end }.contains {
                unsafe $0 + UInt(other.columns * size) > start
            }
        }
    }
}

private func overlap(_ name: String) -> Never {
    stop("multiply: C overlaps \(name), which would be overwritten while it is read")
}

// The span outlives the call that it is an argument of.
private func checkedBase<Element: LaneElement>(
    _ bias: Span<Element>?, _ axis: BiasAxis, _ rows: Int, _ columns: Int
) -> UnsafeRawPointer? {
    guard let bias else { return nil }
    let expected = axis == .perColumn ? columns : rows
    guard bias.count == expected else {
        stop(
            "multiply: a bias of \(bias.count) elements does not fit \(axis == .perColumn ? "the columns" : "the rows") of C (\(rows) x \(columns))"
        )
    }
    return unsafe bias.withUnsafeBufferPointer { unsafe UnsafeRawPointer($0.baseAddress) }
}

private func multiply<Element: LaneElement>(
    _ a: Operand, _ b: Operand, into c: Operand, _ transposeA: Bool, _ transposeB: Bool, _ alpha: Element, _ beta: Element,
    _ bias: UnsafeRawPointer?, _ biasAxis: BiasAxis, _ relu: Bool, isPacked: Bool = false, pool: OpaquePointer? = nil
) {
    let m = unsafe transposeA ? a.columns : a.rows
    let k = unsafe transposeA ? a.rows : a.columns
    let bRows = unsafe transposeB ? b.columns : b.rows
    let n = unsafe transposeB ? b.rows : b.columns
    guard unsafe k == bRows && m == c.rows && n == c.columns else {
        unsafe shapeMismatch(m, k, bRows, n, c.rows, c.columns)
    }
    let size = MemoryLayout<Element>.stride
    if unsafe c.mayOverlap(a, size) && alpha != 0 && c.overlaps(a, size) { overlap("A") }
    if unsafe !isPacked && c.mayOverlap(b, size) && alpha != 0 && c.overlaps(b, size) { overlap("B") }
    if let bias = unsafe bias {
        let row = unsafe Operand(bias, 1, biasAxis == .perColumn ? n : m, biasAxis == .perColumn ? n : m)
        if unsafe c.mayOverlap(row, size) && c.overlaps(row, size) { overlap("the bias") }
    }
    var problem = unsafe ck_gemm_problem()
    unsafe problem.m = Int64(m)
    unsafe problem.n = Int64(n)
    unsafe problem.k = Int64(k)
    unsafe problem.a = unsafe a.base
    unsafe problem.lda = Int64(a.leadingDimension)
    if isPacked { unsafe problem.packed_b = unsafe b.base } else { unsafe problem.b = unsafe b.base }
    unsafe problem.ldb = Int64(b.leadingDimension)
    unsafe problem.c = unsafe UnsafeMutableRawPointer(mutating: c.base)
    unsafe problem.ldc = Int64(c.leadingDimension)
    unsafe problem.transpose_a = transposeA
    unsafe problem.transpose_b = transposeB
    unsafe problem.relu = relu
    if let bias = unsafe bias {
        unsafe problem.bias = unsafe bias
        unsafe problem.bias_kind = biasAxis == .perColumn ? CK_BIAS_PER_COLUMN : CK_BIAS_PER_ROW
    }
    if Element.laneKernels.isSingle {
        unsafe problem.alpha.f32 = unsafe unsafeBitCast(alpha, to: Float.self)
        unsafe problem.beta.f32 = unsafe unsafeBitCast(beta, to: Float.self)
        unsafe run(pool, ck_gemm_f32(), &problem)
    } else {
        unsafe problem.alpha.f64 = unsafe unsafeBitCast(alpha, to: Double.self)
        unsafe problem.beta.f64 = unsafe unsafeBitCast(beta, to: Double.self)
        unsafe run(pool, ck_gemm_f64(), &problem)
    }
}

@inline(__always)
private func run(_ pool: OpaquePointer?, _ kernels: OpaquePointer, _ problem: UnsafePointer<ck_gemm_problem>) {
    if let pool = unsafe pool {
        unsafe ck_gemm_parallel(pool, kernels, problem)
    } else {
        unsafe ck_gemm(kernels, problem)
    }
}

private func shapeMismatch(_ m: Int, _ k: Int, _ bRows: Int, _ n: Int, _ cRows: Int, _ cColumns: Int) -> Never {
    k == bRows
        ? stop("multiply: op(A)·op(B) is \(m) x \(n), C is \(cRows) x \(cColumns)")
        : stop("multiply: op(A) is \(m) x \(k), op(B) is \(bRows) x \(n): the inner dimensions differ")
}
