import CKernels
import Testing

/// Plans for machines that are not here.
@Suite struct PlanTests {
    func machine(_ name: String) -> ck_machine {
        var message = [CChar](repeating: 0, count: 600)
        return unsafe ck_machine_named(name, &message, 600)!.pointee
    }

    static let names: [String] = {
        var count: Int32 = 0
        let table = unsafe ck_machine_table(&count)!
        return (0..<Int(count)).map { row in
            unsafe withUnsafeBytes(of: table[row].name) { unsafe String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        }
    }()

    // A product without operands: plans look at the shape alone.
    struct Shape {
        var m: Int, n: Int, k: Int
        var ta = false, tb = false
        var padding = 0

        func withProblem<Result>(_ body: (UnsafePointer<ck_gemm_problem>) -> Result) -> Result {
            var p = unsafe ck_gemm_problem()
            unsafe (p.m, p.n, p.k) = (Int64(m), Int64(n), Int64(k))
            unsafe p.lda = Int64((ta ? m : k) + padding)
            unsafe p.ldb = Int64((tb ? k : n) + padding)
            unsafe p.ldc = Int64(n + padding)
            unsafe (p.transpose_a, p.transpose_b) = (ta, tb)
            unsafe p.alpha.f32 = 1
            return unsafe body(&p)
        }
    }

    func problem(_ m: Int, _ n: Int, _ k: Int, ta: Bool = false, tb: Bool = false, padding: Int = 0) -> Shape {
        Shape(m: m, n: n, k: k, ta: ta, tb: tb, padding: padding)
    }

    // The kernels of the widest instruction set that this architecture has, whether this processor can run them or not.
    var kernels: OpaquePointer {
        var count: Int32 = 0
        return unsafe ck_gemm_f32_catalogue(&count)![0]!
    }

    func plan(_ name: String, _ shape: Shape) -> ck_gemm_plan {
        var machine = machine(name)
        return unsafe shape.withProblem { unsafe ck_gemm_plan_for(&machine, kernels, $0) }
    }

    // What holds on every machine for every shape.
    @Test(arguments: names) func plansAreSound(name: String) {
        for (m, n, k) in [
            (1, 1, 1), (8, 1000, 256), (700, 700, 700), (5000, 16, 16), (3, 100_000, 3), (1, 512, 512), (2048, 2048, 2048),
        ] {
            for layout in 0..<4 {
                let p = problem(m, n, k, ta: layout & 1 != 0, tb: layout & 2 != 0)
                let plan = plan(name, p)
                #expect(plan.chunk == ck_gemm_chunk(4, Int64(k)) || plan.path == CK_PATH_COLUMNS)
                #expect(plan.mc >= 1 && plan.mc <= Int64(m) && plan.nc >= 1 && plan.rows >= 1 && plan.rows <= 16)
                #expect(!plan.pack_a || p.ta)
                #expect(!plan.keep_panels || (plan.pack_b && plan.mc < Int64(m)))
                var settled = plan
                unsafe p.withProblem { unsafe ck_gemm_settle(&settled, kernels, $0) }
                #expect(settled.mc == plan.mc && settled.pack_b == plan.pack_b && settled.rows == plan.rows)
            }
        }
    }

    // A plan that was changed: what no longer fits is put right.
    @Test func changedPlansAreSettled() {
        func settled(_ shape: Shape, _ change: (inout ck_gemm_plan) -> Void) -> ck_gemm_plan {
            var plan = plan("zen5", shape)
            change(&plan)
            unsafe shape.withProblem { unsafe ck_gemm_settle(&plan, kernels, $0) }
            return plan
        }
        #expect(plan("zen5", problem(4, 1920, 512)).two_panels)
        #expect(!settled(problem(4, 1920, 512)) { $0.nc = 3 }.two_panels)  // columns would be done twice
        #expect(plan("zen5", problem(40, 40, 40)).why_blocks == CK_WHY_IN_L1)
        #expect(settled(problem(40, 40, 40)) { $0.pack_b = true }.why_blocks != CK_WHY_IN_L1)  // or it would not be packed
        #expect(plan("zen5", problem(2000, 2000, 2)).c_is_far)
    }

    // Measured on the processors of these rows.
    @Test func whatMeasurementsSaid() {
        // 1008³ in place is 4% faster on Zen 5, packed 7 to 15% faster at 1344³ on Golden Cove.
        #expect(!plan("zen5", problem(1008, 1008, 1008)).pack_b && !plan("zen4", problem(1008, 1008, 1008)).pack_b)
        #expect(plan("golden-cove", problem(1344, 1344, 1344)).pack_b && !plan("golden-cove", problem(512, 512, 512)).pack_b)
        #expect(!plan("golden-cove", problem(32, 4112, 1000)).pack_b)  // four row groups do not pay for it
        // A transposed A: 700³ is 1.3 times as fast packed on Golden Cove, 784 x 128 x 64 loses.
        #expect(plan("golden-cove", problem(700, 700, 700, ta: true)).pack_a)
        #expect(!plan("golden-cove", problem(784, 128, 64, ta: true)).pack_a)
        #expect(!plan("golden-cove", problem(300, 2000, 500, ta: true)).pack_a)
        #expect(!plan("zen5", problem(700, 700, 700, ta: true)).pack_a)
        // Few rows against a wide B.
        #expect(plan("golden-cove", problem(16, 1000, 512)).ahead == CK_AHEAD_ROWS)
        #expect(plan("golden-cove", problem(4, 1024, 1024)).ahead != CK_AHEAD_ROWS)  // tiles of six vectors lose a third
        #expect(plan("zen5", problem(16, 1000, 512)).ahead == CK_AHEAD_LINES)
        #expect(plan("zen5", problem(12, 2000, 2000)).ahead == CK_AHEAD_PANEL)
    }

    @Test func blocksFollowTheCaches() {
        func block(_ name: String) -> Int64 { plan(name, problem(4096, 4096, 4096)).mc * 1024 * 4 }
        #expect(block("golden-cove") <= 512 << 10 && block("golden-cove") > 256 << 10)
        #expect(block("zen5") <= 256 << 10 && block("zen2") <= 128 << 10 && block("haswell") <= 64 << 10)
        #expect(block("apple-m1") > 512 << 10)
    }

    // A stride that puts all rows of B in one set: as long as a way, whatever that is.
    @Test func strideRulesFollowTheWays() {
        func packs(_ name: String, stride: Int) -> Bool {
            plan(name, problem(96, 60, 200, padding: stride / 4 - 60)).pack_b
        }
        #expect(packs("zen5", stride: 4096) && packs("skylake-sp", stride: 4096))
        #expect(packs("neoverse-n1", stride: 16384))
        #expect(!packs("zen5", stride: 4096 + 64) && !packs("neoverse-n1", stride: 16384 + 64))
    }

    @Test func lanesFollowTheRegion() {
        func cut(_ m: Int, _ n: Int, _ k: Int, lanes: Int32, region: Double, on name: String = "zen5") -> ck_gemm_cut {
            var machine = machine(name)
            return unsafe problem(m, n, k).withProblem {
                unsafe ck_gemm_cut_for(&machine, kernels, $0, ck_gemm_lanes(lanes: lanes, region_nanoseconds: region))
            }
        }
        #expect(cut(48, 48, 48, lanes: 2, region: 100).kind == CK_CUT_PARTS)
        #expect(cut(48, 48, 48, lanes: 2, region: 400).kind == CK_CUT_NONE)  // far cores
        #expect(cut(4, 4, 4, lanes: 64, region: 100).kind == CK_CUT_NONE)
        #expect(cut(1024, 1024, 1024, lanes: 1, region: 100).kind == CK_CUT_NONE)
        // 64 lanes on two sockets: a grid, and no more lanes than there is work for.
        let large = cut(1024, 1024, 1024, lanes: 64, region: 300)
        #expect(large.lanes == 64 && large.row_parts == 8 && large.column_parts == 8)
        #expect(cut(128, 128, 128, lanes: 64, region: 300).lanes < 64)
        #expect(cut(16, 16, 100_000, lanes: 4, region: 100).kind == CK_CUT_CHUNKS)
        // Where chunks cannot be summed, all lanes are there for parts.
        #expect(cut(88, 528, 30720, lanes: 127, region: 100).lanes == 127)
        // Half of the multiply-adds a cycle: half of the shape is worth a lane.
        #expect(
            cut(40, 40, 40, lanes: 2, region: 100, on: "zen4").nanoseconds > 1.9
                * cut(40, 40, 40, lanes: 2, region: 100).nanoseconds)
    }

    @Test(arguments: names) func explanationsFit(name: String) {
        var machine = machine(name)
        for (m, n, k, ta, tb) in [
            (700, 700, 700, true, false), (8, 1000, 256, false, true), (4, 4, 4, false, false), (1, 2048, 512, false, false),
            (16, 1000, 512, false, false),
        ] {
            let shape = problem(m, n, k, ta: ta, tb: tb)
            var text = [CChar](repeating: 1, count: 4000)
            let lanes = ck_gemm_lanes(lanes: 2, region_nanoseconds: 120)
            func explain(_ text: inout [CChar]) -> Int64 {
                unsafe shape.withProblem { unsafe ck_gemm_explain(&machine, kernels, $0, lanes, &text, Int64(text.count)) }
            }
            let length = explain(&text)
            let words = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            #expect(
                words.utf8.count == Int(length) && words.contains(name) && words.contains("path") && words.contains("lanes"))
            // A short buffer is filled and ended, and the length is that of the whole.
            var short = [CChar](repeating: 1, count: 20)
            #expect(explain(&short) == length && short[19] == 0 && short[18] != 0)
        }
    }
}
