/// What an operation reads: elements side by side in memory.
///
/// ``Buffer``, ``Matrix``, arrays and spans of `Float` or `Double` are operands.
public protocol LaneOperand: ~Copyable, ~Escapable {
    /// The type of the elements.
    associatedtype Element: LaneElement
    /// The elements, row after row where they are those of a matrix.
    var span: Span<Element> { @_lifetime(borrow self) get }
    /// How many there are, and in how many rows.
    var shape: OperandShape { get }
}

/// What an operation writes: elements side by side in memory that nothing else uses meanwhile.
public protocol MutableLaneOperand: LaneOperand, ~Copyable, ~Escapable {
    /// The elements for writing, row after row where they are those of a matrix.
    @_lifetime(&self) mutating func elementsForWriting() -> MutableSpan<Element>
}

/// How many elements an operand has, and in how many rows and columns if it is a matrix.
@frozen public struct OperandShape: Equatable, Sendable, CustomStringConvertible {
    /// Number of elements.
    public let count: Int
    /// Rows of a matrix; nil for a vector.
    public let rows: Int?
    /// Columns of a matrix; nil for a vector.
    public let columns: Int?

    /// The shape of a vector.
    @inlinable public init(count: Int) {
        self.count = count
        rows = nil
        columns = nil
    }

    /// The shape of a matrix.
    @inlinable public init(rows: Int, columns: Int) {
        count = rows * columns
        self.rows = rows
        self.columns = columns
    }

    // A vector fits every operand of its length, a matrix one of the same rows and columns.
    @inlinable internal func fits(_ other: OperandShape) -> Bool {
        count == other.count && (rows == nil || other.rows == nil || rows == other.rows && columns == other.columns)
    }

    /// "6 elements" or "2 x 3".
    public var description: String {
        guard let rows, let columns else { return "\(count) element\(count == 1 ? "" : "s")" }
        return "\(rows) x \(columns)"
    }
}

extension Array: LaneOperand, MutableLaneOperand where Element: LaneElement {
    /// How many elements there are.
    @inlinable public var shape: OperandShape { OperandShape(count: count) }

    /// The elements for writing.
    @inlinable @_lifetime(&self) public mutating func elementsForWriting() -> MutableSpan<Element> { mutableSpan }
}

extension Span: LaneOperand where Element: LaneElement {
    /// Itself.
    @inlinable public var span: Span<Element> { @_lifetime(copy self) get { self } }

    /// How many elements there are.
    @inlinable public var shape: OperandShape { OperandShape(count: count) }
}

extension MutableSpan: LaneOperand, MutableLaneOperand where Element: LaneElement {
    /// How many elements there are.
    @inlinable public var shape: OperandShape { OperandShape(count: count) }

    /// Itself.
    @inlinable @_lifetime(&self) public mutating func elementsForWriting() -> MutableSpan<Element> {
        let all = 0..<count
        return _mutatingExtracting(all)
    }
}
