// stencil: How fast can each number become the mean of its neighbours?
//
// The loops below are right. They go down columns, so each load takes another cache line, and of each line that comes one number is used
// before the next column needs it again. How near can you come to a copy from memory to memory?
//
// Promised: rows, columns >= 2; x and y hold rows * columns floats, row after row, at addresses that are multiples of 4, and do not
// overlap. Timed with 2048 rows and columns. Right: at inner points y = ((above + below) + (left + right)) * 0.25 with these roundings,
// the same bits; at the edge y = x.

@_cdecl("stencil")
public func stencil(_ rows: Int, _ columns: Int, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>) {
    for j in 0..<columns {
        for i in 0..<rows {
            let at = i * columns + j
            if i == 0 || j == 0 || i == rows - 1 || j == columns - 1 {
                y[at] = x[at]
            } else {
                y[at] = ((x[at - columns] + x[at + columns]) + (x[at - 1] + x[at + 1])) * 0.25
            }
        }
    }
}
