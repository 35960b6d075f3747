internal import CKernels

// A row or a column combined with all of a matrix and softmax, in place and into another matrix of the same shape; normalisation and
// transposition into another matrix; on the calling thread, or with `on:` on the lanes of a pool, with the same bits.

// MARK: A row or a column with all of a matrix

/// b[i, j] = a[i, j] + row[j].
///
/// - Precondition: `row` has as many elements as `a` has columns, and `b` has the shape of `a`.
@inlinable
public func add<
    A: MatrixOperand & ~Copyable & ~Escapable, V: LaneOperand & ~Copyable & ~Escapable,
    M: MutableMatrixOperand & ~Copyable & ~Escapable
>(
    _ a: borrowing A, row: borrowing V, into b: inout M, on workers: some Workers = CallingThread(),
    file: StaticString = #fileID, line: UInt = #line
) where A.Element == M.Element, V.Element == M.Element {
    var target = b.viewForWriting()
    combine("add", .add, a.storedView, row: row.span, &target, workers.lanePool, file, line)
}

/// The same in place.
@inlinable public func add<M: MutableMatrixOperand & ~Copyable & ~Escapable, V: LaneOperand & ~Copyable & ~Escapable>(
    _ a: inout M, row: borrowing V, on workers: some Workers = CallingThread(), file: StaticString = #fileID, line: UInt = #line
) where V.Element == M.Element {
    var target = a.viewForWriting()
    combine("add", .add, row: row.span, &target, workers.lanePool, file, line)
}

/// b[i, j] = a[i, j] + column[i].
///
/// - Precondition: `column` has as many elements as `a` has rows, and `b` has the shape of `a`.
@inlinable
public func add<
    A: MatrixOperand & ~Copyable & ~Escapable, V: LaneOperand & ~Copyable & ~Escapable,
    M: MutableMatrixOperand & ~Copyable & ~Escapable
>(
    _ a: borrowing A, column: borrowing V, into b: inout M, on workers: some Workers = CallingThread(),
    file: StaticString = #fileID, line: UInt = #line
) where A.Element == M.Element, V.Element == M.Element {
    var target = b.viewForWriting()
    combine("add", .add, a.storedView, column: column.span, &target, workers.lanePool, file, line)
}

/// The same in place.
@inlinable public func add<M: MutableMatrixOperand & ~Copyable & ~Escapable, V: LaneOperand & ~Copyable & ~Escapable>(
    _ a: inout M, column: borrowing V, on workers: some Workers = CallingThread(), file: StaticString = #fileID,
    line: UInt = #line
) where V.Element == M.Element {
    var target = a.viewForWriting()
    combine("add", .add, column: column.span, &target, workers.lanePool, file, line)
}

/// b[i, j] = a[i, j] - row[j].
///
/// - Precondition: `row` has as many elements as `a` has columns, and `b` has the shape of `a`.
@inlinable
public func subtract<
    A: MatrixOperand & ~Copyable & ~Escapable, V: LaneOperand & ~Copyable & ~Escapable,
    M: MutableMatrixOperand & ~Copyable & ~Escapable
>(
    _ a: borrowing A, row: borrowing V, into b: inout M, on workers: some Workers = CallingThread(),
    file: StaticString = #fileID, line: UInt = #line
) where A.Element == M.Element, V.Element == M.Element {
    var target = b.viewForWriting()
    combine("subtract", .subtract, a.storedView, row: row.span, &target, workers.lanePool, file, line)
}

/// The same in place.
@inlinable public func subtract<M: MutableMatrixOperand & ~Copyable & ~Escapable, V: LaneOperand & ~Copyable & ~Escapable>(
    _ a: inout M, row: borrowing V, on workers: some Workers = CallingThread(), file: StaticString = #fileID, line: UInt = #line
) where V.Element == M.Element {
    var target = a.viewForWriting()
    combine("subtract", .subtract, row: row.span, &target, workers.lanePool, file, line)
}

/// b[i, j] = a[i, j] - column[i].
///
/// - Precondition: `column` has as many elements as `a` has rows, and `b` has the shape of `a`.
@inlinable
public func subtract<
    A: MatrixOperand & ~Copyable & ~Escapable, V: LaneOperand & ~Copyable & ~Escapable,
    M: MutableMatrixOperand & ~Copyable & ~Escapable
