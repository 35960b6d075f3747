import ArgumentParser
import Foundation
import Lanes
import LanesParallel
import Measurement
import Synchronization

enum ElementType: String, CaseIterable, Codable, ExpressibleByArgument { case f32, f64 }

/// Times one library over a list of shapes, after checking its results. One process for each library and round. Reads a JSON
/// list of shapes from standard input.
struct GemmWorker: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "gemm-worker", shouldDisplay: false)

    @Option var library: String?
    @Option var type = ElementType.f32
    @Option var seconds = 0.05
    @Option var threads = 1
    @Flag var describe = false

    struct Timing: Codable {
        var shape: Shape
        var nanoseconds: [Double]
        /// Largest error found, over the error bound: at most 1 for a right result.
        var errorOverBound: Double
        /// FMA peak of all threads at once, measured right before and after, in GFLOP/s, with our instruction set; told for our
        /// own rows only.
        var peakGflops: Double?
    }

    func run() throws {
        if describe {
            if let library { print(try LoadedLibrary(path: library).description ?? "") }
            return
        }
        let shapes = try JSONDecoder().decode([Shape].self, from: FileHandle.standardInput.readDataToEndOfFile())
        let loaded = try library.map { try LoadedLibrary(path: $0) }
        var timings: [Timing] = []
        for shape in shapes {
            if type == .f64 {
                guard loaded.map(\.hasDouble) ?? true else { throw Failure("'\(library!)' has no f64 product") }
                timings.append(
                    unsafe time(shape, Double.self, 0x1p-53) { a, b, c in
                        if let loaded { unsafe loaded.multiply(shape, a, b, c) } else { unsafe own(shape, a, b, c) }
                    })
            } else {
                timings.append(
                    unsafe time(shape, Float.self, 0x1p-24) { a, b, c in
                        if let loaded { unsafe loaded.multiply(shape, a, b, c) } else { unsafe own(shape, a, b, c) }
                    })
            }
        }
        FileHandle.standardOutput.write(try JSONEncoder().encode(timings))
    }

    private func own<Element: LaneElement>(
        _ shape: Shape, _ a: UnsafePointer<Element>, _ b: UnsafePointer<Element>, _ c: UnsafeMutablePointer<Element>
    ) {
        let (sa, sb) = (shape.storedA, shape.storedB)
        unsafe WorkerPool.shared.multiply(
            MatrixView(base: a, rows: sa.rows, columns: sa.columns, leadingDimension: sa.columns + shape.padding),
            MatrixView(base: b, rows: sb.rows, columns: sb.columns, leadingDimension: sb.columns + shape.padding),
            into: MutableMatrixView(base: c, rows: shape.m, columns: shape.n, leadingDimension: shape.n + shape.padding),
            transposeA: shape.transposeA, transposeB: shape.transposeB, beta: Element(shape.beta))
    }

    private func time<Element: LaneElement>(
        _ shape: Shape, _: Element.Type, _ unitRoundoff: Double,
        _ product: (UnsafePointer<Element>, UnsafePointer<Element>, UnsafeMutablePointer<Element>) -> Void
    ) -> Timing {
        var state = UInt64(bitPattern: Clock.nanoseconds)
        func random() -> Double {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Double(Int32(truncatingIfNeeded: state >> 32)) / 4_294_967_296
        }
        func numbers(_ rows: Int, _ columns: Int) -> UnsafeMutableBufferPointer<Element> {
            let count = rows * (columns + shape.padding)
            let memory = UnsafeMutableRawPointer.allocate(
                byteCount: max(1, count) * MemoryLayout<Element>.stride, alignment: 4096)
            let elements = unsafe memory.bindMemory(to: Element.self, capacity: count)
            for index in 0..<count {
                unsafe elements[index] = Element(random())
            }
            return unsafe UnsafeMutableBufferPointer(start: elements, count: count)
        }
        let a = unsafe numbers(shape.storedA.rows, shape.storedA.columns)
        let b = unsafe numbers(shape.storedB.rows, shape.storedB.columns)
        let c = unsafe numbers(shape.m, shape.n)
        defer {
            unsafe a.baseAddress!.deallocate()
            unsafe b.baseAddress!.deallocate()
            unsafe c.baseAddress!.deallocate()
        }
        let (pa, pb, pc) = unsafe (UnsafePointer(a.baseAddress!), UnsafePointer(b.baseAddress!), c.baseAddress!)
        // Right before fast: 64 elements against double precision (f64 against its own, with the bound of both sums).
        let old = unsafe Array(c)
        unsafe product(pa, pb, pc)
        let (lda, ldb, ldc) = (
            shape.storedA.columns + shape.padding, shape.storedB.columns + shape.padding, shape.n + shape.padding
        )
        var worst = 0.0
        for _ in 0..<64 {
            let i = Int.random(in: 0..<shape.m)
            let j = Int.random(in: 0..<shape.n)
            var sum = shape.beta * Double(old[i * ldc + j])
            var size = abs(sum)
            for p in 0..<shape.k {
                let term =
                    unsafe Double(shape.transposeA ? a[p * lda + i] : a[i * lda + p])
                    * Double(shape.transposeB ? b[j * ldb + p] : b[p * ldb + j])
                sum += term
                size += abs(term)
            }
            let n = Double(shape.k + 3) * unitRoundoff * (Element.self == Double.self ? 2 : 1)
            let error = unsafe abs(Double(c[i * ldc + j]) - sum)
            let bound = n / (1 - n) * size
            // A NaN is not within any bound; JSON has no infinity.
            worst =
                error <= bound ? max(worst, error == 0 ? 0 : error / bound) : max(worst, error.isFinite ? error / bound : 1e300)
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
        let before = peak()
        let times = sample(seconds: seconds) { unsafe product(pa, pb, pc) }
        let peakGflops = (before + peak()) / 2
        return Timing(shape: shape, nanoseconds: times, errorOverBound: worst, peakGflops: library == nil ? peakGflops : nil)
    }
}
