// The first principal component of 500 samples, by the power method.
import Lanes
import Numbers

var x = numbers(500, 20, seed: 1)
multiply(&x, row: (1...20).map(Float.init))
subtract(&x, row: columnMeans(x))
var covariance = multiply(x.transposed, x)
divide(&covariance, by: 499)
var v = Buffer<Float>(repeating: 1, count: 20)
var w = v.copy()
for _ in 0..<200 {
    multiply(covariance, vector: v, into: &w)
    scale(1 / norm(w), w, into: &v)
}
print(dot(v, w), abs(v[19]), sum(v))
