// Attention of four heads over 64 tokens, each of 32 numbers.
import Lanes
import Numbers

let (tokens, heads, size) = (64, 4, 32)
let q = numbers(tokens, heads * size, seed: 8)
let k = numbers(tokens, heads * size, seed: 9)
let v = numbers(tokens, heads * size, seed: 10)
var result = Matrix<Float>(rows: tokens, columns: heads * size)
var scores = Matrix<Float>(rows: tokens, columns: tokens)
for head in 0..<heads {
    let columns = head * size..<(head + 1) * size
    multiply(q[columns: columns], k[columns: columns].transposed, into: &scores, alpha: 1 / Float(size).squareRoot())
    softmax(&scores)
    var part = result.mutableView(columns: columns)
    multiply(scores, v[columns: columns], into: &part)
}
print(sum(result), result[3, 100], norm(result))