>(
    _ a: borrowing A, column: borrowing V, into b: inout M, on workers: some Workers = CallingThread(),
    file: StaticString = #fileID, line: UInt = #line
) where A.Element == M.Element, V.Element == M.Element {
    var target = b.viewForWriting()
    combine("subtract", .subtract, a.storedView, column: column.span, &target, workers.lanePool, file, line)
}

/// The same in place.
@inlinable public func subtract<M: MutableMatrixOperand & ~Copyable & ~Escapable, V: LaneOperand & ~Copyable & ~Escapable>(
    _ a: inout M, column: borrowing V, on workers: some Workers = CallingThread(), file: StaticString = #fileID,
    line: UInt = #line
) where V.Element == M.Element {
    var target = a.viewForWriting()
    combine("subtract", .subtract, column: column.span, &target, workers.lanePool, file, line)
}

/// b[i, j] = a[i, j] · row[j].
///
/// - Precondition: `row` has as many elements as `a` has columns, and `b` has the shape of `a`.
@inlinable
public func multiply<
    A: MatrixOperand & ~Copyable & ~Escapable, V: LaneOperand & ~Copyable & ~Escapable,
    M: MutableMatrixOperand & ~Copyable & ~Escapable
>(
    _ a: borrowing A, row: borrowing V, into b: inout M, on workers: some Workers = CallingThread(),
    file: StaticString = #fileID, line: UInt = #line
) where A.Element == M.Element, V.Element == M.Element {
    var target = b.viewForWriting()
    combine("multiply", .multiply, a.storedView, row: row.span, &target, workers.lanePool, file, line)
}

/// The same in place.
@inlinable public func multiply<M: MutableMatrixOperand & ~Copyable & ~Escapable, V: LaneOperand & ~Copyable & ~Escapable>(
    _ a: inout M, row: borrowing V, on workers: some Workers = CallingThread(), file: StaticString = #fileID, line: UInt = #line
) where V.Element == M.Element {
    var target = a.viewForWriting()
    combine("multiply", .multiply, row: row.span, &target, workers.lanePool, file, line)
}

/// b[i, j] = a[i, j] · column[i].
///
/// - Precondition: `column` has as many elements as `a` has rows, and `b` has the shape of `a`.
@inlinable
public func multiply<
    A: MatrixOperand & ~Copyable & ~Escapable, V: LaneOperand & ~Copyable & ~Escapable,
    M: MutableMatrixOperand & ~Copyable & ~Escapable
>(
    _ a: borrowing A, column: borrowing V, into b: inout M, on workers: some Workers = CallingThread(),
    file: StaticString = #fileID, line: UInt = #line
) where A.Element == M.Element, V.Element == M.Element {
    var target = b.viewForWriting()
    combine("multiply", .multiply, a.storedView, column: column.span, &target, workers.lanePool, file, line)
}

/// The same in place.
@inlinable public func multiply<M: MutableMatrixOperand & ~Copyable & ~Escapable, V: LaneOperand & ~Copyable & ~Escapable>(
    _ a: inout M, column: borrowing V, on workers: some Workers = CallingThread(), file: StaticString = #fileID,
    line: UInt = #line
) where V.Element == M.Element {
    var target = a.viewForWriting()
    combine("multiply", .multiply, column: column.span, &target, workers.lanePool, file, line)
}

/// b[i, j] = a[i, j] / row[j].
///
/// - Precondition: `row` has as many elements as `a` has columns, and `b` has the shape of `a`.
@inlinable
public func divide<
    A: MatrixOperand & ~Copyable & ~Escapable, V: LaneOperand & ~Copyable & ~Escapable,
    M: MutableMatrixOperand & ~Copyable & ~Escapable
>(
    _ a: borrowing A, row: borrowing V, into b: inout M, on workers: some Workers = CallingThread(),
    file: StaticString = #fileID, line: UInt = #line
) where A.Element == M.Element, V.Element == M.Element {
    var target = b.viewForWriting()
    combine("divide", .divide, a.storedView, row: row.span, &target, workers.lanePool, file, line)
}

