/// What a matrix product reads: a matrix, a view of one, or the transpose of either.
public protocol ProductOperand: ~Copyable, ~Escapable {
    /// The type of the elements.
    associatedtype Element: LaneElement
    /// The matrix as it stands in memory.
    var storedView: MatrixView<Element> { @_lifetime(borrow self) get }
    /// True where the operand is the transpose of what stands in memory.
    var isTransposed: Bool { get }
}

/// What operations on rows and columns read: a matrix, or a view of some of its rows and columns.
public protocol MatrixOperand: ProductOperand, ~Copyable, ~Escapable {}

/// What they write: a matrix, or a view for writing.
public protocol MutableMatrixOperand: MatrixOperand, ~Copyable, ~Escapable {
    /// A view for writing, of everything.
    @_lifetime(&self) mutating func viewForWriting() -> MutableMatrixView<Element>
}

/// A row-major matrix in somebody else's memory: element (i, j) stands `i * leadingDimension + j` elements after the first.
///
/// A view cannot outlive the memory that it shows: the compiler sees to that.
///
/// ```swift
/// multiply(a[rows: 0..<8], w, into: &c)
/// let means = columnMeans(a[columns: 2..<4])
/// ```
@frozen @safe public struct MatrixView<Element: LaneElement>: ~Escapable, BitwiseCopyable {
    /// Where element (0, 0) stands. The memory belongs to what this view depends on.
    @unsafe public let base: UnsafePointer<Element>
    /// Rows, m of an m x n matrix.
    public let rows: Int
    /// Columns, n of an m x n matrix.
    public let columns: Int
    /// Elements from the start of one row to the start of the next.
    public let leadingDimension: Int

    /// A view of memory that the caller keeps alive for longer than the view, which nothing checks.
    ///
    /// - Precondition: no size is negative and `leadingDimension >= columns`.
    @unsafe @_lifetime(immortal)
    public init(
        base: UnsafePointer<Element>, rows: Int, columns: Int, leadingDimension: Int, file: StaticString = #fileID,
        line: UInt = #line
    ) {
        guard rows >= 0 && columns >= 0 && leadingDimension >= columns else {
            stop("MatrixView: \(rows) x \(columns) with leading dimension \(leadingDimension)", file, line)
        }
        unsafe self.base = unsafe base
        self.rows = rows
        self.columns = columns
        self.leadingDimension = max(leadingDimension, 1)
    }

    /// A view of the elements of a span.
    ///
    /// - Precondition: no size is negative, `leadingDimension >= columns`, and the last row ends inside the span.
    @_lifetime(copy elements)
    public init(
        _ elements: Span<Element>, rows: Int, columns: Int, leadingDimension: Int? = nil, file: StaticString = #fileID,
        line: UInt = #line
    ) {
        let stride = checkedStride("MatrixView", rows, columns, leadingDimension, elements.count, file, line)
        let base = unsafe elements.withUnsafeBufferPointer { unsafe $0.baseAddress ?? somewhere() }
        let view = unsafe MatrixView(base: base, rows: rows, columns: columns, leadingDimension: stride)
        self = unsafe _overrideLifetime(view, copying: elements)
    }

    /// The view of some rows and columns of this one.
    ///
    /// - Precondition: the ranges lie inside the view.
    @_lifetime(copy self)
    public func part(
        rows rowRange: Range<Int>, columns columnRange: Range<Int>, file: StaticString = #fileID, line: UInt = #line
    ) -> MatrixView {
        guard
            rowRange.lowerBound >= 0 && rowRange.upperBound <= rows && columnRange.lowerBound >= 0
                && columnRange.upperBound <= columns
        else { stop("MatrixView: rows \(rowRange) and columns \(columnRange) are not inside \(rows) x \(columns)", file, line) }
        let view = unsafe MatrixView(
            base: base + (rowRange.lowerBound * leadingDimension + columnRange.lowerBound), rows: rowRange.count,
            columns: columnRange.count, leadingDimension: leadingDimension)
        return unsafe _overrideLifetime(view, copying: self)
    }

    /// The view of some rows.
    ///
    /// - Precondition: the range lies inside the view.
    public subscript(rows range: Range<Int>, file: StaticString = #fileID, line: UInt = #line) -> MatrixView {
        @_lifetime(copy self) get { part(rows: range, columns: 0..<columns, file: file, line: line) }
    }

    /// The view of some columns.
    ///
    /// - Precondition: the range lies inside the view.
    public subscript(columns range: Range<Int>, file: StaticString = #fileID, line: UInt = #line) -> MatrixView {
        @_lifetime(copy self) get { part(rows: 0..<rows, columns: range, file: file, line: line) }
    }

