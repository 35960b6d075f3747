/// An owned row-major matrix: element (i, j) stands at `i * columns + j` of one aligned buffer.
///
/// ```swift
/// let a = Matrix<Float>(rows: 2, columns: 3, [1, 2, 3, 4, 5, 6])
/// let b = Matrix<Float>(rows: 3, columns: 2, [1, 0, 0, 1, 1, 1])
/// var c = Matrix<Float>(rows: 2, columns: 2)
/// multiply(a, b, into: &c)   // [4, 5, 10, 11]
/// ```
public struct Matrix<Element: LaneElement>: ~Copyable, Sendable {
    /// Number of rows.
    public let rows: Int
    /// Number of columns, which is also the leading dimension.
    public let columns: Int
    /// The elements, row after row.
    public internal(set) var buffer: Buffer<Element>

    /// A matrix of zeros.
    ///
    /// - Precondition: neither size is negative, and the elements fit in memory.
    public init(rows: Int, columns: Int) {
        self.init(rows: rows, columns: columns, repeating: 0)
    }

    /// A matrix whose elements all have one value.
    public init(rows: Int, columns: Int, repeating value: Element) {
        let count = Matrix.count(rows, columns)
        self.rows = rows
        self.columns = columns
        self.buffer = Buffer(repeating: value, count: count)
    }

    /// A matrix with the given elements, row after row.
    ///
    /// - Precondition: there are `rows * columns` elements.
    public init(rows: Int, columns: Int, _ elements: [Element]) {
        guard elements.count == Matrix.count(rows, columns) else {
            stop("Matrix: \(elements.count) elements do not fill \(rows) x \(columns)")
        }
        self.rows = rows
        self.columns = columns
        self.buffer = Buffer(elements)
    }

    private static func count(_ rows: Int, _ columns: Int) -> Int {
        guard rows >= 0 && columns >= 0 else { stop("Matrix: a negative size (\(rows) x \(columns))") }
        let (count, overflow) = rows.multipliedReportingOverflow(by: columns)
        guard !overflow else { stop("Matrix: \(rows) x \(columns) elements do not fit in memory") }
        return count
    }

    /// The element in a row and a column.
    public subscript(row: Int, column: Int) -> Element {
        get {
            guard contains(row, column) else { stop("Matrix: (\(row), \(column)) is not in \(rows) x \(columns)") }
            return unsafe buffer.base[row * columns + column]
        }
        set {
            guard contains(row, column) else { stop("Matrix: (\(row), \(column)) is not in \(rows) x \(columns)") }
            unsafe buffer.base[row * columns + column] = newValue
        }
    }

    private borrowing func contains(_ row: Int, _ column: Int) -> Bool {
        row >= 0 && row < rows && column >= 0 && column < columns
    }

    /// The elements in an array, row after row.
    public var elements: [Element] { buffer.elements }

    /// Calls `body` with a view of the whole matrix, or of the given rows and columns.
    ///
    /// The view must not leave the closure.
    public borrowing func withView<Result: ~Copyable, Failure: Error>(
        rows rowRange: Range<Int>? = nil, columns columnRange: Range<Int>? = nil,
        _ body: (MatrixView<Element>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try unsafe body(view.part(rows: rowRange ?? 0..<rows, columns: columnRange ?? 0..<columns))
    }

    /// Calls `body` with a view for writing, of the whole matrix or of the given rows and columns.
    ///
    /// The view must not leave the closure.
    public mutating func withMutableView<Result: ~Copyable, Failure: Error>(
        rows rowRange: Range<Int>? = nil, columns columnRange: Range<Int>? = nil,
        _ body: (MutableMatrixView<Element>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let part = unsafe view.part(rows: rowRange ?? 0..<rows, columns: columnRange ?? 0..<columns)
        return try unsafe body(
            MutableMatrixView(
                base: UnsafeMutablePointer(mutating: part.base), rows: part.rows, columns: part.columns,
                leadingDimension: part.leadingDimension))
    }

    // Valid while this matrix is borrowed.
    internal var view: MatrixView<Element> {
        unsafe MatrixView(base: UnsafePointer(buffer.base), rows: rows, columns: columns, leadingDimension: max(columns, 1))
    }
}

/// A borrowed row-major matrix in somebody else's memory: element (i, j) stands at `base[i * leadingDimension + j]`.
///
/// A view does not own or keep its memory: it is valid only while the owner says so, such as inside
/// ``Matrix/withView(rows:columns:_:)``. That is why it is marked unsafe.
@unsafe public struct MatrixView<Element: LaneElement> {
    /// Where element (0, 0) stands.
    public let base: UnsafePointer<Element>
    /// Rows, m of an m x n matrix.
    public let rows: Int
    /// Columns, n of an m x n matrix.
    public let columns: Int
    /// Elements from the start of one row to the start of the next.
    public let leadingDimension: Int

    /// A view of memory that the caller keeps alive.
    ///
    /// - Precondition: no size is negative and `leadingDimension >= columns`.
    public init(base: UnsafePointer<Element>, rows: Int, columns: Int, leadingDimension: Int) {
        guard rows >= 0 && columns >= 0 && leadingDimension >= columns else {
            stop("MatrixView: \(rows) x \(columns) with leading dimension \(leadingDimension)")
        }
        unsafe self.base = unsafe base
        unsafe self.rows = rows
        unsafe self.columns = columns
        unsafe self.leadingDimension = max(leadingDimension, 1)
    }

    /// The view of some rows and columns of this one.
    ///
    /// - Precondition: the ranges lie inside the view.
    public func part(rows rowRange: Range<Int>, columns columnRange: Range<Int>) -> MatrixView {
        guard
            unsafe rowRange.lowerBound >= 0 && rowRange.upperBound <= rows && columnRange.lowerBound >= 0
                && columnRange.upperBound <= columns
        else { stop(unsafe "MatrixView: rows \(rowRange) and columns \(columnRange) are not inside \(rows) x \(columns)") }
        return unsafe MatrixView(
            base: base + (rowRange.lowerBound * leadingDimension + columnRange.lowerBound), rows: rowRange.count,
            columns: columnRange.count, leadingDimension: leadingDimension)
    }
}

/// A borrowed row-major matrix for writing; see ``MatrixView``.
@unsafe public struct MutableMatrixView<Element: LaneElement> {
    /// Where element (0, 0) stands.
    public let base: UnsafeMutablePointer<Element>
    /// Rows, m of an m x n matrix.
    public let rows: Int
    /// Columns, n of an m x n matrix.
    public let columns: Int
    /// Elements from the start of one row to the start of the next.
    public let leadingDimension: Int

    /// A view of memory that the caller keeps alive and that nothing else uses meanwhile.
    ///
    /// - Precondition: no size is negative and `leadingDimension >= columns`.
    public init(base: UnsafeMutablePointer<Element>, rows: Int, columns: Int, leadingDimension: Int) {
        guard rows >= 0 && columns >= 0 && leadingDimension >= columns else {
            stop("MutableMatrixView: \(rows) x \(columns) with leading dimension \(leadingDimension)")
        }
        unsafe self.base = unsafe base
        unsafe self.rows = rows
        unsafe self.columns = columns
        unsafe self.leadingDimension = max(leadingDimension, 1)
    }
}
