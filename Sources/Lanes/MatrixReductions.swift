internal import CKernels

// Reductions of every row, or of every column, to one number each. A row has the bits of the reduction of a vector; columns are
// reduced in blocks of 256 rows, in ascending order (`ck_matrix.h`): the same bits for any number of lanes.

/// The sum of each row.
@inlinable public func rowSums<A: MatrixOperand & ~Copyable & ~Escapable>(
    _ a: borrowing A, on workers: some Workers = CallingThread()
) -> Buffer<A.Element> {
    reduceRows(.sum, a.storedView, workers.lanePool)
}

/// The mean of each row: its sum over its number of elements.
@inlinable public func rowMeans<A: MatrixOperand & ~Copyable & ~Escapable>(
    _ a: borrowing A, on workers: some Workers = CallingThread()
) -> Buffer<A.Element> {
    let view = a.storedView
    var sums = reduceRows(.sum, view, workers.lanePool)
    divide(&sums, by: A.Element(view.columns))
    return sums
}

/// The sum of the squares of each row, by multiply-adds.
@inlinable public func rowSquareSums<A: MatrixOperand & ~Copyable & ~Escapable>(
    _ a: borrowing A, on workers: some Workers = CallingThread()
) -> Buffer<A.Element> {
    reduceRows(.squareSum, a.storedView, workers.lanePool)
}

/// The 2-norm of each row: the square root of the sum of squares, which overflows where a square does.
@inlinable public func rowNorms<A: MatrixOperand & ~Copyable & ~Escapable>(
    _ a: borrowing A, on workers: some Workers = CallingThread()
) -> Buffer<A.Element> {
    var squares = reduceRows(.squareSum, a.storedView, workers.lanePool)
    squareRoot(&squares)
    return squares
}

/// The smallest element of each row that is a number; ∞ where there is none.
@inlinable public func rowMinima<A: MatrixOperand & ~Copyable & ~Escapable>(
    _ a: borrowing A, on workers: some Workers = CallingThread()
) -> Buffer<A.Element> {
    reduceRows(.minimum, a.storedView, workers.lanePool)
}

/// The largest element of each row that is a number; -∞ where there is none.
@inlinable public func rowMaxima<A: MatrixOperand & ~Copyable & ~Escapable>(
    _ a: borrowing A, on workers: some Workers = CallingThread()
) -> Buffer<A.Element> {
    reduceRows(.maximum, a.storedView, workers.lanePool)
}

/// The column of each row's largest element that is a number, the first of equal ones; 0 where there is none.
@inlinable public func rowArgmax<A: MatrixOperand & ~Copyable & ~Escapable>(
    _ a: borrowing A, on workers: some Workers = CallingThread()
) -> [Int] {
    find(.maximum, inRows: a.storedView, workers.lanePool)
}

/// The column of each row's smallest element that is a number, the first of equal ones; 0 where there is none.
@inlinable public func rowArgmin<A: MatrixOperand & ~Copyable & ~Escapable>(
    _ a: borrowing A, on workers: some Workers = CallingThread()
) -> [Int] {
    find(.minimum, inRows: a.storedView, workers.lanePool)
}

/// The sum of each column.
@inlinable public func columnSums<A: MatrixOperand & ~Copyable & ~Escapable>(
    _ a: borrowing A, on workers: some Workers = CallingThread()
) -> Buffer<A.Element> {
    reduceColumns(.sum, a.storedView, workers.lanePool)
}

/// The mean of each column: its sum over its number of elements.
///
/// ```swift
/// subtract(&samples, row: columnMeans(samples))   // centred
/// ```
@inlinable public func columnMeans<A: MatrixOperand & ~Copyable & ~Escapable>(
    _ a: borrowing A, on workers: some Workers = CallingThread()
) -> Buffer<A.Element> {
    let view = a.storedView
    var sums = reduceColumns(.sum, view, workers.lanePool)
    divide(&sums, by: A.Element(view.rows))
    return sums
}

