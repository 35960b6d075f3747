internal import CKernels
import Lanes

/// A matrix on its way through a layer: rows of samples in memory that a trainer, a network or a call owns for longer than the
/// view lives. Lanes write to rows, or columns, that do not overlap.
@safe internal struct Rows<Element: LaneElement>: @unchecked Sendable {
    let base: UnsafeMutablePointer<Element>
    let rows: Int
    let columns: Int
    let leadingDimension: Int

    init(_ base: UnsafeMutablePointer<Element>, _ rows: Int, _ columns: Int, leadingDimension: Int? = nil) {
        unsafe self.base = unsafe base
        self.rows = rows
        self.columns = columns
        self.leadingDimension = leadingDimension ?? columns
    }

    subscript(range: Range<Int>) -> Rows {
        unsafe Rows(base + range.lowerBound * leadingDimension, range.count, columns, leadingDimension: leadingDimension)
    }

    func columns(_ range: Range<Int>) -> Rows {
        unsafe Rows(base + range.lowerBound, rows, range.count, leadingDimension: leadingDimension)
    }

    /// All numbers, where rows follow each other without gaps.
    var count: Int { rows * columns }

    // The owner of the memory outlives this, and so both views.
    var view: MatrixView<Element> {
        @_lifetime(immortal) get {
            unsafe MatrixView(base: base, rows: rows, columns: columns, leadingDimension: leadingDimension)
        }
    }
    var mutableView: MutableMatrixView<Element> {
        @_lifetime(immortal) get {
            unsafe MutableMatrixView(base: base, rows: rows, columns: columns, leadingDimension: leadingDimension)
        }
    }

    /// The sum of the squares of all numbers, in the element type.
    var square: Double { unsafe Element.laneKernels.vector.pointee.dot(Int64(count), base, base) }
}
