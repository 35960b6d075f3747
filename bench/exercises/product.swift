// product: How near can a matrix product come to the peak?
//
// The three loops below are right. The innermost one walks down a column of b, a line for each number, and each of its additions needs the
// one before. How much of the multiply-adds that the core can do are yours?
//
// Promised: n >= 0; a, b and c hold n * n floats each, row after row, at addresses that are multiples of 4; c overlaps neither.
// Timed with n = 256. Right is what lies within (n + 1) * 2^-24 * (|a[i][0] b[0][j]| + ... ) of each sum: you may add in any order.
// SIMD16<Float> has addingProduct(_:_:).

@_cdecl("product")
public func product(_ n: Int, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ c: UnsafeMutablePointer<Float>) {
    for i in 0..<n {
        for j in 0..<n {
            var sum: Float = 0
            for p in 0..<n { sum += a[i * n + p] * b[p * n + j] }
            c[i * n + j] = sum
        }
    }
}
