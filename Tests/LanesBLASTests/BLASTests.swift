import LanesBLAS
import TestSupport
import Testing

@Suite struct BLASTests {
    @Test func rowAndColumnMajorAgree() {
        var numbers = TestNumbers(seed: 9)
        let (m, n, k) = (17, 23, 31)
        let a = numbers.array(m * k)
        let b = numbers.array(k * n)
        var rowMajor = [Float](repeating: 0, count: m * n)
        var columnMajor = rowMajor
        unsafe cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, 17, 23, 31, 1, a, 31, b, 23, 0, &rowMajor, 23)
        // The same memory read by columns holds the transposes.
        unsafe cblas_sgemm(CblasColMajor, CblasNoTrans, CblasNoTrans, 23, 17, 31, 1, b, 23, a, 31, 0, &columnMajor, 23)
        #expect(rowMajor == columnMajor)
        let expected = referenceProduct(m: m, n: n, k: k, a, b)
        for (got, want) in zip(rowMajor, expected) { #expect(abs(Double(got) - want) <= errorBound(k: k)) }
    }

    @Test func vectorsRunBackwards() {
        let a: [Double] = [1, 2, 3, 4, 5, 6]
        let x: [Double] = [1, 10, 100]
        var y: [Double] = [0, -1, 0]
        unsafe cblas_dgemv(CblasRowMajor, CblasNoTrans, 2, 3, 1, a, 3, x, -1, 0, &y, 2)
        #expect(y == [123, -1, 456])
    }

    @Test(arguments: [(1, "parameter 4 of cblas_sgemm"), (2, "parameter 9 of cblas_sgemm"), (3, "parameter 2 of cblas_sgemm")])
    func badArgumentsNameTheParameter(which: Int, expected: String) async {
        let result = await #expect(processExitsWith: .success, observing: [\.standardErrorContent]) { [which] in
            let a: [Float] = [1, 2, 3, 4]
            var c: [Float] = [7, 7, 7, 7]
            unsafe cblas_sgemm(
                CblasRowMajor, which == 3 ? CBLAS_TRANSPOSE(rawValue: 7) : CblasNoTrans, CblasNoTrans, which == 1 ? -1 : 2, 2,
                2, 1, a,
                which == 2 ? 1 : 2, a, 2, 0, &c, 2)
            precondition(c == [7, 7, 7, 7])
        }
        let message = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
        #expect(message.contains(expected))
    }
}
