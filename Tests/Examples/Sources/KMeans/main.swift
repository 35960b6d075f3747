// Ten steps of k-means: 2,000 samples of 16 numbers, 8 clusters.
import Lanes
import Numbers

let x = numbers(2000, 16, seed: 2)
var centers = x[rows: 0..<8].copy()
var distances = Matrix<Float>(rows: 2000, columns: 8)
for _ in 0..<10 {
    multiply(x, centers.transposed, into: &distances, alpha: -2, bias: rowSquareSums(centers))
    let nearest = rowArgmin(distances)
    var counts = [Float](repeating: 0, count: 8)
    fill(&centers, with: 0)
    for (sample, cluster) in nearest.enumerated() {
        var center = centers.mutableRow(cluster)
        add(&center, x.row(sample))
        counts[cluster] += 1
    }
    divide(&centers, column: counts)
}
print(sum(rowMinima(distances)) + sum(rowSquareSums(x)), sum(centers), centers[3, 5])
