// A network of two layers: probabilities of ten classes for 256 samples, on all lanes.
import Lanes
import LanesParallel
import Numbers

let pool = WorkerPool.shared
let x = numbers(256, 784, seed: 3)
var hidden = Matrix<Float>(rows: 256, columns: 128)
var classes = Matrix<Float>(rows: 256, columns: 10)
multiply(x, numbers(784, 128, seed: 4), into: &hidden, bias: numbers(1, 128, seed: 5), relu: true, on: pool)
multiply(hidden, numbers(128, 10, seed: 6), into: &classes, alpha: 0.01, bias: numbers(1, 10, seed: 7), on: pool)
softmax(&classes, on: pool)
print(sum(classes), classes[17, 3], sum(rowMaxima(classes)), rowArgmax(classes).reduce(0, +))
