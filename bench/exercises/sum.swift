// sum: How fast can one core add numbers that are in its first cache?
//
// The loop below is right. Each of its additions needs the one before, so it takes the time of n additions one after the other, whatever
// else the core could do meanwhile. How near can you come to the time that the loads alone take?
//
// Promised: n >= 0; x holds n floats at any address that is a multiple of 4. Timed with n = 4096.
// Right is what lies within n * 2^-24 * (|x[0]| + ... + |x[n - 1]|) of the sum: you may add in any order. SIMD16<Float> holds sixteen.

@_cdecl("sum")
public func sum(_ n: Int, _ x: UnsafePointer<Float>) -> Float {
    var total: Float = 0
    for i in 0..<n { total += x[i] }
    return total
}