/// The sum of the squares of each column, by multiply-adds.
@inlinable public func columnSquareSums<A: MatrixOperand & ~Copyable & ~Escapable>(
    _ a: borrowing A, on workers: some Workers = CallingThread()
) -> Buffer<A.Element> {
    reduceColumns(.squareSum, a.storedView, workers.lanePool)
}

/// The 2-norm of each column: the square root of the sum of squares, which overflows where a square does.
@inlinable public func columnNorms<A: MatrixOperand & ~Copyable & ~Escapable>(
    _ a: borrowing A, on workers: some Workers = CallingThread()
) -> Buffer<A.Element> {
    var squares = reduceColumns(.squareSum, a.storedView, workers.lanePool)
    squareRoot(&squares)
    return squares
}

/// The smallest element of each column that is a number; ∞ where there is none.
@inlinable public func columnMinima<A: MatrixOperand & ~Copyable & ~Escapable>(
    _ a: borrowing A, on workers: some Workers = CallingThread()
) -> Buffer<A.Element> {
    reduceColumns(.minimum, a.storedView, workers.lanePool)
}

/// The largest element of each column that is a number; -∞ where there is none.
@inlinable public func columnMaxima<A: MatrixOperand & ~Copyable & ~Escapable>(
    _ a: borrowing A, on workers: some Workers = CallingThread()
) -> Buffer<A.Element> {
    reduceColumns(.maximum, a.storedView, workers.lanePool)
}

/// The row of each column's largest element that is a number, the first of equal ones; 0 where there is none.
@inlinable public func columnArgmax<A: MatrixOperand & ~Copyable & ~Escapable>(
    _ a: borrowing A, on workers: some Workers = CallingThread()
) -> [Int] {
    find(.maximum, inColumns: a.storedView, workers.lanePool)
}

/// The row of each column's smallest element that is a number, the first of equal ones; 0 where there is none.
@inlinable public func columnArgmin<A: MatrixOperand & ~Copyable & ~Escapable>(
    _ a: borrowing A, on workers: some Workers = CallingThread()
) -> [Int] {
    find(.minimum, inColumns: a.storedView, workers.lanePool)
}

// MARK: How they are done

@usableFromInline internal enum MatrixReduction: Sendable {
    case sum, squareSum, minimum, maximum

    fileprivate var ck: ck_reduction {
        switch self {
        case .sum: CK_SUM
        case .squareSum: CK_SQUARE_SUM
        case .minimum: CK_MINIMUM
        case .maximum: CK_MAXIMUM
        }
    }
}

@usableFromInline internal func reduceRows<Element: LaneElement>(
    _ reduction: MatrixReduction, _ a: MatrixView<Element>, _ pool: LanePool
) -> Buffer<Element> {
    let results = Buffer<Element>(count: a.rows)
    nonisolated(unsafe) let (kernels, from, to) = unsafe (Element.laneKernels.matrix, a.base, results.base)
    let (columns, stride) = (a.columns, a.leadingDimension)
    // A row without elements has a result too.
    guard columns > 0 else {
        unsafe kernels.pointee.reduce_rows(reduction.ck, Int64(a.rows), 0, from, Int64(stride), to)
        return results
    }
    forEachRows(a.rows, columns, pool) { range in
        unsafe kernels.pointee.reduce_rows(
            reduction.ck, Int64(range.count), Int64(columns), from + range.lowerBound * stride, Int64(stride),
            to + range.lowerBound)
    }
    return results
}

