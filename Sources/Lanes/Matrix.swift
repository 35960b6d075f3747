/// An owned row-major matrix: element (i, j) stands at `i * columns + j` of one aligned buffer.
///
/// A matrix is not copied implicitly, only by ``copy()``; it frees its memory when it ends. Types that hold one are noncopyable too
/// (`struct Layer: ~Copyable`) or classes.
///
/// ```swift
/// let a = Matrix<Float>([[1, 2, 3], [4, 5, 6]])
/// let b = Matrix<Float>([[1, 0], [0, 1], [1, 1]])
/// let c = multiply(a, b)            // [[4, 5], [10, 11]]
/// let d = multiply(a.transposed, a) // 3 x 3
/// ```
@frozen public struct Matrix<Element: LaneElement>: ~Copyable, Sendable {
    /// Number of rows.
    public let rows: Int
    /// Number of columns, which is also the leading dimension.
    public let columns: Int
    /// The elements, row after row.
    public internal(set) var buffer: Buffer<Element>

    /// A matrix of zeros.
    ///
    /// - Precondition: neither size is negative, and the elements fit in memory.
    public init(rows: Int, columns: Int, file: StaticString = #fileID, line: UInt = #line) {
        self.init(rows: rows, columns: columns, repeating: 0, file: file, line: line)
    }

    /// A matrix whose elements all have one value.
    public init(rows: Int, columns: Int, repeating value: Element, file: StaticString = #fileID, line: UInt = #line) {
        let count = Matrix.count(rows, columns, file, line)
        self.rows = rows
        self.columns = columns
        self.buffer = Buffer(repeating: value, count: count)
    }

    /// A matrix with the given elements, row after row.
    ///
    /// - Precondition: there are `rows * columns` elements.
    public init(rows: Int, columns: Int, _ elements: [Element], file: StaticString = #fileID, line: UInt = #line) {
        self.init(rows: rows, columns: columns, buffer: Buffer(elements), file: file, line: line)
    }

    /// A matrix whose elements are those of a buffer, row after row, without a copy: placed memory, or that of huge pages, becomes a
    /// matrix.
    ///
    /// - Precondition: the buffer has `rows * columns` elements.
    public init(rows: Int, columns: Int, buffer: consuming Buffer<Element>, file: StaticString = #fileID, line: UInt = #line) {
        guard buffer.count == Matrix.count(rows, columns, file, line) else {
            stop("Matrix: \(buffer.count) elements do not fill \(rows) x \(columns)", file, line)
        }
        self.rows = rows
        self.columns = columns
        self.buffer = buffer
    }

    /// A matrix of rows that are written down: `Matrix([[1, 2], [3, 4]])`.
    ///
    /// - Precondition: all rows are equally long.
    public init(_ rows: [[Element]], file: StaticString = #fileID, line: UInt = #line) {
        let columns = rows.first?.count ?? 0
        if let wrong = rows.firstIndex(where: { $0.count != columns }) {
            stop("Matrix: row \(wrong) has \(rows[wrong].count) elements, row 0 has \(columns)", file, line)
        }
        self.init(rows: rows.count, columns: columns, Array(rows.joined()), file: file, line: line)
    }

    /// A copy of what a view shows.
    public init(copying view: MatrixView<Element>) {
        self.init(rows: view.rows, columns: view.columns)
        for index in 0..<rows {
            unsafe buffer.base.advanced(by: index * columns).update(
                from: view.base + index * view.leadingDimension, count: columns)
        }
    }

    private static func count(_ rows: Int, _ columns: Int, _ file: StaticString, _ line: UInt) -> Int {
        guard rows >= 0 && columns >= 0 else { stop("Matrix: a negative size (\(rows) x \(columns))", file, line) }
        let (count, overflow) = rows.multipliedReportingOverflow(by: columns)
        guard !overflow else { stop("Matrix: \(rows) x \(columns) elements do not fit in memory", file, line) }
        return count
    }

    /// A matrix with the same elements in memory of its own.
    public borrowing func copy() -> Matrix { Matrix(rows: rows, columns: columns, buffer: buffer.copy()) }

    // MARK: Elements

    /// The element in a row and a column.
    ///
    /// - Precondition: the matrix has both.
    @inlinable public subscript(row: Int, column: Int, file: StaticString = #fileID, line: UInt = #line) -> Element {
        get {
            if row < 0 || row >= rows || column < 0 || column >= columns { isOutside(row, column, rows, columns, file, line) }
            return unsafe buffer.base[row * columns + column]
        }
        set {
            if row < 0 || row >= rows || column < 0 || column >= columns { isOutside(row, column, rows, columns, file, line) }
            unsafe buffer.base[row * columns + column] = newValue
        }
    }

    /// The elements in an array, row after row.
    public var elements: [Element] { buffer.elements }

