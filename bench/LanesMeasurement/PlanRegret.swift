internal import CKernels
import Foundation

/// How good the plans of products are on this machine: the time of what a plan chose over the time of the best alternative, measured in
/// turns in this process on the calling thread.
public struct PlanRegret: Codable, Sendable {
    /// One other way of doing a product.
    public struct Alternative: Codable, Sendable {
        /// What is different: `pack B`, `a_packed = 786432`.
        public var name: String
        /// Time of the plan over time of this: above 1 is faster than the plan.
        public var pair: PairedComparison
    }

    /// One shape: its plan, and the alternatives beside it.
    public struct Row: Codable, Sendable {
        /// The product.
        public var shape: ProductShape
        /// The plan's decisions in short.
        public var plan: String
        /// Of the plan.
        public var gflops: Double
        /// What was tried instead.
        public var alternatives: [Alternative]
        /// Time of the plan over time of the best alternative that is faster beyond noise, measured once more; 1 where none is.
        public var regret: Double
        /// Its name.
        public var best: String?
    }

    /// A change of the machine's row of the table that would pay.
    public struct Change: Codable, Sendable {
        /// Which limit of the row.
        public var limit: String
        /// What it should be.
        public var value: Int
        /// Geometric mean of the speeds over the shapes whose plans change, and how many these are.
        public var gain: Double
        /// Shapes whose plans change.
        public var shapes: Int
        /// The slowest of them.
        public var least: Double
    }

    /// What the plans were made from.
    public var machine: MachineDescription
    /// `f32` or `f64`.
    public var type: String
    /// One for each shape.
    public var rows: [Row]
    /// Of the regret of all shapes.
    public var geometricMean: Double
    /// The largest regret.
    public var worst: Double
    /// Changes that gain over their shapes together and lose nowhere, best first.
    public var changes: [Change]

    /// What counts as a difference: repeated pairs of the same plan differ by less.
    private static let floor = 0.01

    /// Measures.
    ///
    /// - Parameters:
    ///   - shapes: the products.
    ///   - double: in f64; otherwise f32.
    ///   - seconds: for all shapes together.
    ///   - progress: is told what is measured next; returns false to stop there.
    public static func measure(
        shapes: [ProductShape] = typical, double: Bool = false, seconds: Double = 120,
        progress: (_ done: Int, _ shape: ProductShape) -> Bool = { _, _ in true }
    ) -> PlanRegret {
        var rows: [Row] = []
        for (index, shape) in shapes.enumerated() {
            guard progress(index, shape) else { break }
            rows.append(measure(shape, double: double, seconds: seconds / Double(shapes.count)))
        }
        return PlanRegret(
            machine: .current(), type: double ? "f64" : "f32", rows: rows,
            geometricMean: rows.isEmpty ? 1 : Statistics.geometricMean(rows.map(\.regret)),
            worst: rows.map(\.regret).max() ?? 1, changes: changes(rows))
    }

    /// Shapes for which plans of machines differ: small, square, ragged, few rows, few columns, transposed.
    public static let typical: [ProductShape] =
        [16, 32, 33, 64, 97, 128, 256, 384, 512, 700, 1024, 1344].map { ProductShape(m: $0, n: $0, k: $0) } + [
            ProductShape(m: 64, n: 128, k: 784), ProductShape(m: 256, n: 784, k: 128), ProductShape(m: 3000, n: 48, k: 48),
            ProductShape(m: 1024, n: 16, k: 1024), ProductShape(m: 4, n: 1024, k: 1024), ProductShape(m: 16, n: 1000, k: 512),
            ProductShape(m: 32, n: 1000, k: 512), ProductShape(m: 16, n: 1024, k: 1024), ProductShape(m: 12, n: 2000, k: 2000),
            ProductShape(m: 1, n: 512, k: 512), ProductShape(m: 784, n: 128, k: 64, transposeA: true),
            ProductShape(m: 500, n: 500, k: 500, transposeA: true), ProductShape(m: 700, n: 700, k: 700, transposeA: true),
            ProductShape(m: 1024, n: 1024, k: 1024, transposeA: true), ProductShape(m: 8, n: 1000, k: 256, transposeB: true),
            ProductShape(m: 1, n: 1024, k: 1024, transposeB: true), ProductShape(m: 64, n: 784, k: 128, transposeB: true),
            ProductShape(m: 500, n: 500, k: 500, transposeB: true),
        ]

