import Lanes
import TestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#endif

@Suite struct MultiplyTests {
    static let shapes = [
        (0, 3, 2), (1, 1, 1), (1, 10, 64), (4, 4, 4), (5, 1, 7), (13, 49, 17), (64, 128, 784), (97, 101, 103), (9, 50, 2049),
    ]

    @Test(arguments: shapes, [(false, false), (false, true), (true, false), (true, true)])
    func matchesTheReference(shape: (Int, Int, Int), transposed: (Bool, Bool)) {
        let (m, n, k) = shape
        var numbers = TestNumbers(seed: UInt64(m * 7 + n))
        let a = numbers.array(m * k)
        let b = numbers.array(k * n)
        let expected = referenceProduct(m: m, n: n, k: k, a, b, transposeA: transposed.0, transposeB: transposed.1)
        let left = transposed.0 ? Matrix(rows: k, columns: m, a) : Matrix(rows: m, columns: k, a)
        let right = transposed.1 ? Matrix(rows: n, columns: k, b) : Matrix(rows: k, columns: n, b)
        var c = Matrix<Float>(rows: m, columns: n, repeating: .nan)
        multiply(left, right, into: &c, transposeA: transposed.0, transposeB: transposed.1)
        for (got, want) in zip(c.elements, expected) {
            #expect(abs(Double(got) - want) <= errorBound(k: k))
        }
        let packed = PackedMatrix(right, transposed: transposed.1)
        var d = Matrix<Float>(rows: m, columns: n)
        multiply(left, packed, into: &d, transposeA: transposed.0)
        #expect(c.elements == d.elements)
    }

    @Test func scalesAddsBiasAndRectifies() {
        let a = Matrix<Double>(rows: 2, columns: 2, [1, 2, 3, 4])
        let b = Matrix<Double>(rows: 2, columns: 2, [1, 0, 0, 1])
        var c = Matrix<Double>(rows: 2, columns: 2, [1, 1, 1, 1])
        multiply(a, b, into: &c, alpha: 2, beta: -3)
        #expect(c.elements == [-1, 1, 3, 5])
        multiply(a, b, into: &c, bias: [-2.5, 10].span, relu: true)
        #expect(c.elements == [0, 12, 0.5, 14])
        multiply(a, b, into: &c, bias: [-2.5, 10].span, biasAxis: .perRow)
        #expect(c.elements == [-1.5, -0.5, 13, 14])
    }

    @Test func viewsReachPartsOfAMatrix() {
        var numbers = TestNumbers(seed: 3)
        let a = Matrix(rows: 20, columns: 30, numbers.array(600))
        let b = Matrix(rows: 30, columns: 40, numbers.array(1200))
        var whole = Matrix<Float>(rows: 20, columns: 40)
        var parts = Matrix<Float>(rows: 20, columns: 40)
        multiply(a, b, into: &whole)
        for rows in [0..<7, 7..<20] {
            for columns in [0..<1, 1..<18, 18..<40] {
                var view = parts.mutableView()
                var part = view.part(rows: rows, columns: columns)
                multiply(a[rows: rows], b[columns: columns], into: &part)
            }
        }
        #expect(whole.elements == parts.elements)
    }

    @Test func spansInTheCallersMemory() {
        let a: [Float] = [1, 2, 9, 3, 4, 9]
        let b: [Float] = [1, 1, 0, 1]
        var c: [Float] = [7, 7, 7, 7, 7]
        var span = c.mutableSpan
        multiply(m: 2, n: 2, k: 2, a.span, leadingDimensionA: 3, b.span, into: &span, leadingDimensionC: 3)
        #expect(c == [1, 3, 7, 3, 7])
    }

    @Test func theSameBitsAlone() {
        var numbers = TestNumbers(seed: 5)
        let weights = Matrix(rows: 784, columns: 128, numbers.array(784 * 128))
        let batch = Matrix(rows: 64, columns: 784, numbers.array(64 * 784))
        var together = Matrix<Float>(rows: 64, columns: 128)
        var alone = Matrix<Float>(rows: 1, columns: 128)
        multiply(batch, weights, into: &together)
        for row in [0, 17, 63] {
            let sample = Matrix(rows: 1, columns: 784, Array(batch.elements[row * 784..<(row + 1) * 784]))
            multiply(sample, weights, into: &alone)
            #expect(alone.elements == Array(together.elements[row * 128..<(row + 1) * 128]))
        }
    }
}

@Suite struct BufferTests {
    @Test(arguments: [0, 1, 31, 1000])
    func isAlignedAndHoldsItsElements(count: Int) {
        var buffer = Buffer<Float>(count: count)
        for index in 0..<count { buffer[index] = Float(index) }
        #expect(buffer.elements == (0..<count).map(Float.init))
        buffer.withMutableSpan { span in
            for index in span.indices { span[index] += 1 }
        }
        #expect(buffer.withSpan { $0.count } == count)
        let address = buffer.withSpan { span in unsafe span.withUnsafeBufferPointer { Int(bitPattern: $0.baseAddress) } }
        #expect(address % Buffer<Float>.alignment == 0)
    }

