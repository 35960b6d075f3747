internal import CKernels

// The one call that all products come to.

@usableFromInline
internal func checkedLeadingDimension(
    _ name: String, _ rows: Int, _ columns: Int, _ given: Int?, _ count: Int, _ file: StaticString, _ line: UInt
) -> Int {
    let leadingDimension = given ?? columns
    guard leadingDimension >= columns else {
        stop(
            "multiply: \(name) is stored \(rows) x \(columns), its leading dimension \(leadingDimension) is too small", file,
            line)
    }
    if rows > 0 && columns > 0 {
        let (lastRow, overflow) = (rows - 1).multipliedReportingOverflow(by: leadingDimension)
        guard !overflow && lastRow <= count - columns else {
            stop(
                "multiply: \(name) is stored \(rows) x \(columns) with leading dimension \(leadingDimension), the span has \(count) elements",
                file, line)
        }
    }
    return leadingDimension
}

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

private func overlap(_ name: String, _ file: StaticString, _ line: UInt) -> Never {
    stop("multiply: C overlaps \(name), which would be overwritten while it is read", file, line)
}

// The span outlives the call that it is an argument of.
private func checkedBase<Element: LaneElement>(
    _ bias: Span<Element>?, _ axis: BiasAxis, _ rows: Int, _ columns: Int, _ file: StaticString, _ line: UInt
) -> UnsafeRawPointer? {
    guard let bias else { return nil }
    let expected = axis == .perColumn ? columns : rows
    guard bias.count == expected else {
        stop(
            "multiply: a bias of \(bias.count) elements does not fit \(axis == .perColumn ? "the columns" : "the rows") of C (\(rows) x \(columns))",
            file, line)
    }
    return unsafe bias.withUnsafeBufferPointer { unsafe UnsafeRawPointer($0.baseAddress) }
}

@_specialize(where Element == Float)
@_specialize(where Element == Double)
@usableFromInline internal func product<Element: LaneElement>(
    _ a: MatrixView<Element>, _ transposeA: Bool, _ b: MatrixView<Element>, _ transposeB: Bool,
    into c: inout MutableMatrixView<Element>, _ alpha: Element, _ beta: Element, _ bias: Span<Element>?, _ biasAxis: BiasAxis,
    _ relu: Bool, _ pool: LanePool, _ file: StaticString, _ line: UInt
) {
    let biasBase = unsafe checkedBase(bias, biasAxis, c.rows, c.columns, file, line)
    unsafe multiply(
        Operand(a.base, a.rows, a.columns, a.leadingDimension), Operand(b.base, b.rows, b.columns, b.leadingDimension),
        into: Operand(c.base, c.rows, c.columns, c.leadingDimension), transposeA, transposeB, alpha, beta, biasBase, biasAxis,
        relu, isPacked: false, pool.pool, file, line)
}

@_specialize(where Element == Float)
@_specialize(where Element == Double)
@usableFromInline internal func product<Element: LaneElement>(
    _ a: MatrixView<Element>, _ transposeA: Bool, _ b: borrowing PackedMatrix<Element>,
    into c: inout MutableMatrixView<Element>,
    _ alpha: Element, _ beta: Element, _ bias: Span<Element>?, _ biasAxis: BiasAxis, _ relu: Bool, _ pool: LanePool,
    _ file: StaticString, _ line: UInt
) {
    let biasBase = unsafe checkedBase(bias, biasAxis, c.rows, c.columns, file, line)
    unsafe multiply(
        Operand(a.base, a.rows, a.columns, a.leadingDimension), Operand(b.buffer.base, b.rows, b.columns, max(b.columns, 1)),
        into: Operand(c.base, c.rows, c.columns, c.leadingDimension), transposeA, false, alpha, beta, biasBase, biasAxis, relu,
        isPacked: true, pool.pool, file, line)
}

private func multiply<Element: LaneElement>(
    _ a: Operand, _ b: Operand, into c: Operand, _ transposeA: Bool, _ transposeB: Bool, _ alpha: Element, _ beta: Element,
    _ bias: UnsafeRawPointer?, _ biasAxis: BiasAxis, _ relu: Bool, isPacked: Bool, _ pool: OpaquePointer?,
    _ file: StaticString, _ line: UInt
) {
    let m = unsafe transposeA ? a.columns : a.rows
    let k = unsafe transposeA ? a.rows : a.columns
    let bRows = unsafe transposeB ? b.columns : b.rows
    let n = unsafe transposeB ? b.rows : b.columns
    guard unsafe k == bRows && m == c.rows && n == c.columns else {
        unsafe shapeMismatch(m, k, bRows, n, c.rows, c.columns, file, line)
    }
    let size = MemoryLayout<Element>.stride
    if unsafe c.mayOverlap(a, size) && alpha != 0 && c.overlaps(a, size) { overlap("A", file, line) }
    if unsafe !isPacked && c.mayOverlap(b, size) && alpha != 0 && c.overlaps(b, size) { overlap("B", file, line) }
    if let bias = unsafe bias {
        let row = unsafe Operand(bias, 1, biasAxis == .perColumn ? n : m, biasAxis == .perColumn ? n : m)
        if unsafe c.mayOverlap(row, size) && c.overlaps(row, size) { overlap("the bias", file, line) }
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

private func shapeMismatch(
    _ m: Int, _ k: Int, _ bRows: Int, _ n: Int, _ cRows: Int, _ cColumns: Int, _ file: StaticString, _ line: UInt
) -> Never {
    stop(
        k == bRows
            ? "multiply: op(A)·op(B) is \(m) x \(n), C is \(cRows) x \(cColumns)"
            : "multiply: op(A) is \(m) x \(k), op(B) is \(bRows) x \(n): the inner dimensions differ", file, line)
}