    /// The view of a block: some columns of some rows.
    ///
    /// - Precondition: the ranges lie inside the view.
    public subscript(
        rows rowRange: Range<Int>, columns columnRange: Range<Int>, file: StaticString = #fileID, line: UInt = #line
    ) -> MatrixView {
        @_lifetime(copy self) get { part(rows: rowRange, columns: columnRange, file: file, line: line) }
    }

    /// The element in a row and a column.
    ///
    /// - Precondition: the view has both.
    @inlinable public subscript(row: Int, column: Int, file: StaticString = #fileID, line: UInt = #line) -> Element {
        if row < 0 || row >= rows || column < 0 || column >= columns { isOutside(row, column, rows, columns, file, line) }
        return unsafe base[row * leadingDimension + column]
    }

    /// The elements of a row.
    ///
    /// - Precondition: `0 <= row < rows`.
    @_lifetime(copy self)
    public func row(_ row: Int, file: StaticString = #fileID, line: UInt = #line) -> Span<Element> {
        guard row >= 0 && row < rows else { isOutside(row, 0, rows, columns, file, line) }
        let span = unsafe Span(_unsafeStart: base + row * leadingDimension, count: columns)
        return unsafe _overrideLifetime(span, copying: self)
    }

    /// The transpose, for products.
    public var transposed: TransposedMatrix<Element> { @_lifetime(copy self) get { TransposedMatrix(of: self) } }

    /// A matrix with the same elements in memory of its own.
    public func copy() -> Matrix<Element> { Matrix(copying: self) }

    /// The elements in an array, row after row.
    public var elements: [Element] {
        var all: [Element] = []
        all.reserveCapacity(rows * columns)
        for index in 0..<rows { unsafe all += UnsafeBufferPointer(start: base + index * leadingDimension, count: columns) }
        return all
    }
}

extension MatrixView: MatrixOperand {
    /// Itself.
    @inlinable public var storedView: MatrixView { @_lifetime(copy self) get { self } }
    /// Never.
    @inlinable public var isTransposed: Bool { false }
}

// Reading is all that a view can do, and its owner is borrowed meanwhile.
extension MatrixView: @unchecked Sendable {}

/// A matrix for products in which its rows are columns: nothing is moved in memory.
@frozen public struct TransposedMatrix<Element: LaneElement>: ~Escapable, BitwiseCopyable, Sendable, ProductOperand {
    /// The matrix as it stands in memory.
    public let storedView: MatrixView<Element>

    /// The transpose of a view.
    @_lifetime(copy view) @inlinable public init(of view: MatrixView<Element>) { storedView = view }

    /// Always.
    @inlinable public var isTransposed: Bool { true }
    /// Rows of the transpose.
    @inlinable public var rows: Int { storedView.columns }
    /// Columns of the transpose.
    @inlinable public var columns: Int { storedView.rows }
}

/// A row-major matrix for writing in somebody else's memory; see ``MatrixView``.
@frozen @safe public struct MutableMatrixView<Element: LaneElement>: ~Copyable, ~Escapable {
    /// Where element (0, 0) stands. The memory belongs to what this view depends on, which nothing else uses meanwhile.
    @unsafe public let base: UnsafeMutablePointer<Element>
    /// Rows, m of an m x n matrix.
    public let rows: Int
    /// Columns, n of an m x n matrix.
    public let columns: Int
    /// Elements from the start of one row to the start of the next.
    public let leadingDimension: Int

    /// A view of memory that the caller keeps alive for longer than the view and that nothing else uses meanwhile; nothing checks it.
    ///
    /// - Precondition: no size is negative and `leadingDimension >= columns`.
    @unsafe @_lifetime(immortal)
    public init(
        base: UnsafeMutablePointer<Element>, rows: Int, columns: Int, leadingDimension: Int, file: StaticString = #fileID,
        line: UInt = #line
    ) {
        guard rows >= 0 && columns >= 0 && leadingDimension >= columns else {
            stop("MutableMatrixView: \(rows) x \(columns) with leading dimension \(leadingDimension)", file, line)
        }
        unsafe self.base = unsafe base
        self.rows = rows
        self.columns = columns
        self.leadingDimension = max(leadingDimension, 1)
    }

