internal import CKernels

// How the operations of MatrixOperations.swift reach the kernels. Operands stay borrowed by the caller, and lanes use rows that do
// not overlap.

@usableFromInline internal enum Combination: Sendable {
    case add, subtract, multiply, divide

    fileprivate var ck: ck_combination {
        switch self {
        case .add: CK_ADD
        case .subtract: CK_SUBTRACT
        case .multiply: CK_MULTIPLY
        case .divide: CK_DIVIDE
        }
    }
}

@usableFromInline internal enum RowTransform: Sendable { case softmax, logSoftmax }

private func requireShape<Element>(
    _ operation: StaticString, _ x: MatrixView<Element>, _ y: borrowing MutableMatrixView<Element>, _ file: StaticString,
    _ line: UInt
) {
    guard x.rows == y.rows && x.columns == y.columns else {
        stop("\(operation): the operand is \(x.rows) x \(x.columns), the result \(y.rows) x \(y.columns)", file, line)
    }
}

private func requireCount(
    _ operation: StaticString, _ name: StaticString, _ count: Int, _ needed: Int, _ side: StaticString, _ file: StaticString,
    _ line: UInt
) {
    guard count == needed else {
        stop("\(operation): \(name) has \(count) elements, the matrix has \(needed) \(side)", file, line)
    }
}

// The same memory for reading. Kernels take it as both.
private func source<Element>(of target: borrowing MutableMatrixView<Element>) -> MatrixSource<Element> {
    unsafe MatrixSource(base: target.base, rows: target.rows, columns: target.columns, stride: target.leadingDimension)
}

// An operand on its way to the lanes: the caller keeps its memory.
@safe private struct MatrixSource<Element: LaneElement>: @unchecked Sendable {
    let base: UnsafePointer<Element>
    let rows: Int, columns: Int, stride: Int

    init(base: UnsafePointer<Element>, rows: Int, columns: Int, stride: Int) {
        unsafe self.base = unsafe base
        (self.rows, self.columns, self.stride) = (rows, columns, stride)
    }

    init(_ view: MatrixView<Element>) {
        unsafe self.init(base: view.base, rows: view.rows, columns: view.columns, stride: view.leadingDimension)
    }

    func row(_ index: Int) -> UnsafePointer<Element> { unsafe base + index * stride }
}

// MARK: Combinations

@usableFromInline internal func combine<Element: LaneElement>(
    _ operation: StaticString, _ combination: Combination, _ a: MatrixView<Element>, row: Span<Element>,
    _ b: inout MutableMatrixView<Element>, _ pool: LanePool, _ file: StaticString, _ line: UInt
) {
    requireShape(operation, a, b, file, line)
    combine(operation, combination, MatrixSource(a), row: row, &b, pool, file, line)
}

@usableFromInline internal func combine<Element: LaneElement>(
    _ operation: StaticString, _ combination: Combination, row: Span<Element>, _ a: inout MutableMatrixView<Element>,
    _ pool: LanePool, _ file: StaticString, _ line: UInt
) { combine(operation, combination, source(of: a), row: row, &a, pool, file, line) }

private func combine<Element: LaneElement>(
    _ operation: StaticString, _ combination: Combination, _ a: MatrixSource<Element>, row: Span<Element>,
    _ b: inout MutableMatrixView<Element>, _ pool: LanePool, _ file: StaticString, _ line: UInt
) {
    requireCount(operation, "the row", row.count, a.columns, "columns", file, line)
    unsafe row.withUnsafeBufferPointer { row in
        nonisolated(unsafe) let (kernels, values, to) = unsafe (Element.laneKernels.matrix, row.baseAddress, b.base)
        let stride = b.leadingDimension
        forEachRows(a.rows, a.columns, pool) { range in
            let start = range.lowerBound
            unsafe kernels.pointee.combine_row(
                combination.ck, Int64(range.count), Int64(a.columns), a.row(start), Int64(a.stride), values,
                to + start * stride, Int64(stride))
        }
    }
}

@usableFromInline internal func combine<Element: LaneElement>(
    _ operation: StaticString, _ combination: Combination, _ a: MatrixView<Element>, column: Span<Element>,
    _ b: inout MutableMatrixView<Element>, _ pool: LanePool, _ file: StaticString, _ line: UInt
) {
    requireShape(operation, a, b, file, line)
    combine(operation, combination, MatrixSource(a), column: column, &b, pool, file, line)
}

@usableFromInline internal func combine<Element: LaneElement>(
    _ operation: StaticString, _ combination: Combination, column: Span<Element>, _ a: inout MutableMatrixView<Element>,
    _ pool: LanePool, _ file: StaticString, _ line: UInt
) { combine(operation, combination, source(of: a), column: column, &a, pool, file, line) }

