/// Along which side of C a bias vector lies.
public enum BiasAxis: Sendable {
    /// One number for each column: the bias of a layer whose samples are rows.
    case perColumn
    /// One number for each row.
    case perRow
}

// MARK: Matrices and views

/// Matrix product: C = α·op(A)·op(B) + β·C, then bias and ReLU.
///
/// - Parameters:
///   - a: op(A) is m × k: a matrix, a view of one, or the transpose of either; its transpose where `transposeA` is true.
///   - b: op(B) is k × n.
///   - c: m × n. It is never read where `beta` is 0.
///   - transposeA: op(A) is the transpose of A, as it is for `a.transposed`.
///   - transposeB: op(B) is the transpose of B.
///   - alpha: factor of the product. Where it is 0, A and B are not read.
///   - beta: factor of the old C.
///   - bias: n numbers (`.perColumn`) or m numbers (`.perRow`), added after everything else.
///   - biasAxis: which of the two.
///   - relu: negative results become +0; -0 and NaN stay.
///   - workers: the calling thread, or a pool; a product too small to gain runs on the calling thread alone.
///   - file: where a misuse is reported.
///   - line: where a misuse is reported.
///
/// The result has the same bits on every instruction set, for any number of lanes, for every position of an element and for every
/// stride; the chain of operations is stated in `ck_gemm.h`.
///
/// Sizes that do not fit, and a C that overlaps an operand, stop the program with a message that names both shapes.
///
/// Known elsewhere as `cblas_sgemm` (Accelerate, BLAS), `matmul`, `addmm` and `F.linear` (PyTorch, MLX), `@` (NumPy).
@inlinable
public func multiply<
    A: ProductOperand & ~Copyable & ~Escapable, B: ProductOperand & ~Copyable & ~Escapable,
    C: MutableMatrixOperand & ~Copyable & ~Escapable
>(
    _ a: borrowing A, _ b: borrowing B, into c: inout C, transposeA: Bool = false, transposeB: Bool = false,
    alpha: A.Element = 1, beta: A.Element = 0, bias: Span<A.Element>? = nil, biasAxis: BiasAxis = .perColumn,
    relu: Bool = false,
    on workers: some Workers = CallingThread(), file: StaticString = #fileID, line: UInt = #line
) where B.Element == A.Element, C.Element == A.Element {
    var target = c.viewForWriting()
    product(
        a.storedView, a.isTransposed != transposeA, b.storedView, b.isTransposed != transposeB, into: &target, alpha, beta,
        bias, biasAxis, relu, workers.lanePool, file, line)
}

/// The same with a bias from a buffer, an array or a matrix of one row.
@inlinable
public func multiply<
    A: ProductOperand & ~Copyable & ~Escapable, B: ProductOperand & ~Copyable & ~Escapable,
    C: MutableMatrixOperand & ~Copyable & ~Escapable, V: LaneOperand & ~Copyable & ~Escapable
>(
    _ a: borrowing A, _ b: borrowing B, into c: inout C, transposeA: Bool = false, transposeB: Bool = false,
    alpha: A.Element = 1, beta: A.Element = 0, bias: borrowing V, biasAxis: BiasAxis = .perColumn, relu: Bool = false,
    on workers: some Workers = CallingThread(), file: StaticString = #fileID, line: UInt = #line
) where B.Element == A.Element, C.Element == A.Element, V.Element == A.Element {
    var target = c.viewForWriting()
    product(
        a.storedView, a.isTransposed != transposeA, b.storedView, b.isTransposed != transposeB, into: &target, alpha, beta,
        bias.span, biasAxis, relu, workers.lanePool, file, line)
}

/// The matrix product of two operands in a matrix of its own.
///
/// ```swift
/// let gram = multiply(x.transposed, x)
/// ```
@inlinable public func multiply<A: ProductOperand & ~Copyable & ~Escapable, B: ProductOperand & ~Copyable & ~Escapable>(
    _ a: borrowing A, _ b: borrowing B, on workers: some Workers = CallingThread(), file: StaticString = #fileID,
    line: UInt = #line
) -> Matrix<A.Element> where B.Element == A.Element {
    let (left, right) = (a.storedView, b.storedView)
    var c = Matrix<A.Element>(
        rows: a.isTransposed ? left.columns : left.rows, columns: b.isTransposed ? right.rows : right.columns)
    multiply(a, b, into: &c, on: workers, file: file, line: line)
    return c
}

/// Matrix product with an operand packed beforehand: C = α·op(A)·B + β·C, then bias and ReLU.
///
/// The bits are those of the product with the matrix that was packed.
@inlinable public func multiply<A: ProductOperand & ~Copyable & ~Escapable, C: MutableMatrixOperand & ~Copyable & ~Escapable>(
    _ a: borrowing A, _ b: borrowing PackedMatrix<A.Element>, into c: inout C, transposeA: Bool = false, alpha: A.Element = 1,
    beta: A.Element = 0, bias: Span<A.Element>? = nil, biasAxis: BiasAxis = .perColumn, relu: Bool = false,
    on workers: some Workers = CallingThread(), file: StaticString = #fileID, line: UInt = #line
) where C.Element == A.Element {
    var target = c.viewForWriting()
    product(
        a.storedView, a.isTransposed != transposeA, b, into: &target, alpha, beta, bias, biasAxis, relu, workers.lanePool, file,
        line)
}