@usableFromInline internal func reduceColumns<Element: LaneElement>(
    _ reduction: MatrixReduction, _ a: MatrixView<Element>, _ pool: LanePool
) -> Buffer<Element> {
    let results = Buffer<Element>(count: a.columns)
    let blockRows = Int(CK_MATRIX_BLOCK)
    let blocks = a.rows / blockRows + (a.rows % blockRows == 0 ? 0 : 1)
    nonisolated(unsafe) let (kernels, from) = unsafe (Element.laneKernels.matrix, a.base)
    let (rows, columns, stride) = (a.rows, a.columns, a.leadingDimension)
    guard unsafe pool.pool != nil && blocks >= 2 else {
        unsafe kernels.pointee.reduce_columns(reduction.ck, Int64(rows), Int64(columns), from, Int64(stride), results.base)
        return results
    }
    // A row of results for each block, joined in ascending order as the kernel does.
    let parts = Buffer<Element>(count: blocks * columns)
    nonisolated(unsafe) let to = unsafe parts.base
    pool.run(over: rows, grain: blockRows, elements: rows * columns) { range in
        for start in Swift.stride(from: range.lowerBound, to: range.upperBound, by: blockRows) {
            let end = min(start + blockRows, range.upperBound)
            unsafe kernels.pointee.reduce_columns(
                reduction.ck, Int64(end - start), Int64(columns), from + start * stride, Int64(stride),
                to + start / blockRows * columns)
        }
    }
    let vector = unsafe Element.laneKernels.vector
    unsafe vector.pointee.copy(Int64(columns), parts.base, results.base, false)
    for block in 1..<blocks {
        let part = unsafe parts.base + block * columns
        switch reduction {
        case .sum, .squareSum: unsafe vector.pointee.add(Int64(columns), results.base, part, results.base, false)
        case .minimum: unsafe vector.pointee.smaller(Int64(columns), part, results.base, results.base, false)
        case .maximum: unsafe vector.pointee.larger(Int64(columns), part, results.base, results.base, false)
        }
    }
    return results
}

@usableFromInline internal func find<Element: LaneElement>(
    _ reduction: MatrixReduction, inRows a: MatrixView<Element>, _ pool: LanePool
) -> [Int] {
    let values = reduceRows(reduction, a, pool)
    nonisolated(unsafe) let (kernels, from, wanted) = unsafe (Element.laneKernels.matrix, a.base, UnsafePointer(values.base))
    let (columns, stride) = (a.columns, a.leadingDimension)
    return unsafe positions(a.rows) { positions in
        nonisolated(unsafe) let to = unsafe positions
        forEachRows(a.rows, columns, pool) { range in
            unsafe kernels.pointee.find_in_rows(
                Int64(range.count), Int64(columns), from + range.lowerBound * stride, Int64(stride),
                wanted + range.lowerBound, to + range.lowerBound)
        }
    }
}

@usableFromInline internal func find<Element: LaneElement>(
    _ reduction: MatrixReduction, inColumns a: MatrixView<Element>, _ pool: LanePool
) -> [Int] {
    let values = reduceColumns(reduction, a, pool)
    return unsafe positions(a.columns) { positions in
        unsafe Element.laneKernels.matrix.pointee.find_in_columns(
            Int64(a.rows), Int64(a.columns), a.base, Int64(a.leadingDimension), values.base, positions)
    }
}

// Positions that `body` writes; 0 where it found none.
@unsafe private func positions(_ count: Int, _ body: (UnsafeMutablePointer<Int64>) -> Void) -> [Int] {
    unsafe withUnsafeTemporaryAllocation(of: Int64.self, capacity: max(count, 1)) { found in
        unsafe found.initialize(repeating: -1)
        unsafe body(found.baseAddress!)
        return unsafe found.prefix(count).map { max(0, Int($0)) }
    }
}

/// Calls `body` with ranges of rows, on several lanes where their elements are enough to share. Rows without elements are nothing to do,
/// however many there are.
internal func forEachRows(_ rows: Int, _ columns: Int, _ pool: LanePool, _ body: @Sendable (Range<Int>) -> Void) {
    guard columns > 0 else { return }
    pool.run(over: rows, grain: max(1, Int(CK_VECTOR_CHUNK) / max(1, columns)), elements: rows * columns, body)
}
