// transpose: How fast can a matrix be turned over?
//
// The loop below is right. It reads along rows and writes down columns: each store goes to another cache line, and by the time the next
// number of that line is written the line may have left the cache. How near can you come to a copy of as many bytes?
//
// Promised: n >= 0; a and b hold n * n floats each, row after row, at addresses that are multiples of 4, and do not overlap.
// Timed with n = 1024. Right: b[j * n + i] is a[i * n + j], every one.

@_cdecl("transpose")
public func transpose(_ n: Int, _ a: UnsafePointer<Float>, _ b: UnsafeMutablePointer<Float>) {
    for i in 0..<n {
        for j in 0..<n { b[j * n + i] = a[i * n + j] }
    }
}