/// The same in place.
@inlinable public func divide<M: MutableMatrixOperand & ~Copyable & ~Escapable, V: LaneOperand & ~Copyable & ~Escapable>(
    _ a: inout M, row: borrowing V, on workers: some Workers = CallingThread(), file: StaticString = #fileID, line: UInt = #line
) where V.Element == M.Element {
    var target = a.viewForWriting()
    combine("divide", .divide, row: row.span, &target, workers.lanePool, file, line)
}

/// b[i, j] = a[i, j] / column[i].
///
/// - Precondition: `column` has as many elements as `a` has rows, and `b` has the shape of `a`.
@inlinable
public func divide<
    A: MatrixOperand & ~Copyable & ~Escapable, V: LaneOperand & ~Copyable & ~Escapable,
    M: MutableMatrixOperand & ~Copyable & ~Escapable
>(
    _ a: borrowing A, column: borrowing V, into b: inout M, on workers: some Workers = CallingThread(),
    file: StaticString = #fileID, line: UInt = #line
) where A.Element == M.Element, V.Element == M.Element {
    var target = b.viewForWriting()
    combine("divide", .divide, a.storedView, column: column.span, &target, workers.lanePool, file, line)
}

/// The same in place.
@inlinable public func divide<M: MutableMatrixOperand & ~Copyable & ~Escapable, V: LaneOperand & ~Copyable & ~Escapable>(
    _ a: inout M, column: borrowing V, on workers: some Workers = CallingThread(), file: StaticString = #fileID,
    line: UInt = #line
) where V.Element == M.Element {
    var target = a.viewForWriting()
    combine("divide", .divide, column: column.span, &target, workers.lanePool, file, line)
}

// MARK: Rows

/// Softmax of each row: y = e / Σ e with e = exp(x - the row's largest element), +0 where that is below e⁻⁸⁷ (`Double`: e⁻⁷⁰⁸).
///
/// - Precondition: `y` has the shape of `x`.
@inlinable public func softmax<A: MatrixOperand & ~Copyable & ~Escapable, M: MutableMatrixOperand & ~Copyable & ~Escapable>(
    _ x: borrowing A, into y: inout M, on workers: some Workers = CallingThread(), file: StaticString = #fileID,
    line: UInt = #line
) where A.Element == M.Element {
    var target = y.viewForWriting()
    transformRows("softmax", .softmax, x.storedView, &target, workers.lanePool, file, line)
}

/// The same in place.
@inlinable public func softmax<M: MutableMatrixOperand & ~Copyable & ~Escapable>(
    _ x: inout M, on workers: some Workers = CallingThread()
) {
    var target = x.viewForWriting()
    transformRows(.softmax, &target, workers.lanePool)
}

/// Log-softmax of each row: y = x - largest - log Σ exp(x - largest).
///
/// - Precondition: `y` has the shape of `x`.
@inlinable public func logSoftmax<A: MatrixOperand & ~Copyable & ~Escapable, M: MutableMatrixOperand & ~Copyable & ~Escapable>(
    _ x: borrowing A, into y: inout M, on workers: some Workers = CallingThread(), file: StaticString = #fileID,
    line: UInt = #line
) where A.Element == M.Element {
    var target = y.viewForWriting()
    transformRows("logSoftmax", .logSoftmax, x.storedView, &target, workers.lanePool, file, line)
}

/// The same in place.
@inlinable public func logSoftmax<M: MutableMatrixOperand & ~Copyable & ~Escapable>(
    _ x: inout M, on workers: some Workers = CallingThread()
) {
    var target = x.viewForWriting()
    transformRows(.logSoftmax, &target, workers.lanePool)
}

/// Layer normalisation of each row: y = (x - mean) / √(variance + epsilon) · scale + shift, with the row's own mean and variance (Ba,
/// Kiros and Hinton, 2016).
///
/// - Parameters:
///   - x: what is normalised.
///   - scale: a factor for each column; nil for 1.
///   - shift: a number added to each column; nil for 0.
///   - epsilon: keeps rows of equal numbers finite.
///   - y: the result.
///   - workers: the calling thread, or a pool.
///   - file: where a misuse is reported.
///   - line: where a misuse is reported.
/// - Precondition: `y` has the shape of `x`; `scale` and `shift` have as many elements as it has columns.
@inlinable public func layerNorm<A: MatrixOperand & ~Copyable & ~Escapable, M: MutableMatrixOperand & ~Copyable & ~Escapable>(
    _ x: borrowing A, scale: Span<A.Element>? = nil, shift: Span<A.Element>? = nil, epsilon: A.Element = 1e-5, into y: inout M,
    on workers: some Workers = CallingThread(), file: StaticString = #fileID, line: UInt = #line
) where A.Element == M.Element {
    var target = y.viewForWriting()
    normalizeRows("layerNorm", x.storedView, scale, shift, epsilon, isCentered: true, &target, workers.lanePool, file, line)
}