    @Test func reluKeepsNegativeZeroAndNaN() {
        let values: [Float] = [-1, -0.0, 0, 2, .nan, -.infinity, .infinity]
        let x = Buffer<Float>(values)
        var y = Buffer<Float>(count: x.count)
        relu(x, into: &y)
        #expect(
            y[0] == 0 && y[0].sign == .plus && y[1].sign == .minus && y[3] == 2 && y[4].isNaN && y[5] == 0 && y[6] == .infinity)
        var dx = Buffer<Float>(count: x.count)
        reluBackward(Buffer<Float>(repeating: 3, count: x.count), at: x, into: &dx)
        #expect(dx.elements == [0, 0, 0, 3, 0, 0, 3])
        var d = Buffer<Double>([-2, 5])
        relu(&d)
        #expect(d.elements == [0, 5])
    }
}

/// Misuse stops the program with a message that names the operation and both shapes.
@Suite struct MisuseTests {
    func message(_ result: ExitTest.Result?) -> String {
        String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    }

    @Test func innerDimensionsDiffer() async {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            let a = Matrix<Float>(rows: 2, columns: 3)
            let b = Matrix<Float>(rows: 4, columns: 5)
            var c = Matrix<Float>(rows: 2, columns: 5)
            multiply(a, b, into: &c)
        }
        #expect(message(result).contains("multiply: op(A) is 2 x 3, op(B) is 4 x 5: the inner dimensions differ"))
    }

    @Test func resultDoesNotFit() async {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            let a = Matrix<Float>(rows: 2, columns: 3)
            let b = Matrix<Float>(rows: 3, columns: 5)
            var c = Matrix<Float>(rows: 5, columns: 2)
            multiply(a, b, into: &c)
        }
        #expect(message(result).contains("multiply: op(A)·op(B) is 2 x 5, C is 5 x 2"))
    }

    @Test func biasDoesNotFit() async {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            let a = Matrix<Float>(rows: 2, columns: 3)
            let b = Matrix<Float>(rows: 3, columns: 5)
            var c = Matrix<Float>(rows: 2, columns: 5)
            multiply(a, b, into: &c, bias: [1, 2].span)
        }
        #expect(message(result).contains("a bias of 2 elements does not fit the columns of C (2 x 5)"))
    }

    @Test(arguments: ["A", "B", "the bias"]) func resultOverlaps(which: String) async {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) { [which] in
            let base = UnsafeMutablePointer<Float>.allocate(capacity: 1000)
            unsafe base.initialize(repeating: 1, count: 1000)
            let a = unsafe MatrixView(base: base + (which == "A" ? 0 : 100), rows: 4, columns: 4, leadingDimension: 5)
            let b = unsafe MatrixView(base: base + (which == "B" ? 36 : 200), rows: 4, columns: 4, leadingDimension: 5)
            var c = unsafe MutableMatrixView(base: base + 18, rows: 4, columns: 4, leadingDimension: 5)
            let bias = unsafe UnsafeBufferPointer(start: base + (which == "the bias" ? 15 : 700), count: 4).span
            multiply(a, b, into: &c, bias: bias)
        }
        #expect(message(result).contains("multiply: C overlaps \(which)"))
    }

    /// Columns of one buffer side by side, and rows between each other's, are apart.
    @Test func viewsOfOneBufferMayInterleave() {
        let base = UnsafeMutablePointer<Float>.allocate(capacity: 1000)
        unsafe base.initialize(repeating: 1, count: 1000)
        defer { unsafe base.deallocate() }
        let a = unsafe MatrixView<Float>(base: base, rows: 6, columns: 4, leadingDimension: 20)
        let b = unsafe MatrixView<Float>(base: base + 4, rows: 4, columns: 4, leadingDimension: 40)
        var c = unsafe MutableMatrixView<Float>(base: base + 8, rows: 6, columns: 4, leadingDimension: 20)
        multiply(a, b, into: &c)
        #expect(unsafe base[8] == 4 && base[8 + 5 * 20 + 3] == 4 && base[12] == 1 && base[7] == 1)
    }

    @Test func spanTooShort() async {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            var c: [Float] = [0, 0, 0, 0]
            var span = c.mutableSpan
            multiply(m: 2, n: 2, k: 2, ([1, 2, 3] as [Float]).span, ([1, 2, 3, 4] as [Float]).span, into: &span)
        }
        #expect(message(result).contains("multiply: A is stored 2 x 2 with leading dimension 2, the span has 3 elements"))
    }

    @Test func indexOutside() async {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            let a = Matrix<Float>(rows: 2, columns: 3)
            _ = a[2, 0]
        }
        #expect(message(result).contains("(2, 0) is not in 2 x 3"))
    }

    @Test func unavailableInstructionSet() async {
        let result = await #expect(processExitsWith: .exitCode(2), observing: [\.standardErrorContent]) {
            unsafe setenv("LANES_ISA", "altivec", 1)
            _ = InstructionSet.selected
        }
        #expect(message(result).contains("LANES_ISA=altivec is not available on this processor; available: "))
    }
}
