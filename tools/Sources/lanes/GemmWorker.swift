import ArgumentParser
import Foundation
import Lanes
import LanesMeasurement
import LanesParallel
import Synchronization

enum ElementType: String, CaseIterable, Codable, ExpressibleByArgument { case f32, f64 }

/// Times libraries over a list of shapes, in turns, after checking their results: one process for libraries that share one. Reads a
/// JSON list of shapes from standard input.
struct GemmWorker: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "gemm-worker", shouldDisplay: false)

    @Flag(help: "Time this project's own product too, first.") var own = false
    @Option(name: .customLong("library")) var libraries: [String] = []
    @Option var type = ElementType.f32
    @Option var seconds = 0.05
    @Option var threads = 1
    @Flag var subnormals = false
    @Flag var describe = false

    struct Timing: Codable {
        var shape: Shape
        /// Nanoseconds a call, for each library (ours first, if it takes part) one number a turn.
        var nanoseconds: [[Double]]
        /// Largest error of each library, over the error bound: at most 1 for a right result.
        var errorOverBound: [Double]
        /// FMA peak of all threads at once, measured right before and after, in GFLOP/s, with our instruction set; told where we
        /// take part.
        var peakGflops: Double?
    }

    func run() throws {
        let results = Worker.results()
        let loaded = try libraries.map { try LoadedLibrary(path: $0) }
        if describe {
            for library in loaded { results.write(Data("\(library.description ?? "")\n".utf8)) }
            return
        }
        if type == .f64, let index = loaded.firstIndex(where: { !$0.hasDouble }) {
            throw Failure("'\(libraries[index])' has no f64 product")
        }
        let shapes = try JSONDecoder().decode([Shape].self, from: FileHandle.standardInput.readDataToEndOfFile())
        let timings = shapes.map { shape in
            if type == .f64 {
                let operands = ProductOperands<Double>(shape, subnormals: subnormals)
                let others = loaded.map { library in
                    { unsafe library.multiply(shape, operands.a, operands.b, operands.c) }
                }
                return time(operands, (own ? [ownProduct(operands)] : []) + others, unitRoundoff: 0x1p-53)
            }
            let operands = ProductOperands<Float>(shape, subnormals: subnormals)
            let others = loaded.map { library in
                { unsafe library.multiply(shape, operands.a, operands.b, operands.c) }
            }
            return time(operands, (own ? [ownProduct(operands)] : []) + others, unitRoundoff: 0x1p-24)
        }
        results.write(try JSONEncoder().encode(timings))
    }

    // Our Swift interface, as a client calls it.
    private func ownProduct<Element: LaneElement>(_ operands: ProductOperands<Element>) -> () -> Void {
        let shape = operands.shape
        let (sa, sb) = (shape.storedA, shape.storedB)
        let pool = WorkerPool.shared
        let (transposeA, transposeB, beta) = (shape.transposeA, shape.transposeB, Element(shape.beta))
        return {
            let a = unsafe MatrixView<Element>(
                base: operands.a, rows: sa.rows, columns: sa.columns, leadingDimension: sa.columns + shape.padding)
            let b = unsafe MatrixView<Element>(
                base: operands.b, rows: sb.rows, columns: sb.columns, leadingDimension: sb.columns + shape.padding)
            var c = unsafe MutableMatrixView<Element>(
                base: operands.c, rows: shape.m, columns: shape.n, leadingDimension: shape.n + shape.padding)
            multiply(a, b, into: &c, transposeA: transposeA, transposeB: transposeB, beta: beta, on: pool)
        }
    }

    private func time<Element: LaneElement>(
        _ operands: ProductOperands<Element>, _ products: [() -> Void], unitRoundoff: Double
    ) -> Timing {
        // Right before fast.
        let check = ProductCheck(operands, unitRoundoff: unitRoundoff)
        let errors = products.map { product in
            operands.resetC()
            product()
            return check.errorOverBound()
        }
        // The clock of a shared machine drifts: the peak that a product is compared with is measured beside it.
        func peak() -> Double {
            let sum = Mutex(0.0)
            WorkerPool.shared.run(most: threads) { _, _ in
                let lane = Peak.flopsPerSecond(double: Element.self == Double.self, rounds: 2, nanoseconds: 8_000_000) * 1e-9
                sum.withLock { $0 += lane }
            }
            return sum.withLock { $0 }
        }
        let before = own ? peak() : 0
        let times = sampleInTurns(seconds: seconds, products)
        return Timing(
            shape: operands.shape, nanoseconds: times, errorOverBound: errors, peakGflops: own ? (before + peak()) / 2 : nil)
    }

    /// Runs the subcommand for libraries that share a process, ours first if it is among them.
    static func run(
        _ group: [Library], shapes: [Shape], type: ElementType, threads: Int, seconds: Double, subnormals: Bool = false
    ) throws -> [Timing] {
        var arguments = ["gemm-worker", "--type", type.rawValue, "--seconds", String(seconds), "--threads", String(threads)]
        if subnormals { arguments.append("--subnormals") }
        for library in group { arguments += library.path.map { ["--library", $0] } ?? ["--own"] }
        // Far more than even plain loops need.
        let work = shapes.map { 2 * Double($0.m) * Double($0.n) * Double($0.k) }.reduce(0, +)
        let limit = 60 + Double(shapes.count * group.count) * (30 * seconds + 1) + 20e-9 * work * Double(group.count)
        do {
            let data = try Worker.run(
                arguments, threads: threads, input: try JSONEncoder().encode(shapes), environment: group.last!.environment,
                limit: limit)
            return try JSONDecoder().decode([Timing].self, from: data)
        } catch { throw Failure("\(group.map(\.name).joined(separator: ", ")): \(error)") }
    }
}