    private static func measure(_ shape: ProductShape, double: Bool, seconds: Double) -> Row {
        let bench = PlanBench(shape, double: double)
        let candidates = bench.candidates()
        guard !candidates.isEmpty else {
            return Row(
                shape: shape, plan: bench.planned.summary, gflops: bench.gflops(), alternatives: [], regret: 1, best: nil)
        }
        // Two thirds of the time for all of them, one for the best of them once more: the best of many is partly luck.
        let pairs = bench.time(candidates.map(\.plan), seconds: seconds * 2 / 3, floor: floor)
        let alternatives = zip(candidates, pairs).map { Alternative(name: $0.name, pair: $1) }
        var (regret, best) = (1.0, String?.none)
        let faster = alternatives.indices.filter { alternatives[$0].pair.verdict == .slower }
        if let index = faster.max(by: { alternatives[$0].pair.ratio < alternatives[$1].pair.ratio }) {
            let again = bench.time([candidates[index].plan], seconds: seconds / 3, floor: floor)[0]
            if again.verdict == .slower { (regret, best) = (again.ratio, candidates[index].name) }
        }
        return Row(
            shape: shape, plan: bench.planned.summary, gflops: bench.gflops(), alternatives: alternatives, regret: regret,
            best: best)
    }

    // Alternatives that are a limit's other value, over all shapes whose plans it changes.
    private static func changes(_ rows: [Row]) -> [Change] {
        var ratios: [String: [Double]] = [:]
        for row in rows {
            for alternative in row.alternatives where alternative.name.contains(" = ") {
                for name in alternative.name.components(separatedBy: ", ") where name.contains(" = ") {
                    ratios[name, default: []].append(alternative.pair.ratio)
                }
            }
        }
        return ratios.compactMap { name, ratios in
            let parts = name.components(separatedBy: " = ")
            let gain = Statistics.geometricMean(ratios)
            guard gain > 1 + floor, ratios.min()! > 1 - floor else { return nil }
            return Change(limit: parts[0], value: Int(parts[1])!, gain: gain, shapes: ratios.count, least: ratios.min()!)
        }.sorted { $0.gain > $1.gain }
    }
}

// One product with operands, and the plans that it can be done by. Used from one thread; owns its memory.
@safe private final class PlanBench {
    struct Candidate {
        var name: String
        var plan: ck_gemm_plan
    }

    let planned: ck_gemm_plan
    private let shape: ProductShape
    private let double: Bool
    private let kernels: OpaquePointer
    private let problem: UnsafeMutablePointer<ck_gemm_problem>
    private let memory: [UnsafeMutableRawPointer]

    init(_ shape: ProductShape, double: Bool) {
        (self.shape, self.double) = (shape, double)
        unsafe kernels = unsafe ProductShape.kernels(double)
        let size = double ? 8 : 4
        // Random numbers on pages of their own; never zeros, never untouched.
        func numbers(_ rows: Int, _ columns: Int) -> UnsafeMutableRawPointer {
            let count = rows * (columns + shape.padding)
            let memory = UnsafeMutableRawPointer.allocate(byteCount: max(1, count) * size, alignment: 4096)
            var state: UInt64 = 88_172_645_463_325_252
            for index in 0..<count {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                let number = Double(Int32(truncatingIfNeeded: state >> 32)) / 4_294_967_296
                if double {
                    unsafe memory.storeBytes(of: number, toByteOffset: 8 * index, as: Double.self)
                } else {
                    unsafe memory.storeBytes(of: Float(number), toByteOffset: 4 * index, as: Float.self)
                }
            }
            return unsafe memory
        }
        let a = unsafe numbers(shape.transposeA ? shape.k : shape.m, shape.transposeA ? shape.m : shape.k)
        let b = unsafe numbers(shape.transposeB ? shape.n : shape.k, shape.transposeB ? shape.k : shape.n)
        let c = unsafe numbers(shape.m, shape.n)
        unsafe memory = [a, b, c]
        unsafe problem = .allocate(capacity: 1)
        unsafe problem.initialize(to: shape.withProblem(double: double) { unsafe $0.pointee })
        unsafe problem.pointee.a = UnsafeRawPointer(a)
        unsafe problem.pointee.b = UnsafeRawPointer(b)
        unsafe problem.pointee.c = c
        planned = unsafe ck_gemm_plan_for(ck_machine_current(), kernels, problem)
    }

    deinit {
        unsafe problem.deallocate()
        for index in unsafe memory.indices { unsafe memory[index].deallocate() }
    }

