import Lanes
import Testing

#if canImport(Glibc)
    import Glibc
#endif

@Suite struct OperationTests {
    private static let x: [Float] = [-3, -0.5, -0.0, 0.25, 1, 2.5, 40]

    private func close(_ a: [Float], _ b: [Float], _ bound: Float = 1e-6) -> Bool {
        a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) <= bound * max(1, abs($1)) }
    }

    /// Arrays, buffers, matrices and spans are operands, in place and not.
    @Test func functionsOfOneNumber() {
        let x = Self.x
        var y = Buffer<Float>(count: 7)
        let cases: [(String, (inout Buffer<Float>) -> Void, (inout [Float]) -> Void, (Float) -> Float)] = [
            ("relu", { relu(x, into: &$0) }, { relu(&$0) }, { max($0, 0) }),
            ("exp", { exp(x, into: &$0) }, { exp(&$0) }, { expf($0) }),
            ("tanh", { tanh(x, into: &$0) }, { tanh(&$0) }, { tanhf($0) }),
            ("sigmoid", { sigmoid(x, into: &$0) }, { sigmoid(&$0) }, { 1 / (1 + expf(-$0)) }),
            (
                "gelu", { gelu(x, into: &$0) }, { gelu(&$0) },
                { $0 * 0.5 * (1 + tanhf(0.7978846 * ($0 + 0.044715 * $0 * $0 * $0))) }
            ),
            ("absolute", { absolute(x, into: &$0) }, { absolute(&$0) }, { abs($0) }),
            ("negate", { negate(x, into: &$0) }, { negate(&$0) }, { -$0 }),
            ("scale", { scale(3, x, into: &$0) }, { scale(3, &$0) }, { 3 * $0 }),
            ("addScalar", { addScalar(3, to: x, into: &$0) }, { addScalar(3, to: &$0) }, { 3 + $0 }),
            ("clamp", { clamp(x, to: -1...2, into: &$0) }, { clamp(&$0, to: -1...2) }, { min(max($0, -1), 2) }),
        ]
        for (name, into, inPlace, expected) in cases {
            into(&y)
            #expect(close(y.elements, x.map(expected)), "\(name)")
            var z = x
            inPlace(&z)
            #expect(z == y.elements, "\(name)")
        }
        var roots: [Double] = [4, 9, 2]
        squareRoot(&roots)
        #expect(roots == [2, 3, 2.0.squareRoot()])
        log(&roots)
        #expect(abs(roots[0] - 0.6931471805599453) < 1e-15)
        divide(&roots, by: 2)
        #expect(abs(roots[0] - 0.34657359027997264) < 1e-15)
    }

    @Test func functionsOfTwoNumbers() {
        let (x, y): ([Float], [Float]) = ([1, -2, 3, 4], [2, 5, -3, .nan])
        var z = [Float](repeating: 0, count: 4)
        add(x, y, into: &z)
        #expect(z[0...2] == [3, 3, 0])
        subtract(x, y, into: &z)
        #expect(z[0...2] == [-1, -7, 6])
        multiplyElements(x, y, into: &z)
        #expect(z[0...2] == [2, -10, -9])
        divide(x, y, into: &z)
        #expect(z[0...2] == [0.5, -0.4, -1])
        minimum(x, y, into: &z)
        #expect(z[0...2] == [1, -2, -3] && z[3].isNaN)
        maximum(x, y, into: &z)
        #expect(z[0...2] == [2, 5, 3])
        var m = Matrix<Float>([[1, -2], [3, 4]])
        add(&m, x)
        #expect(Bool(m == Matrix([[2, -4], [6, 8]])))
        subtract(&m, x)
        multiplyElements(&m, m.copy())
        #expect(Bool(m == Matrix([[1, 4], [9, 16]])))
        divide(&m, [1, 2, 3, 4])
        minimum(&m, [2, 2, 2, 2])
        #expect(Bool(m == Matrix([[1, 2], [2, 2]])))
        maximum(&m, [1.5, 0, 0, 0] as [Float])
        #expect(Bool(m == Matrix([[1.5, 2], [2, 2]])))
    }

    @Test func reductions() {
        let x: [Double] = [3, -7, .nan, 5]
        #expect(maximum(x) == 5 && minimum(x) == -7 && argmax(x) == 3 && argmin(x) == 1)
        #expect(argmax([Double.nan]) == nil && argmin([] as [Float]) == nil && argmax([2, 7, 7] as [Float]) == 1)
        let y: [Float] = [3, -4]
        #expect(norm(y) == 5 && norm(y, .one) == 7 && norm(y, .maximum) == 4 && mean(y) == -0.5 && dot(y, y) == 25)
        #expect(norm([] as [Float], .maximum) == 0 && sum([] as [Double]) == 0 && mean([] as [Float]).isNaN)
        #expect(norm([Float.nan], .maximum).isNaN)
    }

    @Test func rowsAndColumns() {
        let a = Matrix<Float>([[1, 5, 3], [4, 2, 9]])
        #expect(rowSums(a).elements == [9, 15] && columnSums(a).elements == [5, 7, 12])
        #expect(rowMeans(a).elements == [3, 5] && columnMeans(a).elements == [2.5, 3.5, 6])
        #expect(rowMinima(a).elements == [1, 2] && rowMaxima(a).elements == [5, 9])
        #expect(columnMinima(a).elements == [1, 2, 3] && columnMaxima(a).elements == [4, 5, 9])
        #expect(
            rowArgmax(a) == [1, 2] && rowArgmin(a) == [0, 1] && columnArgmax(a) == [1, 0, 1] && columnArgmin(a) == [0, 1, 0])
        #expect(rowNorms(a[columns: 0..<1]).elements == [1, 4] && columnNorms(Matrix<Float>([[3], [4]])).elements == [5])
        // Of some rows and columns alone.
        #expect(rowSums(a[rows: 1..<2, columns: 1..<3]).elements == [11] && columnSums(a[rows: 0..<0]).elements == [0, 0, 0])
        var b = a.copy()
        add(&b, row: [1, 2, 3])
        #expect(Bool(b == Matrix([[2, 7, 6], [5, 4, 12]])))
        divide(&b, column: [2, 4])
        #expect(Bool(b == Matrix([[1, 3.5, 3], [1.25, 1, 3]])))
        multiply(a, column: [2, 10], into: &b)
        subtract(&b, row: rowSums(a[rows: 0..<1]).elements + [0, 0])
        #expect(Bool(b == Matrix([[-7, 10, 6], [31, 20, 90]])))
        #expect(Bool(transpose(a) == Matrix([[1, 4], [5, 2], [3, 9]])))
        var part = b.mutableView()
        var corner = part.part(rows: 0..<1, columns: 1..<3)
        multiply(&corner, row: [0, 1])
        #expect(Bool(b == Matrix([[-7, 0, 6], [31, 20, 90]])))
    }

    @Test func softmaxAndNormalisation() {
        let a = Matrix<Float>([[1, 2, 3], [1000, 1000, -1000]])
        var b = Matrix<Float>(rows: 2, columns: 3)
        softmax(a, into: &b)
        #expect(close(b.elements, [0.09003057, 0.24472847, 0.66524096, 0.5, 0.5, 0]))
        logSoftmax(a, into: &b)
        #expect(close(b.elements, [-2.407606, -1.407606, -0.407606, -0.6931472, -0.6931472, -2000.6931]))
        var b2 = Matrix<Float>(rows: 1, columns: 3)
        var b3 = b2.copy()
        layerNorm(Matrix([[1, 2, 3]]), scale: [2, 2, 2].span, shift: [1, 1, 1].span, epsilon: 0, into: &b2)
        rmsNorm(Matrix([[3, 4, 0]]), epsilon: 0, into: &b3)
        #expect(close(b2.elements, [1 - 2 * 1.2247449, 1, 1 + 2 * 1.2247449]))
        #expect(close(b3.elements, [3 / 2.8867514, 4 / 2.8867514, 0]))
    }

    @Test func products() {
        let a = Matrix<Double>([[1, 2], [3, 4], [5, 6]])
        #expect(Bool(multiply(a.transposed, a) == Matrix([[35, 44], [44, 56]])))
        #expect(multiply(a, a.transposed)[2, 2] == 61)
        #expect(Bool(multiply(a[rows: 1..<2], a[rows: 0..<2]) == Matrix([[15, 22]])))
        var y = [Double](repeating: 1, count: 3)
        multiply(a, vector: [1, -1], into: &y, alpha: 2, beta: 10)
        #expect(y == [8, 8, 8])
        var z = Buffer<Double>(count: 2)
        multiply(a.transposed, vector: [1, 1, 1] as [Double], into: &z)
        #expect(z.elements == [9, 12])
        var outer = Matrix<Double>(rows: 2, columns: 3, repeating: 1)
        outerProduct([1, 2] as [Double], [1, 0, -1] as [Double], into: &outer, beta: 1)
        #expect(Bool(outer == Matrix([[2, 1, 0], [3, 1, -1]])))
        var c = Matrix<Double>(rows: 3, columns: 2)
        multiply(a, Matrix([[1, 0], [0, 1]]), into: &c, bias: [10, 20])
        #expect(Bool(c == Matrix([[11, 22], [13, 24], [15, 26]])))
        var wide = Matrix<Double>(rows: 3, columns: 3)
        multiply(a, PackedMatrix(a.transposed), into: &wide)
        #expect(wide[0, 2] == 17)
    }

    private func message(_ result: ExitTest.Result?) -> String {
        String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    }

    /// An operand whose shape is not that of its elements.
    private struct Liar: ~Copyable, MutableLaneOperand {
        var elements = [Float](repeating: 0, count: 10)
        var span: Span<Float> { @_lifetime(borrow self) get { elements.span } }
        var shape: OperandShape { OperandShape(count: 1000) }
        @_lifetime(&self) mutating func elementsForWriting() -> MutableSpan<Float> { elements.mutableSpan }
    }

    @Test func shapesOfOperandsAreNotBelieved() async {
        let written = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            var liar = Liar()
            exp([Float](repeating: 0, count: 1000), into: &liar)
        }
        #expect(message(written).contains("an operand's shape is not that of its 10 elements: 1000 are needed"))
        let read = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            _ = dot([Float](repeating: 0, count: 1000), Liar())
        }
        #expect(message(read).contains("an operand's shape is not that of its 10 elements"))
    }

    /// Sizes that no memory has, in a matrix without elements.
    @Test func nothingOfManyRows() {
        var a = Matrix<Float>(rows: .max, columns: 0)
        softmax(&a)
        add(&a, row: [])
        let nothing = a.copy()
        layerNorm(nothing, into: &a)
        rmsNorm(nothing, into: &a)
        #expect(transpose(nothing).columns == .max)
        #expect(rowMaxima(Matrix<Float>(rows: 2, columns: 0)).elements == [-.infinity, -.infinity])
        #expect(columnSums(a).count == 0 && sum(a) == 0)
        var b = Matrix<Float>(rows: 0, columns: 3)
        softmax(&b)
        #expect(b.shape != Matrix<Float>(rows: 0, columns: 5).shape && b.shape.description == "0 x 3")
        #expect(
            columnSums(b).elements == [0, 0, 0] && rowMaxima(b).count == 0
                && columnMaxima(b).elements == [Float](repeating: -.infinity, count: 3))
    }

    @Test func misuseNamesOperationShapesAndCaller() async {
        let elements = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            var y = Buffer<Float>(count: 3)
            tanh([1, 2] as [Float], into: &y)
        }
        #expect(message(elements).contains("OperationTests.swift:"))
        #expect(message(elements).contains("tanh: x has 2 elements, y has 3 elements"))
        let shapes = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            var a = Matrix<Float>(rows: 2, columns: 3)
            add(&a, Matrix(rows: 3, columns: 2))
        }
        #expect(message(shapes).contains("add: x has 2 x 3, y has 3 x 2"))
        let row = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            var a = Matrix<Float>(rows: 2, columns: 3)
            subtract(&a, row: [1, 2])
        }
        #expect(message(row).contains("subtract: the row has 2 elements, the matrix has 3 columns"))
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            var b = Matrix<Float>(rows: 2, columns: 3)
            softmax(Matrix<Float>(rows: 2, columns: 2), into: &b)
        }
        #expect(message(result).contains("softmax: the operand is 2 x 2, the result 2 x 3"))
        let index = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            _ = Matrix<Float>(rows: 2, columns: 3)[1, 3]
        }
        #expect(message(index).contains("OperationTests.swift:") && message(index).contains("(1, 3) is not in 2 x 3"))
    }
}
