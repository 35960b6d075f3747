internal import CKernels

/// What plans are made from: caches, pages and speeds of this machine, and where each comes from.
public struct MachineDescription: Codable, Sendable {
    /// One level of cache as plans see it.
    public struct Cache: Codable, Sendable {
        /// 1 for the first.
        public var level: Int
        /// Its size.
        public var byteCount: Int
        /// Lines of one set.
        public var ways: Int
        /// Bytes of a cache line.
        public var lineBytes: Int
        /// Hardware threads that share it; 0 where nobody said.
        public var processors: Int
        /// CPUID, system, table or assumed.
        public var source: String
    }

    /// The row of the table of machines: what `LANES_MACHINE` takes.
    public var name: String
    /// What the row rests on.
    public var measured: String
    /// True where `LANES_MACHINE` chose the row.
    public var isForced: Bool
    /// First to last.
    public var caches: [Cache]
    /// Bytes of an ordinary page.
    public var pageBytes: Int
    /// Bytes of a huge page.
    public var hugePageBytes: Int
    /// Where the sizes of pages come from: system, table or assumed.
    public var pageSource: String
    /// Pages that the address caches reach.
    public var addressCacheEntries: Int
    /// Bytes of results of multiply-adds in a cycle.
    public var multiplyAddBytesPerCycle: Int
    /// What one core reads from the shared cache.
    public var sharedCacheBytesPerCycle: Double
    /// Where the speeds of the core come from: table or assumed.
    public var coreSource: String
    /// Sizes and distances of products that follow; -1 or the largest number stands for never.
    public var limits: [String: Int]
    /// What was told and could not be believed; empty where there was nothing.
    public var note: String

    /// This machine, or the one that `LANES_MACHINE` names. An unknown name ends the process with status 2.
    public static func current() -> MachineDescription { unsafe MachineDescription(ck_machine_current().pointee) }

    /// What `LANES_MACHINE` takes.
    public static var names: [String] {
        var count: Int32 = 0
        let table = unsafe ck_machine_table(&count)!
        return (0..<Int(count)).map { unsafe MachineDescription(table[$0]).name }
    }

    internal init(_ machine: ck_machine) {
        name = MachineDescription.text(machine.name)
        measured = MachineDescription.text(machine.measured)
        note = MachineDescription.text(machine.note)
        isForced = machine.forced
        caches = [machine.l1, machine.l2, machine.l3].enumerated().compactMap { index, cache in
            guard cache.bytes > 0 else { return nil }
            return Cache(
                level: index + 1, byteCount: Int(cache.bytes), ways: Int(cache.ways), lineBytes: Int(cache.line),
                processors: Int(cache.processors), source: MachineDescription.name(of: cache.source))
        }
        pageBytes = Int(machine.page)
        hugePageBytes = Int(machine.huge_page)
        pageSource = MachineDescription.name(of: machine.page_source)
        addressCacheEntries = Int(machine.tlb_entries)
        multiplyAddBytesPerCycle = Int(machine.fma_bytes)
        sharedCacheBytesPerCycle = machine.l3_bytes_per_cycle
        coreSource = MachineDescription.name(of: machine.core_source)
        limits = Dictionary(uniqueKeysWithValues: MachineLimit.all.map { ($0.name, Int(machine.gemm[keyPath: $0.field])) })
    }

    // The characters of a C array, up to its zero.
    private static func text<Characters>(_ array: Characters) -> String {
        unsafe withUnsafeBytes(of: array) { unsafe String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    private static func name(of source: ck_source) -> String { unsafe String(cString: ck_source_name(source)) }
}

/// A limit of plans, under the name that it has in a row of the table.
internal struct MachineLimit: @unchecked Sendable {  // a key path of a C structure's field is no more than an offset
    let name: String
    let field: WritableKeyPath<ck_gemm_limits, Int64>

    static let all: [MachineLimit] = [
        MachineLimit(name: "a_block", field: \.a_block), MachineLimit(name: "a_unblocked", field: \.a_unblocked),
        MachineLimit(name: "a_packed", field: \.a_packed), MachineLimit(name: "a_packed_panels", field: \.a_packed_panels),
        MachineLimit(name: "b_block", field: \.b_block), MachineLimit(name: "b_near", field: \.b_near),
        MachineLimit(name: "b_split", field: \.b_split), MachineLimit(name: "b_packed", field: \.b_packed),
        MachineLimit(name: "b_far", field: \.b_far),
        MachineLimit(name: "c_far", field: \.c_far), MachineLimit(name: "packing_distance", field: \.packing_distance),
        MachineLimit(name: "row_distance", field: \.row_distance), MachineLimit(name: "dot_lag", field: \.dot_lag),
        MachineLimit(name: "dot_ahead", field: \.dot_ahead),
    ]
}
