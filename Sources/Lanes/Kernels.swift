internal import CKernels

/// The instruction sets that kernels are written for.
public enum InstructionSet: String, CaseIterable, Sendable {
    /// Plain C for every processor, arm64, x86-64 with AVX2 and FMA, x86-64 with AVX-512.
    case portable, neon, avx2, avx512

    internal var ck: ck_isa {
        switch self {
        case .portable: CK_ISA_PORTABLE
        case .neon: CK_ISA_NEON
        case .avx2: CK_ISA_AVX2
        case .avx512: CK_ISA_AVX512
        }
    }

    internal init(_ isa: ck_isa) {
        self = unsafe InstructionSet(rawValue: String(cString: ck_isa_name(isa)))!
    }

    /// The one in use: that of the environment variable `LANES_ISA`, else the best that this processor can run.
    ///
    /// An unavailable `LANES_ISA` ends the process with a message that lists the available ones.
    public static var selected: InstructionSet { InstructionSet(ck_isa_selected()) }

    /// True where this build has kernels for it and this processor can run them.
    public var isAvailable: Bool { ck_isa_available(ck) }

    /// Processor features that it requires, by name.
    public var requiredFeatures: [String] { featureNames(ck_isa_features(ck)) }
}

/// What this processor is and can do.
public enum Processor {
    /// The name that the processor gives itself.
    public static var brand: String { unsafe String(cString: ck_cpu_brand()) }

    /// Names of the features found: those that the operating system supports too.
    public static var features: [String] { featureNames(ck_cpu_features()) }
}

private func featureNames(_ features: UInt32) -> [String] {
    (0..<UInt32(CK_FEATURE_COUNT)).compactMap { bit in
        features >> bit & 1 == 1 ? unsafe String(cString: ck_cpu_feature_name(1 << bit)) : nil
    }
}

/// One row of the catalogue of kernels.
public struct KernelDescription: Sendable {
    /// Operation, type, instruction set and largest tile: `ck_gemm_f32_avx512_8x48`.
    public let name: String
    /// The instruction set that it is written for.
    public let instructionSet: InstructionSet
    /// Rows and columns of C in the largest tile of a matrix product, both 0 for other operations.
    public let rows: Int
    /// See ``rows``.
    public let columns: Int
    /// True for the row that operations use in this process.
    public let isSelected: Bool

    /// All rows that were built for this architecture, best first.
    public static var catalogue: [KernelDescription] {
        var rows: [KernelDescription] = []
        var count: Int32 = 0
        let f32 = unsafe ck_gemm_f32_catalogue(&count)!
        let f64 = unsafe ck_gemm_f64_catalogue(&count)!
        for index in 0..<2 * Int(count) {
            let row = unsafe ck_gemm_describe(index < count ? f32[index] : f64[index - Int(count)])
            unsafe rows.append(
                KernelDescription(
                    name: String(cString: row.name), instructionSet: InstructionSet(row.isa), rows: Int(row.rows),
                    columns: Int(row.columns), isSelected: row.isa == ck_isa_selected()))
        }
        func add(_ name: UnsafePointer<CChar>, _ isa: ck_isa) {
            unsafe rows.append(
                KernelDescription(
                    name: String(cString: name), instructionSet: InstructionSet(isa), rows: 0, columns: 0,
                    isSelected: isa == ck_isa_selected()))
        }
        let vectors = unsafe ck_vector_catalogue(&count)!
        for index in 0..<Int(count) { unsafe add(vectors[index]!.pointee.name, vectors[index]!.pointee.isa) }
        let matrices = unsafe ck_matrix_catalogue(&count)!
        for index in 0..<Int(count) { unsafe add(matrices[index]!.pointee.name, matrices[index]!.pointee.isa) }
        let networks = unsafe ck_network_catalogue(&count)!
        for index in 0..<Int(count) { unsafe add(networks[index]!.pointee.name, networks[index]!.pointee.isa) }
        return rows
    }
}
