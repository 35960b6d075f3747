internal import CKernels

/// The right operand of a product, packed once for many products: weights of a layer, for example.
///
/// Packing costs about one pass over the matrix. It pays where the left operand has few rows, or where the stored matrix is
/// the transpose of the operand.
public struct PackedMatrix<Element: LaneElement>: ~Copyable, Sendable {
    /// Rows of op(B): the inner dimension of the product.
    public let rows: Int
    /// Columns of op(B).
    public let columns: Int
    internal let buffer: Buffer<Element>

    /// Packs a matrix, a view of one, or the transpose of either.
    ///
    /// - Parameters:
    ///   - matrix: the operand, or its transpose.
    ///   - transposed: packs the transpose of `matrix`, as `matrix.transposed` says too.
    ///   - file: where a misuse is reported.
    ///   - line: where a misuse is reported.
    public init<M: ProductOperand & ~Copyable & ~Escapable>(
        _ matrix: borrowing M, transposed: Bool = false, file: StaticString = #fileID, line: UInt = #line
    ) where M.Element == Element {
        let view = matrix.storedView
        let isTransposed = transposed != matrix.isTransposed
        rows = isTransposed ? view.columns : view.rows
        columns = isTransposed ? view.rows : view.columns
        let kernels = unsafe Element.laneKernels.gemm
        let byteCount = unsafe ck_gemm_packed_b_size(kernels, Int64(columns), Int64(rows))
        guard byteCount >= 0 else { stop("PackedMatrix: \(rows) x \(columns) elements do not fit in memory", file, line) }
        buffer = Buffer(count: Int(byteCount) / MemoryLayout<Element>.stride)
        unsafe ck_gemm_pack_b(
            kernels, isTransposed, Int64(columns), Int64(rows), view.base, Int64(view.leadingDimension), buffer.base)
    }
}
