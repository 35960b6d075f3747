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

    /// Packs a matrix, or its transpose.
    public init(_ matrix: borrowing Matrix<Element>, transposed: Bool = false) {
        unsafe self.init(matrix.view, transposed: transposed)
    }

    /// Packs a view, or its transpose.
    @unsafe public init(_ view: MatrixView<Element>, transposed: Bool = false) {
        rows = unsafe transposed ? view.columns : view.rows
        columns = unsafe transposed ? view.rows : view.columns
        let kernels = unsafe Element.laneKernels.gemm
        let byteCount = unsafe ck_gemm_packed_b_size(kernels, Int64(columns), Int64(rows))
        guard byteCount >= 0 else { stop("PackedMatrix: \(rows) x \(columns) elements do not fit in memory") }
        buffer = Buffer(count: Int(byteCount) / MemoryLayout<Element>.stride)
        unsafe ck_gemm_pack_b(
            kernels, transposed, Int64(columns), Int64(rows), view.base, Int64(view.leadingDimension), buffer.base)
    }
}