/// The same with scale and shift from buffers, arrays or matrices of one row.
@inlinable
public func layerNorm<
    A: MatrixOperand & ~Copyable & ~Escapable, S: LaneOperand & ~Copyable & ~Escapable, T: LaneOperand & ~Copyable & ~Escapable,
    M: MutableMatrixOperand & ~Copyable & ~Escapable
>(
    _ x: borrowing A, scale: borrowing S, shift: borrowing T, epsilon: A.Element = 1e-5, into y: inout M,
    on workers: some Workers = CallingThread(), file: StaticString = #fileID, line: UInt = #line
) where A.Element == M.Element, S.Element == A.Element, T.Element == A.Element {
    var target = y.viewForWriting()
    normalizeRows(
        "layerNorm", x.storedView, scale.span, shift.span, epsilon, isCentered: true, &target, workers.lanePool, file, line)
}

/// Root mean square normalisation of each row: y = x / √(mean of squares + epsilon) · scale (Zhang and Sennrich, 2019).
///
/// - Precondition: `y` has the shape of `x`; `scale` has as many elements as it has columns.
@inlinable public func rmsNorm<A: MatrixOperand & ~Copyable & ~Escapable, M: MutableMatrixOperand & ~Copyable & ~Escapable>(
    _ x: borrowing A, scale: Span<A.Element>? = nil, epsilon: A.Element = 1e-5, into y: inout M,
    on workers: some Workers = CallingThread(), file: StaticString = #fileID, line: UInt = #line
) where A.Element == M.Element {
    var target = y.viewForWriting()
    normalizeRows("rmsNorm", x.storedView, scale, nil, epsilon, isCentered: false, &target, workers.lanePool, file, line)
}

/// The same with a scale from a buffer, an array or a matrix of one row.
@inlinable
public func rmsNorm<
    A: MatrixOperand & ~Copyable & ~Escapable, S: LaneOperand & ~Copyable & ~Escapable,
    M: MutableMatrixOperand & ~Copyable & ~Escapable
>(
    _ x: borrowing A, scale: borrowing S, epsilon: A.Element = 1e-5, into y: inout M,
    on workers: some Workers = CallingThread(),
    file: StaticString = #fileID, line: UInt = #line
) where A.Element == M.Element, S.Element == A.Element {
    var target = y.viewForWriting()
    normalizeRows("rmsNorm", x.storedView, scale.span, nil, epsilon, isCentered: false, &target, workers.lanePool, file, line)
}

// MARK: Transposition

/// b[j, i] = a[i, j], in memory of its own. Products need no such copy: they take `a.transposed`.
///
/// - Precondition: `b` has as many rows as `a` has columns, and as many columns as it has rows.
@inlinable public func transpose<A: MatrixOperand & ~Copyable & ~Escapable, M: MutableMatrixOperand & ~Copyable & ~Escapable>(
    _ a: borrowing A, into b: inout M, on workers: some Workers = CallingThread(), file: StaticString = #fileID,
    line: UInt = #line
) where A.Element == M.Element {
    var target = b.viewForWriting()
    transposeRows(a.storedView, &target, workers.lanePool, file, line)
}

/// The transpose of a matrix in memory of its own. Products need no such copy: they take `a.transposed`.
@inlinable public func transpose<A: MatrixOperand & ~Copyable & ~Escapable>(
    _ a: borrowing A, on workers: some Workers = CallingThread()
) -> Matrix<A.Element> {
    let view = a.storedView
    var b = Matrix<A.Element>(rows: view.columns, columns: view.rows)
    transpose(view, into: &b, on: workers)
    return b
}
