/// The product of row-major matrices in double precision, one element after another.
public func referenceProduct(
    m: Int, n: Int, k: Int, _ a: [Float], _ b: [Float], transposeA: Bool = false, transposeB: Bool = false
) -> [Double] {
    var c = [Double](repeating: 0, count: m * n)
    for i in 0..<m {
        for j in 0..<n {
            for p in 0..<k {
                c[i * n + j] +=
                    Double(transposeA ? a[p * m + i] : a[i * k + p]) * Double(transposeB ? b[j * k + p] : b[p * n + j])
            }
        }
    }
    return c
}

/// Largest error that γ = (k + 3) u / (1 − (k + 3) u) allows where |a|, |b| ≤ 1 and at most one more term of size ≤ `extra`.
public func errorBound(k: Int, extra: Double = 0) -> Double {
    let n = Double(k + 3) * 0x1p-24
    return n / (1 - n) * (Double(k) + extra)
}

/// Reproducible numbers between −1 and 1.
public struct TestNumbers {
    private var state: UInt64

    public init(seed: UInt64) { state = seed }

    public mutating func next() -> Float {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Float(Int32(truncatingIfNeeded: state >> 32)) / 2_147_483_648
    }

    public mutating func array(_ count: Int) -> [Float] {
        (0..<count).map { _ in next() }
    }
}