private func combine<Element: LaneElement>(
    _ operation: StaticString, _ combination: Combination, _ a: MatrixSource<Element>, column: Span<Element>,
    _ b: inout MutableMatrixView<Element>, _ pool: LanePool, _ file: StaticString, _ line: UInt
) {
    requireCount(operation, "the column", column.count, a.rows, "rows", file, line)
    unsafe column.withUnsafeBufferPointer { column in
        guard let first = column.baseAddress else { return }
        nonisolated(unsafe) let (kernels, values, to) = unsafe (Element.laneKernels.matrix, first, b.base)
        let stride = b.leadingDimension
        forEachRows(a.rows, a.columns, pool) { range in
            let start = range.lowerBound
            unsafe kernels.pointee.combine_column(
                combination.ck, Int64(range.count), Int64(a.columns), a.row(start), Int64(a.stride), values + start,
                to + start * stride, Int64(stride))
        }
    }
}

// MARK: Rows

@usableFromInline internal func transformRows<Element: LaneElement>(
    _ operation: StaticString, _ transform: RowTransform, _ x: MatrixView<Element>, _ y: inout MutableMatrixView<Element>,
    _ pool: LanePool, _ file: StaticString, _ line: UInt
) {
    requireShape(operation, x, y, file, line)
    transformRows(transform, MatrixSource(x), &y, pool)
}

@usableFromInline internal func transformRows<Element: LaneElement>(
    _ transform: RowTransform, _ x: inout MutableMatrixView<Element>, _ pool: LanePool
) { transformRows(transform, source(of: x), &x, pool) }

private func transformRows<Element: LaneElement>(
    _ transform: RowTransform, _ x: MatrixSource<Element>, _ y: inout MutableMatrixView<Element>, _ pool: LanePool
) {
    nonisolated(unsafe) let (kernels, to) = unsafe (Element.laneKernels.matrix, y.base)
    let stride = y.leadingDimension
    forEachRows(x.rows, x.columns, pool) { range in
        let kernel = unsafe transform == .softmax ? kernels.pointee.softmax! : kernels.pointee.log_softmax!
        unsafe kernel(
            Int64(range.count), Int64(x.columns), x.row(range.lowerBound), Int64(x.stride), to + range.lowerBound * stride,
            Int64(stride))
    }
}

// rmsNorm where shift is nil and `isCentered` false.
@usableFromInline internal func normalizeRows<Element: LaneElement>(
    _ operation: StaticString, _ view: MatrixView<Element>, _ scale: Span<Element>?, _ shift: Span<Element>?,
    _ epsilon: Element,
    isCentered: Bool, _ y: inout MutableMatrixView<Element>, _ pool: LanePool, _ file: StaticString, _ line: UInt
) {
    requireShape(operation, view, y, file, line)
    let x = MatrixSource(view)
    if let scale { requireCount(operation, "scale", scale.count, x.columns, "columns", file, line) }
    if let shift { requireCount(operation, "shift", shift.count, x.columns, "columns", file, line) }
    // The spans outlive the call that they are arguments of.
    nonisolated(unsafe) let (factors, added) = unsafe (address(scale), address(shift))
    nonisolated(unsafe) let (kernels, to) = unsafe (Element.laneKernels.matrix, y.base)
    let stride = y.leadingDimension
    forEachRows(x.rows, x.columns, pool) { range in
        let start = range.lowerBound
        let (rows, columns) = (Int64(range.count), Int64(x.columns))
        if isCentered {
            unsafe kernels.pointee.layer_norm(
                rows, columns, x.row(start), Int64(x.stride), Double(epsilon), factors, added, to + start * stride,
                Int64(stride))
        } else {
            unsafe kernels.pointee.rms_norm(
                rows, columns, x.row(start), Int64(x.stride), Double(epsilon), factors, to + start * stride, Int64(stride))
        }
    }
}

@usableFromInline internal func transposeRows<Element: LaneElement>(
    _ view: MatrixView<Element>, _ b: inout MutableMatrixView<Element>, _ pool: LanePool, _ file: StaticString, _ line: UInt
) {
    guard view.rows == b.columns && view.columns == b.rows else {
        stop("transpose: the operand is \(view.rows) x \(view.columns), the result \(b.rows) x \(b.columns)", file, line)
    }
    let a = MatrixSource(view)
    nonisolated(unsafe) let (kernels, to) = unsafe (Element.laneKernels.matrix, b.base)
    let stride = b.leadingDimension
    forEachRows(a.rows, a.columns, pool) { range in
        unsafe kernels.pointee.transpose(
            Int64(range.count), Int64(a.columns), a.row(range.lowerBound), Int64(a.stride), to + range.lowerBound, Int64(stride)
        )
    }
}

private func address<Element>(_ span: Span<Element>?) -> UnsafePointer<Element>? {
    guard let span else { return nil }
    return unsafe span.withUnsafeBufferPointer { $0.baseAddress }
}
