import Lanes
import LanesMeasurement

/// The operands of one product: random numbers in ±1/2 on pages of their own, subnormal ones in A where that is asked for. Used from one thread; owns its memory.
@safe final class ProductOperands<Element: LaneElement> {
    let shape: Shape
    let a: UnsafeMutablePointer<Element>
    let b: UnsafeMutablePointer<Element>
    let c: UnsafeMutablePointer<Element>
    /// What C held at first, which β multiplies.
    let initialC: [Element]

    init(_ shape: Shape, subnormals: Bool) {
        self.shape = shape
        // At most a quarter of the smallest normal number.
        let scale = subnormals ? Element.leastNormalMagnitude / 2 : 1
        var state = UInt64(bitPattern: Clock.nanoseconds)
        func numbers(_ rows: Int, _ columns: Int, times factor: Element = 1) -> UnsafeMutablePointer<Element> {
            let count = rows * (columns + shape.padding)
            let memory = UnsafeMutableRawPointer.allocate(
                byteCount: max(1, count) * MemoryLayout<Element>.stride, alignment: 4096)
            let elements = unsafe memory.bindMemory(to: Element.self, capacity: count)
            for index in 0..<count {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                unsafe elements[index] = factor * Element(Double(Int32(truncatingIfNeeded: state >> 32)) / 4_294_967_296)
            }
            return unsafe elements
        }
        unsafe a = numbers(shape.storedA.rows, shape.storedA.columns, times: scale)
        unsafe b = numbers(shape.storedB.rows, shape.storedB.columns)
        unsafe c = numbers(shape.m, shape.n)
        initialC = unsafe Array(UnsafeBufferPointer(start: c, count: shape.m * (shape.n + shape.padding)))
    }

    deinit {
        unsafe a.deallocate()
        unsafe b.deallocate()
        unsafe c.deallocate()
    }

    func resetC() { unsafe c.update(from: initialC, count: initialC.count) }

    func elementA(_ row: Int, _ column: Int) -> Double {
        let stride = shape.storedA.columns + shape.padding
        return unsafe Double(shape.transposeA ? a[column * stride + row] : a[row * stride + column])
    }

    func elementB(_ row: Int, _ column: Int) -> Double {
        let stride = shape.storedB.columns + shape.padding
        return unsafe Double(shape.transposeB ? b[column * stride + row] : b[row * stride + column])
    }
}

/// Tells how far a product is from the right one. Every element is compared with our own in double precision, and 64 of them, taken at
/// random, with plain loops; where an operand has more than 2^26 elements, these 64 alone.
///
/// A sum of k products and β·C differs from the exact one by at most γ(k + 3) (|a|·|b| + |βC|) (Higham, Accuracy and Stability of
/// Numerical Algorithms, 3.1), and |a|·|b| is at most ‖a‖‖b‖ (Cauchy and Schwarz), which needs no product of its own. What underflows
/// adds a step of the subnormal numbers for each term.
struct ProductCheck<Element: LaneElement> {
    private let operands: ProductOperands<Element>
    private let bound: Double
    private let underflow: Double
    private let rowNorms: [Double]
    private let columnNorms: [Double]
    /// m x n, rows one after the other; empty where only 64 elements are compared.
    private let reference: [Double]

    init(_ operands: ProductOperands<Element>, unitRoundoff: Double) {
        self.operands = operands
        let shape = operands.shape
        let n = Double(shape.k + 3) * unitRoundoff * (Element.self == Double.self ? 2 : 1)
        bound = n / (1 - n)
        underflow = Double(shape.k + 3) * Double(Element.leastNonzeroMagnitude)
        rowNorms = (0..<shape.m).map { row in
            (0..<shape.k).reduce(0) { $0 + operands.elementA(row, $1) * operands.elementA(row, $1) }.squareRoot()
        }
        columnNorms = (0..<shape.n).map { column in
            (0..<shape.k).reduce(0) { $0 + operands.elementB($1, column) * operands.elementB($1, column) }.squareRoot()
        }
        guard max(shape.m * shape.k, shape.k * shape.n, shape.m * shape.n) <= 1 << 26 else {
            reference = []
            return
        }
        let a = Matrix<Double>(
            rows: shape.m, columns: shape.k,
            (0..<shape.m * shape.k).map { operands.elementA($0 / shape.k, $0 % shape.k) })
        let b = Matrix<Double>(
            rows: shape.k, columns: shape.n,
            (0..<shape.k * shape.n).map { operands.elementB($0 / shape.n, $0 % shape.n) })
        var c = Matrix<Double>(
            rows: shape.m, columns: shape.n,
            (0..<shape.m * shape.n).map {
                Double(operands.initialC[$0 / shape.n * (shape.n + shape.padding) + $0 % shape.n])
            })
        multiply(a, b, into: &c, beta: shape.beta)
        reference = c.elements
    }

    /// The largest error of what C holds now, over the error bound.
    func errorOverBound() -> Double {
        let shape = operands.shape
        let stride = shape.n + shape.padding
        var worst = 0.0
        func compare(_ i: Int, _ j: Int, _ right: Double) {
            let error = unsafe abs(Double(operands.c[i * stride + j]) - right)
            let old = abs(shape.beta * Double(operands.initialC[i * stride + j]))
            let allowed = bound * (rowNorms[i] * columnNorms[j] + old) + underflow
            // A NaN is not within any bound; JSON has no infinity.
            worst =
                error <= allowed
                ? max(worst, error == 0 ? 0 : error / allowed) : max(worst, error.isFinite ? error / allowed : 1e300)
        }
        for index in reference.indices { compare(index / shape.n, index % shape.n, reference[index]) }
        for _ in 0..<64 {
            let (i, j) = (Int.random(in: 0..<shape.m), Int.random(in: 0..<shape.n))
            let sum = (0..<shape.k).reduce(shape.beta * Double(operands.initialC[i * stride + j])) {
                $0 + operands.elementA(i, $1) * operands.elementB($1, j)
            }
            compare(i, j, sum)
        }
        return worst
    }
}