    /// Other plans, each once, under all their names.
    func candidates() -> [Candidate] {
        var found: [Candidate] = []
        func add(_ name: String, _ plan: ck_gemm_plan) {
            var plan = plan
            unsafe ck_gemm_settle(&plan, kernels, problem)
            guard plan.summary != planned.summary else { return }
            if let index = found.firstIndex(where: { $0.plan.summary == plan.summary }) {
                found[index].name += ", \(name)"
            } else {
                found.append(Candidate(name: name, plan: plan))
            }
        }
        func changed(_ name: String, _ change: (inout ck_gemm_plan) -> Void) {
            var plan = planned
            change(&plan)
            add(name, plan)
        }
        // The machine's limits at other values.
        let machine = unsafe ck_machine_current().pointee
        let (l2, l3) = (machine.l2.bytes, max(machine.l3.bytes, 4 * machine.l2.bytes))
        let values: [String: [Int64]] = [
            "a_block": [l2 / 8, l2 / 2], "a_unblocked": [l2 / 2, 4 * l2], "a_packed": [1, l2 / 8 * 3, 4 * l2],
            "b_block": [l2, 8 * l2], "b_near": [l2 / 8, 2 * l2], "b_split": [l2 / 16, .max],
            "b_packed": [l2 / 2, l2 / 2 * 3, 4 * l2, .max],
            "b_far": [l2, l3 / 4, l3 / 8 * 3, .max], "c_far": [l2, .max], "packing_distance": [16, 48, 96],
            "row_distance": [-1, 12, 24],
            "dot_lag": [0, 256], "dot_ahead": [-1, 128, 512],
        ]
        for limit in MachineLimit.all {
            for value in values[limit.name] ?? [] where value != machine.gemm[keyPath: limit.field] {
                var other = machine
                other.gemm[keyPath: limit.field] = value
                let plan = unsafe ck_gemm_plan_for(&other, kernels, problem)
                add("\(limit.name) = \(value)", plan)
            }
        }
        // Decisions that follow from the shape alone.
        let lanes = unsafe Int(ck_gemm_describe(kernels).lanes)
        switch planned.path {
        case CK_PATH_TILES:
            changed(planned.pack_a ? "A in place" : "pack A") { $0.pack_a.toggle() }
            changed(planned.pack_b ? "B in place" : "pack B") { $0.pack_b.toggle() }
            changed("panels of 2") { ($0.panel, $0.rows, $0.two_panels) = (2, 16, false) }
            if planned.tail > 0 { changed("no tail") { $0.tail = 0 } }
            if planned.tail == 0 && shape.n > lanes && shape.n % lanes > 0 && shape.n % lanes <= 6 {
                changed("tail") { $0.tail = Int32(shape.n % lanes) }
            }
            changed("one panel") { $0.two_panels = false }
            changed("half the rows") { $0.rows = max(1, $0.rows / 2) }
            if shape.transposeA || planned.pack_b || planned.mc < shape.m {
                changed("no blocks") { ($0.mc, $0.nc) = (.max, .max) }
            }
        case CK_PATH_DOT, CK_PATH_ROW: changed("tiles") { $0.path = CK_PATH_TILES }
        default: break
        }
        return found
    }

    /// Every plan against the planned one, in turns of half a millisecond.
    func time(_ plans: [ck_gemm_plan], seconds: Double, floor: Double) -> [PairedComparison] {
        let all = [planned] + plans
        var calls = all.map { _ in 1 }
        for index in all.indices {
            _ = time(all[index], 2)
            calls[index] = max(1, Int(500_000 / max(1, time(all[index], 1))))
        }
        var logarithms = plans.map { _ in [Double]() }
        let end = Clock.nanoseconds + Int64(seconds * 1e9)
        var round = 0
        while round < 9 || (Clock.nanoseconds < end && round < 200) {
            var times = all.map { _ in 0.0 }
            for turn in all.indices {
                let index = (turn + round) % all.count
                times[index] = time(all[index], calls[index])
            }
            for index in plans.indices { logarithms[index].append(log(times[0] / times[index + 1])) }
            round += 1
        }
        return logarithms.map { PairedComparison(logarithms: $0, floor: floor) }
    }

    func gflops() -> Double { shape.flops / (0..<5).map { _ in time(planned, 3) }.min()! }

    // Nanoseconds a call.
    private func time(_ plan: ck_gemm_plan, _ calls: Int) -> Double {
        var plan = plan
        let start = Clock.nanoseconds
        for _ in 0..<calls { unsafe ck_gemm_run(&plan, kernels, problem) }
        return Double(Clock.nanoseconds - start) / Double(calls)
    }
}

extension ck_gemm_plan {
    /// The decisions that have an effect, in short: equal for plans that do the same.
    fileprivate var summary: String {
        switch path {
        case CK_PATH_TILE: return "one tile"
        case CK_PATH_COLUMNS: return "operands exchanged"
        case CK_PATH_ROW: return "one row along B"
        case CK_PATH_DOT:
            return "B transposed in registers" + (dot_lag > 0 ? ", lag \(dot_lag)" : "")
                + (dot_ahead > 0 ? ", \(dot_ahead) bytes ahead" : "")
        default: break
        }
        var parts = ["\(rows) rows x \(two_panels ? 6 : panel) vectors"]
        if pack_a { parts.append("A packed") }
        if pack_b { parts.append("B packed" + (packing_distance > 0 ? " \(packing_distance) ahead" : "")) }
        if mc > 0 && why_blocks != CK_WHY_SMALL { parts.append("blocks of \(mc) rows, \(nc) vectors") }
        switch ahead {
        case CK_AHEAD_LINES: parts.append("next panel by lines")
        case CK_AHEAD_PANEL: parts.append("next panel at once")
        case CK_AHEAD_ROWS: parts.append("rows \(row_distance) ahead")
        default: break
        }
        if tail > 0 { parts.append("\(tail) columns exchanged") }
        if c_is_far { parts.append("C fetched") }
        return parts.joined(separator: ", ")
    }
}
