import CKernels
import Testing

/// Rows 13 of the failure list: a processor without an instruction set, or without the operating system's support for it.
@Suite struct FeatureTests {
    // Everything present: FMA, OSXSAVE, AVX; AVX2, BMI2, AVX-512 F DQ BW VL; all state saved.
    let complete = ck_cpu_registers(
        leaf1_ecx: 1 << 12 | 1 << 27 | 1 << 28,
        leaf7_ebx: 1 << 5 | 1 << 8 | 1 << 16 | 1 << 17 | 1 << 30 | 1 << 31, leaf7_ecx: 1 << 11, leaf7_1_eax: 1 << 5, xcr0: 0xe7)

    func has(_ isa: ck_isa, _ registers: ck_cpu_registers) -> Bool {
        let required = ck_isa_features(isa)
        return ck_cpu_features_from(registers) & required == required
    }

    @Test func completeProcessor() {
        #expect(has(CK_ISA_AVX512, complete) && has(CK_ISA_AVX2, complete) && has(CK_ISA_PORTABLE, complete))
    }

    @Test func operatingSystemSavesNoZmm() {
        var registers = complete
        registers.xcr0 = 0x07
        #expect(!has(CK_ISA_AVX512, registers) && has(CK_ISA_AVX2, registers))
        registers.xcr0 = 0x67  // masks and upper halves, but not zmm16 to zmm31
        #expect(!has(CK_ISA_AVX512, registers))
    }

    @Test func operatingSystemSavesNoYmm() {
        var registers = complete
        registers.xcr0 = 0x03
        #expect(!has(CK_ISA_AVX512, registers) && !has(CK_ISA_AVX2, registers) && has(CK_ISA_PORTABLE, registers))
        registers = complete
        registers.leaf1_ecx &= ~(1 << 27)  // no XSAVE: XCR0 means nothing
        #expect(!has(CK_ISA_AVX512, registers) && !has(CK_ISA_AVX2, registers))
    }

    @Test(arguments: [16, 17, 30, 31])
    func avx512NeedsEveryPart(bit: UInt32) {
        var registers = complete
        registers.leaf7_ebx &= ~(1 << bit)
        #expect(!has(CK_ISA_AVX512, registers) && has(CK_ISA_AVX2, registers))
    }

    @Test func avx2NeedsFMA() {
        var registers = complete
        registers.leaf1_ecx &= ~(1 << 12)
        #expect(!has(CK_ISA_AVX2, registers) && !has(CK_ISA_AVX512, registers))
    }

    @Test func unknownChoiceListsTheAvailable() {
        var isa = CK_ISA_PORTABLE
        var message = [CChar](repeating: 0, count: 256)
        let unknown = unsafe ck_isa_parse("sse9", &isa, &message, 256)
        #expect(unknown == -1)
        let text = String(decoding: message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        #expect(text.contains("LANES_ISA=sse9 is not available") && text.contains("portable"))
        let known = unsafe ck_isa_parse("portable", &isa, &message, 256)
        #expect(known == 0)
    }

    @Test func catalogueNamesTellOperationTypeAndInstructionSet() {
        var count: Int32 = 0
        let rows = unsafe ck_gemm_f32_catalogue(&count)!
        #expect(count >= 2)
        for index in 0..<Int(count) {
            let row = unsafe ck_gemm_describe(rows[index])
            let isa = unsafe String(cString: ck_isa_name(row.isa))
            let name = unsafe String(cString: row.name)
            let expected = unsafe "ck_gemm_f32_\(isa)_\(row.rows)x\(row.columns)"
            #expect(name == expected)
        }
    }

    @Test func chunksDependOnTheInnerDimensionAlone() {
        #expect(ck_gemm_chunk(4, 784) == 784 && ck_gemm_chunk(4, 1024) == 1024)
        #expect(ck_gemm_chunk(4, 1025) == 528)  // two halves, rounded up to 16
        #expect(ck_gemm_chunk(8, 1024) == 512)
        for k in stride(from: Int64(1), to: 20000, by: 37) {
            #expect(ck_gemm_chunk(4, k) <= 1024 && ck_gemm_chunk(4, k) > 0)
        }
    }

    @Test func packedSizesDoNotWrap() {
        let tooLarge = unsafe ck_gemm_packed_b_size(ck_gemm_f32(), Int64.max / 4, 8)
        let smallest = unsafe ck_gemm_packed_b_size(ck_gemm_f32(), 1, 1)
        #expect(tooLarge == -1 && smallest > 0)
    }
}