/// The same with a bias from a buffer, an array or a matrix of one row.
@inlinable
public func multiply<
    A: ProductOperand & ~Copyable & ~Escapable, C: MutableMatrixOperand & ~Copyable & ~Escapable,
    V: LaneOperand & ~Copyable & ~Escapable
>(
    _ a: borrowing A, _ b: borrowing PackedMatrix<A.Element>, into c: inout C, transposeA: Bool = false, alpha: A.Element = 1,
    beta: A.Element = 0, bias: borrowing V, biasAxis: BiasAxis = .perColumn, relu: Bool = false,
    on workers: some Workers = CallingThread(), file: StaticString = #fileID, line: UInt = #line
) where C.Element == A.Element, V.Element == A.Element {
    var target = c.viewForWriting()
    product(
        a.storedView, a.isTransposed != transposeA, b, into: &target, alpha, beta, bias.span, biasAxis, relu, workers.lanePool,
        file, line)
}

/// Matrix times vector: y = α·op(A)·x + β·y.
///
/// - Parameters:
///   - a: op(A) is m × n.
///   - x: n numbers.
///   - y: m numbers. They are never read where `beta` is 0.
///   - alpha: factor of the product.
///   - beta: factor of the old y.
///   - workers: the calling thread, or a pool.
///   - file: where a misuse is reported.
///   - line: where a misuse is reported.
///
/// The bits are those of a product with a matrix of one column.
@inlinable
public func multiply<
    A: ProductOperand & ~Copyable & ~Escapable, X: LaneOperand & ~Copyable & ~Escapable,
    Y: MutableLaneOperand & ~Copyable & ~Escapable
>(
    _ a: borrowing A, vector x: borrowing X, into y: inout Y, alpha: A.Element = 1, beta: A.Element = 0,
    on workers: some Workers = CallingThread(), file: StaticString = #fileID, line: UInt = #line
) where X.Element == A.Element, Y.Element == A.Element {
    let (column, rows) = (x.span, y.shape.count)
    var target = y.elementsForWriting()
    var result = MutableMatrixView(&target, rows: rows, columns: 1)
    product(
        a.storedView, a.isTransposed, MatrixView(column, rows: column.count, columns: 1), false, into: &result, alpha, beta,
        nil,
        .perColumn, false, workers.lanePool, file, line)
}

/// Outer product: A = α·x·yᵀ + β·A.
///
/// - Precondition: A has as many rows as `x` has elements, and as many columns as `y` has.
@inlinable
public func outerProduct<
    X: LaneOperand & ~Copyable & ~Escapable, Y: LaneOperand & ~Copyable & ~Escapable,
    C: MutableMatrixOperand & ~Copyable & ~Escapable
>(
    _ x: borrowing X, _ y: borrowing Y, into a: inout C, alpha: C.Element = 1, beta: C.Element = 0,
    on workers: some Workers = CallingThread(), file: StaticString = #fileID, line: UInt = #line
) where X.Element == C.Element, Y.Element == C.Element {
    let (column, row) = (x.span, y.span)
    var target = a.viewForWriting()
    product(
        MatrixView(column, rows: column.count, columns: 1), false, MatrixView(row, rows: 1, columns: row.count), false,
        into: &target, alpha, beta, nil, .perColumn, false, workers.lanePool, file, line)
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
///   - workers: the calling thread, or a pool.
///   - file: where a misuse is reported.
///   - line: where a misuse is reported.
///
/// Spans that are too short for their shapes stop the program with a message.
@inlinable public func multiply<Element: LaneElement>(
    m: Int, n: Int, k: Int, _ a: Span<Element>, leadingDimensionA: Int? = nil, _ b: Span<Element>,
    leadingDimensionB: Int? = nil, into c: inout MutableSpan<Element>, leadingDimensionC: Int? = nil,
    transposeA: Bool = false, transposeB: Bool = false, alpha: Element = 1, beta: Element = 0,
    bias: Span<Element>? = nil, biasAxis: BiasAxis = .perColumn, relu: Bool = false,
    on workers: some Workers = CallingThread(), file: StaticString = #fileID, line: UInt = #line
) {
    if m < 0 || n < 0 || k < 0 { stop("multiply: a negative size (m \(m), n \(n), k \(k))", file, line) }
    let (aRows, aColumns) = transposeA ? (k, m) : (m, k)
    let (bRows, bColumns) = transposeB ? (n, k) : (k, n)
    let lda = checkedLeadingDimension("A", aRows, aColumns, leadingDimensionA, a.count, file, line)
    let ldb = checkedLeadingDimension("B", bRows, bColumns, leadingDimensionB, b.count, file, line)
    let ldc = checkedLeadingDimension("C", m, n, leadingDimensionC, c.count, file, line)
    var target = MutableMatrixView(&c, rows: m, columns: n, leadingDimension: ldc)
    product(
        MatrixView(a, rows: aRows, columns: aColumns, leadingDimension: lda), transposeA,
        MatrixView(b, rows: bRows, columns: bColumns, leadingDimension: ldb), transposeB, into: &target, alpha, beta, bias,
        biasAxis, relu, workers.lanePool, file, line)
}