    /// All elements, row after row.
    @inlinable public var span: Span<Element> {
        @_lifetime(borrow self) get {
            let span = unsafe Span(_unsafeStart: UnsafePointer(buffer.base), count: buffer.count)
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }

    /// All elements for changing, row after row.
    @inlinable public var mutableSpan: MutableSpan<Element> {
        @_lifetime(&self) mutating get {
            let span = unsafe MutableSpan(_unsafeStart: buffer.base, count: buffer.count)
            return unsafe _overrideLifetime(span, mutating: &self)
        }
    }

    /// The elements of a row.
    ///
    /// - Precondition: `0 <= row < rows`.
    @_lifetime(borrow self)
    public borrowing func row(_ row: Int, file: StaticString = #fileID, line: UInt = #line) -> Span<Element> {
        storedView.row(row, file: file, line: line)
    }

    /// The elements of a row for changing.
    ///
    /// - Precondition: `0 <= row < rows`.
    @_lifetime(&self)
    public mutating func mutableRow(_ row: Int, file: StaticString = #fileID, line: UInt = #line) -> MutableSpan<Element> {
        guard row >= 0 && row < rows else { isOutside(row, 0, rows, columns, file, line) }
        let span = unsafe MutableSpan(_unsafeStart: buffer.base + row * columns, count: columns)
        return unsafe _overrideLifetime(span, mutating: &self)
    }

    /// Calls `body` with the elements of a row.
    public borrowing func withRow<Result: ~Copyable, Failure: Error>(
        _ row: Int, file: StaticString = #fileID, line: UInt = #line, _ body: (Span<Element>) throws(Failure) -> Result
    ) throws(Failure) -> Result { try body(self.row(row, file: file, line: line)) }

    /// Calls `body` with the elements of a row for changing.
    public mutating func withMutableRow<Result: ~Copyable, Failure: Error>(
        _ row: Int, file: StaticString = #fileID, line: UInt = #line,
        _ body: (inout MutableSpan<Element>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        var span = mutableRow(row, file: file, line: line)
        return try body(&span)
    }

    // MARK: Views

    /// A view of the whole matrix.
    public var view: MatrixView<Element> { @_lifetime(borrow self) get { storedView } }

    /// A view for writing of the whole matrix, or of the given rows and columns.
    ///
    /// ```swift
    /// var block = result.mutableView(columns: 0..<32)
    /// multiply(scores, v, into: &block)
    /// ```
    @_lifetime(&self) public mutating func mutableView(
        rows rowRange: Range<Int>? = nil, columns columnRange: Range<Int>? = nil, file: StaticString = #fileID,
        line: UInt = #line
    ) -> MutableMatrixView<Element> {
        let (rowRange, columnRange) = (rowRange ?? 0..<rows, columnRange ?? 0..<columns)
        let first = unsafe storedView.part(rows: rowRange, columns: columnRange, file: file, line: line).base
        let view = unsafe MutableMatrixView(
            base: UnsafeMutablePointer(mutating: first), rows: rowRange.count, columns: columnRange.count,
            leadingDimension: columns)
        return unsafe _overrideLifetime(view, mutating: &self)
    }

    /// The view of some rows.
    public subscript(rows range: Range<Int>, file: StaticString = #fileID, line: UInt = #line) -> MatrixView<Element> {
        @_lifetime(borrow self) get { storedView.part(rows: range, columns: 0..<columns, file: file, line: line) }
    }

    /// The view of some columns.
    public subscript(columns range: Range<Int>, file: StaticString = #fileID, line: UInt = #line) -> MatrixView<Element> {
        @_lifetime(borrow self) get { storedView.part(rows: 0..<rows, columns: range, file: file, line: line) }
    }

    /// The view of a block: some columns of some rows.
    public subscript(
        rows rowRange: Range<Int>, columns columnRange: Range<Int>, file: StaticString = #fileID, line: UInt = #line
    ) -> MatrixView<Element> {
        @_lifetime(borrow self) get { storedView.part(rows: rowRange, columns: columnRange, file: file, line: line) }
    }

    /// The transpose, for products: nothing is moved in memory.
    public var transposed: TransposedMatrix<Element> { @_lifetime(borrow self) get { TransposedMatrix(of: storedView) } }

    // MARK: As a value

    /// True where both have the same rows and columns and equal elements; NaN is equal to nothing.
    public static func == (a: borrowing Matrix, b: borrowing Matrix) -> Bool {
        guard a.rows == b.rows && a.columns == b.columns else { return false }
        for index in 0..<a.buffer.count where unsafe a.buffer.base[index] != b.buffer.base[index] { return false }
        return true
    }

    /// False where both have the same rows and columns and equal elements.
    public static func != (a: borrowing Matrix, b: borrowing Matrix) -> Bool { !(a == b) }

    /// Shape and elements, of large matrices the first and last ones: `print(a.description)`.
    public var description: String {
        let rowsText = abbreviated(rows) { row in "[" + abbreviated(columns) { column in "\(self[row, column])" } + "]" }
        return "\(rows) x \(columns) [\(rowsText)]"
    }
}

/// `count` items, of many the first and last three.
internal func abbreviated(_ count: Int, _ item: (Int) -> String) -> String {
    let shown = count <= 8 ? Array(0..<count) : [0, 1, 2, -1, count - 2, count - 1]
    return shown.map { $0 < 0 ? "…" : item($0) }.joined(separator: ", ")
}

extension Matrix: MutableMatrixOperand {
    /// A view of everything.
    @inlinable public var storedView: MatrixView<Element> {
        @_lifetime(borrow self) get {
            let view = unsafe MatrixView(
                base: UnsafePointer(buffer.base), rows: rows, columns: columns, leadingDimension: columns)
            return unsafe _overrideLifetime(view, borrowing: self)
        }
    }
    /// Never.
    @inlinable public var isTransposed: Bool { false }

    /// A view for writing, of everything.
    @_lifetime(&self) public mutating func viewForWriting() -> MutableMatrixView<Element> {
        let view = unsafe MutableMatrixView(base: buffer.base, rows: rows, columns: columns, leadingDimension: columns)
        return unsafe _overrideLifetime(view, mutating: &self)
    }
}

extension Matrix: MutableLaneOperand {
    /// Rows and columns.
    @inlinable public var shape: OperandShape { OperandShape(rows: rows, columns: columns) }

    /// All elements for changing, row after row.
    @inlinable @_lifetime(&self) public mutating func elementsForWriting() -> MutableSpan<Element> {
        let span = unsafe MutableSpan(_unsafeStart: buffer.base, count: buffer.count)
        return unsafe _overrideLifetime(span, mutating: &self)
    }
}
