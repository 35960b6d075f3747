package import CKernels

/// A number that the kernels compute with: `Float` or `Double`, and no other type.
///
/// What it requires only this package can make, so a type of a client's own cannot have it: operations would take its bytes for those of a
/// `Float` or a `Double`, and write past the end of its memory.
public protocol LaneElement: BinaryFloatingPoint, BitwiseCopyable, Sendable {
    /// The kernels in use for this type.
    static var laneKernels: LaneKernels<Self> { get }
}

extension Float: LaneElement {
    public static var laneKernels: LaneKernels<Float> { LaneKernels(isSingle: true) }
}

extension Double: LaneElement {
    public static var laneKernels: LaneKernels<Double> { LaneKernels(isSingle: false) }
}

/// The kernels in use for one type of element: rows of the catalogue, which take untyped operands of that type.
public struct LaneKernels<Element>: Sendable {
    package let isSingle: Bool

    @inline(__always) package init(isSingle: Bool) { self.isSingle = isSingle }

    package var gemm: OpaquePointer { unsafe isSingle ? ck_gemm_f32() : ck_gemm_f64() }
    package var vector: UnsafePointer<ck_vector_kernels> { unsafe isSingle ? ck_vector_f32() : ck_vector_f64() }
    package var matrix: UnsafePointer<ck_matrix_kernels> { unsafe isSingle ? ck_matrix_f32() : ck_matrix_f64() }
    package var network: UnsafePointer<ck_network_kernels> { unsafe isSingle ? ck_network_f32() : ck_network_f64() }
}
