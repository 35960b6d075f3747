import CKernels
import Testing

/// The description of a machine: what processors say, what cannot be believed, what is assumed.
@Suite struct MachineTests {
    func cache(_ bytes: Int64, ways: Int32, line: Int32 = 64) -> ck_cache {
        ck_cache(bytes: bytes, ways: ways, line: line, processors: 2, way: 0, source: CK_SOURCE_CPUID)
    }

    func told(_ vendor: String, _ family: Int32, _ model: Int32) -> ck_machine_told {
        var told = ck_machine_told()
        unsafe withUnsafeMutableBytes(of: &told.vendor) { bytes in
            for (index, byte) in vendor.utf8.enumerated() { unsafe bytes[index] = byte }
        }
        (told.family, told.model) = (family, model)
        return told
    }

    func describe(_ told: ck_machine_told) -> ck_machine {
        var told = told
        return unsafe ck_machine_from(&told)
    }

    func note(_ machine: ck_machine) -> String {
        var machine = machine
        return unsafe withUnsafeBytes(of: &machine.note) { unsafe String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    func name(_ machine: ck_machine) -> String {
        var machine = machine
        return unsafe withUnsafeBytes(of: &machine.name) { unsafe String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    @Test(arguments: [
        ("AuthenticAMD", 26, 2, "zen5"), ("AuthenticAMD", 25, 0x11, "zen4"), ("AuthenticAMD", 25, 0x21, "zen3"),
        ("AuthenticAMD", 23, 0x31, "zen2"), ("GenuineIntel", 6, 207, "golden-cove"), ("GenuineIntel", 6, 0x6a, "ice-lake-sp"),
        ("GenuineIntel", 6, 0x55, "skylake-sp"), ("GenuineIntel", 6, 0x3c, "haswell"), ("GenuineIntel", 6, 0x9e, "skylake"),
        ("GenuineIntel", 6, 0xb7, "golden-cove-client"), ("CentaurHauls", 7, 0x3b, "generic"), ("", 0, 0, "generic"),
    ])
    func processorsFindTheirRow(vendor: String, family: Int, model: Int, expected: String) {
        #expect(name(describe(told(vendor, Int32(family), Int32(model)))) == expected)
    }

    @Test func armProcessorsFindTheirRow() {
        var told = ck_machine_told()
        for (part, expected) in [
            (0x41d0c, "neoverse-n1"), (0x41d40, "neoverse-v1"), (0x61023, "apple-m1"), (0x41d03, "generic"),
        ] {
            told.part = Int32(part)
            #expect(name(describe(told)) == expected)
        }
    }

    @Test func whatTheProcessorSaysComesBeforeTheTable() {
        var told = told("AuthenticAMD", 26, 2)
        (told.l1, told.l2, told.l3) = (cache(48 << 10, ways: 12), cache(1 << 20, ways: 16), cache(16 << 20, ways: 16))
        let machine = describe(told)
        #expect(machine.l3.bytes == 16 << 20 && machine.l3.source == CK_SOURCE_CPUID && note(machine).isEmpty)
        #expect(machine.gemm.b_far == 6 << 20 && machine.gemm.b_block == 3 << 20)  // derived from what was told
        #expect(machine.gemm.packing_distance == 48)  // from the row
    }

    @Test func aLevelThatIsNotThere() {
        var told = ck_machine_told()
        (told.l1, told.l2) = (cache(64 << 10, ways: 4), cache(4 << 20, ways: 16, line: 128))
        let machine = describe(told)
        #expect(machine.l3.bytes == 0 && machine.gemm.b_far == 16 << 20 && note(machine).isEmpty)
    }

    // Zeros, absurd and contradictory sizes: a description that can be planned with, and a note.
    @Test func whatCannotBeIsReplaced() {
        let impossible: [(ck_cache, ck_cache, ck_cache)] = [
            (cache(0, ways: 8), cache(1 << 20, ways: 16), cache(32 << 20, ways: 16)),
            (cache(48 << 10, ways: 0), cache(1 << 20, ways: 16), cache(32 << 20, ways: 16)),
            (cache(48 << 10, ways: 12, line: 63), cache(1 << 20, ways: 16), cache(0, ways: 0)),
            (cache(48 << 10, ways: 12), cache(32 << 10, ways: 8), cache(32 << 20, ways: 16)),
            (cache(48 << 10, ways: 12), cache(1 << 20, ways: 16), cache(512 << 10, ways: 16)),
            (cache(-5, ways: -3, line: -64), cache(Int64.max, ways: 16), cache(3, ways: 7)),
            (cache(1 << 40, ways: 4), cache(1 << 20, ways: 16), cache(32 << 20, ways: 16)),
        ]
        for (l1, l2, l3) in impossible {
            var told = ck_machine_told()
            (told.l1, told.l2, told.l3) = (l1, l2, l3)
            (told.page, told.huge_page) = (3, -1)
            let machine = describe(told)
            #expect(note(machine).contains("cannot be"), "\(l1), \(l2), \(l3)")
            #expect(machine.l1.bytes >= 1024 && machine.l2.bytes > machine.l1.bytes)
            #expect(machine.l3.bytes == 0 || machine.l3.bytes > machine.l2.bytes)
            #expect(machine.l1.ways > 0 && machine.l2.ways > 0 && machine.l1.way > 0 && machine.page == 4096)
            #expect(machine.gemm.a_block > 0 && machine.gemm.b_block > 0 && machine.gemm.b_far > 0)
        }
    }

    @Test func anUnknownNameListsTheTable() {
        var message = [CChar](repeating: 0, count: 600)
        #expect(unsafe ck_machine_named("pentium", &message, 600) == nil)
        let text = String(decoding: message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        #expect(text.contains("LANES_MACHINE=pentium is not in the table") && text.contains("zen5") && text.contains("haswell"))
        var count: Int32 = 0
        let table = unsafe ck_machine_table(&count)!
        for row in 0..<Int(count) {
            let rowName = unsafe name(table[row])
            #expect(text.contains(rowName))
            #expect(unsafe ck_machine_named(rowName, &message, 600) == table + row)
        }
    }
}
