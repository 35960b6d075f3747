// relu: How fast can negative numbers be set to zero?
//
// The loop below is right. It takes one number at a time and jumps where it is negative, unless the compiler turns it into something else.
// How near can you come to a copy?
//
// Promised: n >= 0; x and y hold n floats each at addresses that are multiples of 4 and do not overlap; there is no NaN.
// Timed with n = 4096, half of them negative. Right: y[i] is x[i] where that is above zero, else zero. SIMD16<Float> holds sixteen.

@_cdecl("relu")
public func relu(_ n: Int, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>) {
    for i in 0..<n {
        if x[i] > 0 { y[i] = x[i] } else { y[i] = 0 }
    }
}
