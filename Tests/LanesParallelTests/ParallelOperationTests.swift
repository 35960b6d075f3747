import Lanes
import LanesParallel
import Testing

/// On the lanes of a pool every operation has the bits that it has on one thread.
@Suite struct ParallelOperationTests {
    private func numbers(_ count: Int, _ seed: Int) -> Buffer<Float> {
        Buffer((0..<count).map { Float(($0 * 7919 + seed) % 2003) / 1000 - 1 })
    }

    private func equal(_ a: [Float], _ b: [Float]) -> Bool {
        a.count == b.count && zip(a, b).allSatisfy { $0.bitPattern == $1.bitPattern || $0.isNaN && $1.isNaN }
    }

    @Test(arguments: [1, 2, 3, 5], [0, 1, 16384, 40000, 300_001])
    func elementsAndReductions(lanes: Int, count: Int) {
        let pool = WorkerPool(lanes: lanes)
        let x = numbers(count, 1)
        let y = numbers(count, 2)
        var z = Buffer<Float>(count: count)
        var expected = Buffer<Float>(count: count)
        #expect(sum(x, on: pool) == sum(x))
        #expect(dot(x, y, on: pool) == dot(x, y))
        #expect(maximum(x, on: pool) == maximum(x) && minimum(x, on: pool) == minimum(x))
        #expect(argmax(x, on: pool) == argmax(x) && argmin(x, on: pool) == argmin(x))
        for which in [Norm.one, .two, .maximum] { #expect(norm(x, which, on: pool) == norm(x, which)) }
        #expect(equal([mean(x, on: pool)], [mean(x)]))
        exp(x, into: &z, on: pool)
        exp(x, into: &expected)
        #expect(equal(z.elements, expected.elements))
        log(x, into: &z, on: pool)
        log(x, into: &expected)
        #expect(equal(z.elements, expected.elements))
        tanh(x, into: &z, on: pool)
        tanh(x, into: &expected)
        #expect(equal(z.elements, expected.elements))
        relu(x, into: &z, on: pool)
        relu(x, into: &expected)
        #expect(equal(z.elements, expected.elements))
        divide(&z, y, on: pool)
        divide(&expected, y)
        #expect(equal(z.elements, expected.elements))
        axpy(0.5, x, into: &z, on: pool)
        axpy(0.5, x, into: &expected)
        #expect(equal(z.elements, expected.elements))
        for stores in [Stores.automatic, .cached, .streaming] {
            triad(3, x, y, into: &z, stores: stores, on: pool)
            #expect((0..<count).allSatisfy { z[$0] == x[$0].addingProduct(3, y[$0]) })
            copy(x, into: &z, stores: stores, on: pool)
            #expect(z.elements == x.elements)
            scale(2, x, into: &z, stores: stores, on: pool)
            #expect((0..<count).allSatisfy { z[$0] == 2 * x[$0] })
            add(x, y, into: &z, stores: stores, on: pool)
            #expect((0..<count).allSatisfy { z[$0] == x[$0] + y[$0] })
            fill(&z, with: 4, stores: stores, on: pool)
            #expect(z.elements == [Float](repeating: 4, count: count))
        }
    }

    @Test(arguments: [2, 5], [(1, 1), (300, 7), (1000, 100), (3, 50_000), (70_000, 5)])
    func rowsAndColumns(lanes: Int, shape: (Int, Int)) {
        let pool = WorkerPool(lanes: lanes)
        let (rows, columns) = shape
        let a = Matrix(rows: rows, columns: columns, buffer: numbers(rows * columns, 3))
        #expect(equal(rowSums(a, on: pool).elements, rowSums(a).elements))
        #expect(equal(rowNorms(a, on: pool).elements, rowNorms(a).elements))
        #expect(equal(columnSums(a, on: pool).elements, columnSums(a).elements))
        #expect(equal(columnMeans(a, on: pool).elements, columnMeans(a).elements))
        #expect(equal(columnNorms(a, on: pool).elements, columnNorms(a).elements))
        #expect(equal(columnMaxima(a, on: pool).elements, columnMaxima(a).elements))
        #expect(equal(columnMinima(a, on: pool).elements, columnMinima(a).elements))
        #expect(rowArgmax(a, on: pool) == rowArgmax(a) && columnArgmin(a, on: pool) == columnArgmin(a))
        var b = a.copy()
        var expected = a.copy()
        softmax(&b, on: pool)
        softmax(&expected)
        #expect(equal(b.elements, expected.elements))
        logSoftmax(a, into: &b, on: pool)
        logSoftmax(a, into: &expected)
        #expect(equal(b.elements, expected.elements))
        layerNorm(a, into: &b, on: pool)
        layerNorm(a, into: &expected)
        #expect(equal(b.elements, expected.elements))
        subtract(&b, row: columnMeans(a), on: pool)
        subtract(&expected, row: columnMeans(a))
        multiply(&b, column: rowSums(a), on: pool)
        multiply(&expected, column: rowSums(a))
        #expect(equal(b.elements, expected.elements))
        #expect(Bool(transpose(a, on: pool) == transpose(a)))
    }

    @Test func productsOfEveryKind() {
        let pool = WorkerPool(lanes: 3)
        let a = Matrix(rows: 150, columns: 200, buffer: numbers(30_000, 5))
        let b = Matrix(rows: 200, columns: 170, buffer: numbers(34_000, 6))
        let bias = numbers(170, 7)
        var c = Matrix<Float>(rows: 150, columns: 170)
        var expected = c.copy()
        multiply(a, b, into: &expected, bias: bias, relu: true)
        multiply(a, b, into: &c, bias: bias, relu: true, on: pool)
        #expect(Bool(c == expected))
        fill(&c, with: 0)
        multiply(a, PackedMatrix(b), into: &c, bias: bias.span, relu: true, on: pool)
        #expect(Bool(c == expected))
        fill(&c, with: 0)
        var span = c.mutableSpan
        multiply(m: 150, n: 170, k: 200, a.span, b.span, into: &span, bias: bias.span, relu: true, on: pool)
        #expect(Bool(c == expected))
        #expect(Bool(multiply(a.transposed, a, on: pool) == multiply(a.transposed, a)))
        var y = Buffer<Float>(count: 150)
        var z = Buffer<Float>(count: 150)
        multiply(a, vector: numbers(200, 1), into: &y, on: pool)
        multiply(a, vector: numbers(200, 1), into: &z)
        #expect(y.elements == z.elements)
    }
}