    /// A view of the elements of a span.
    ///
    /// - Precondition: no size is negative, `leadingDimension >= columns`, and the last row ends inside the span.
    @_lifetime(&elements)
    public init(
        _ elements: inout MutableSpan<Element>, rows: Int, columns: Int, leadingDimension: Int? = nil,
        file: StaticString = #fileID, line: UInt = #line
    ) {
        let stride = checkedStride("MutableMatrixView", rows, columns, leadingDimension, elements.count, file, line)
        let base = unsafe elements.withUnsafeMutableBufferPointer { unsafe $0.baseAddress ?? somewhere() }
        let view = unsafe MutableMatrixView(base: base, rows: rows, columns: columns, leadingDimension: stride)
        self = unsafe _overrideLifetime(view, mutating: &elements)
    }

    /// A view for writing of some rows and columns of this one.
    ///
    /// - Precondition: the ranges lie inside the view.
    @_lifetime(&self)
    public mutating func part(
        rows rowRange: Range<Int>, columns columnRange: Range<Int>, file: StaticString = #fileID, line: UInt = #line
    ) -> MutableMatrixView {
        let first = unsafe storedView.part(rows: rowRange, columns: columnRange, file: file, line: line).base
        let view = unsafe MutableMatrixView(
            base: UnsafeMutablePointer(mutating: first), rows: rowRange.count, columns: columnRange.count,
            leadingDimension: leadingDimension)
        return unsafe _overrideLifetime(view, mutating: &self)
    }

    /// The element in a row and a column.
    ///
    /// - Precondition: the view has both.
    @inlinable public subscript(row: Int, column: Int, file: StaticString = #fileID, line: UInt = #line) -> Element {
        get {
            if row < 0 || row >= rows || column < 0 || column >= columns { isOutside(row, column, rows, columns, file, line) }
            return unsafe base[row * leadingDimension + column]
        }
        set {
            if row < 0 || row >= rows || column < 0 || column >= columns { isOutside(row, column, rows, columns, file, line) }
            unsafe base[row * leadingDimension + column] = newValue
        }
    }

    /// The elements of a row for writing.
    ///
    /// - Precondition: `0 <= row < rows`.
    @_lifetime(&self)
    public mutating func row(_ row: Int, file: StaticString = #fileID, line: UInt = #line) -> MutableSpan<Element> {
        guard row >= 0 && row < rows else { isOutside(row, 0, rows, columns, file, line) }
        let span = unsafe MutableSpan(_unsafeStart: base + row * leadingDimension, count: columns)
        return unsafe _overrideLifetime(span, mutating: &self)
    }
}

extension MutableMatrixView: MutableMatrixOperand {
    /// The same for reading.
    @inlinable public var storedView: MatrixView<Element> {
        @_lifetime(borrow self) get {
            let view = unsafe MatrixView(
                base: UnsafePointer(base), rows: rows, columns: columns, leadingDimension: leadingDimension)
            return unsafe _overrideLifetime(view, borrowing: self)
        }
    }
    /// Never.
    @inlinable public var isTransposed: Bool { false }

    /// Itself.
    @_lifetime(&self) public mutating func viewForWriting() -> MutableMatrixView {
        let view = unsafe MutableMatrixView(base: base, rows: rows, columns: columns, leadingDimension: leadingDimension)
        return unsafe _overrideLifetime(view, mutating: &self)
    }
}

@inline(never) @usableFromInline
internal func isOutside(_ row: Int, _ column: Int, _ rows: Int, _ columns: Int, _ file: StaticString, _ line: UInt) -> Never {
    stop("Matrix: (\(row), \(column)) is not in \(rows) x \(columns)", file, line)
}

// The leading dimension of a matrix of so many rows and columns, once it is known to lie within `count` elements.
private func checkedStride(
    _ what: StaticString, _ rows: Int, _ columns: Int, _ given: Int?, _ count: Int, _ file: StaticString, _ line: UInt
) -> Int {
    let stride = given ?? columns
    guard rows >= 0 && columns >= 0 && stride >= columns else {
        stop(
            "\(what): \(rows) x \(columns) with leading dimension \(stride): it must be at least the number of columns", file,
            line)
    }
    if rows > 0 && columns > 0 {
        let (lastRow, overflow) = (rows - 1).multipliedReportingOverflow(by: stride)
        guard !overflow && lastRow <= count - columns else {
            stop("\(what): \(rows) x \(columns) with leading dimension \(stride) are more than \(count) elements", file, line)
        }
    }
    return stride
}

// An address for views of nothing: nobody reads or writes there.
@unsafe private func somewhere<Element>() -> UnsafeMutablePointer<Element> { unsafe UnsafeMutablePointer(bitPattern: 128)! }
@unsafe private func somewhere<Element>() -> UnsafePointer<Element> { unsafe UnsafePointer(bitPattern: 128)! }
