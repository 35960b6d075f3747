// A convolution of 8 filters of 3 x 3 with an image of 64 x 64, as a product with the image's patches.
import Lanes
import LanesParallel
import Numbers

let image = numbers(64, 64, seed: 11)
let filters = numbers(9, 8, seed: 12)
var patches = Matrix<Float>(rows: 62 * 62, columns: 9)
let pixels = image.elements
WorkerPool.shared.forEachRow(of: &patches) { row, patch in
    for index in patch.indices { patch[index] = pixels[(row / 62 + index / 3) * 64 + row % 62 + index % 3] }
}
var result = Matrix<Float>(rows: 62 * 62, columns: 8)
multiply(patches, filters, into: &result, relu: true, on: WorkerPool.shared)
print(sum(result), result[100, 3], maximum(result))
