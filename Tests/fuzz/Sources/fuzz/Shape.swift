import Foundation
import LanesMeasurement

/// One matrix product to measure: op(A)·op(B), m × n × k, with padded leading dimensions and β.
struct Shape: Codable, Hashable, CustomStringConvertible {
    var transposeA = false, transposeB = false
    var m: Int, n: Int, k: Int
    var padding = 0
    var beta = 0.0

    var flops: Double { 2 * Double(m) * Double(n) * Double(k) }
    var isSquare: Bool { m == n && n == k && !transposeA && !transposeB && padding == 0 && beta == 0 }

    /// The product without β.
    var product: ProductShape {
        ProductShape(m: m, n: n, k: k, transposeA: transposeA, transposeB: transposeB, padding: padding)
    }

    var description: String {
        "\(transposeA ? "T" : "N")\(transposeB ? "T" : "N") \(m)x\(n)x\(k)" + (padding > 0 ? " +\(padding)" : "")
            + (beta != 0 ? " b\(beta)" : "")
    }

    init(m: Int, n: Int, k: Int) { (self.m, self.n, self.k) = (m, n, k) }

    /// Reads `64x128x784`, `NT:64x128x784` or `TN:64x128x784+3` (leading dimensions 3 longer than a row).
    init?(argument: String) {
        var rest = Substring(argument)
        if let colon = rest.firstIndex(of: ":") {
            guard let layout = Shape.layout(rest[..<colon]) else { return nil }
            (transposeA, transposeB) = layout
            rest = rest[rest.index(after: colon)...]
        }
        let parts = rest.split(separator: "+", omittingEmptySubsequences: false)
        let sizes = parts[0].split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
        guard parts.count <= 2, sizes.count == 3, let m = sizes[0], let n = sizes[1], let k = sizes[2] else { return nil }
        (self.m, self.n, self.k) = (m, n, k)
        if parts.count == 2 {
            guard let padding = Int(parts[1]) else { return nil }
            self.padding = padding
        }
        guard isSane else { return nil }
    }

    /// Reads a line `NN m n k [padding] [beta]`.
    init?(line: String) {
        let fields = line.split(whereSeparator: \.isWhitespace)
        guard (4...6).contains(fields.count), let layout = Shape.layout(fields[0]), let m = Int(fields[1]),
            let n = Int(fields[2]),
            let k = Int(fields[3])
        else { return nil }
        (transposeA, transposeB) = layout
        (self.m, self.n, self.k) = (m, n, k)
        if fields.count > 4 {
            guard let padding = Int(fields[4]) else { return nil }
            self.padding = padding
        }
        if fields.count > 5 {
            guard let beta = Double(fields[5]), abs(beta) <= Double(Float.greatestFiniteMagnitude) else { return nil }
            self.beta = beta
        }
        guard isSane else { return nil }
    }

    private static func layout(_ text: Substring) -> (Bool, Bool)? {
        guard text.count == 2, text.allSatisfy({ $0 == "N" || $0 == "T" }) else { return nil }
        return (text.first == "T", text.last == "T")
    }

    // Every operand fits 4 GiB, and 32-bit peers can be asked.
    private var isSane: Bool {
        let limit = 1 << 29
        guard m > 0, n > 0, k > 0, padding >= 0, max(m, n, k) < limit, padding < limit else { return false }
        return storedA.rows * (storedA.columns + padding) <= limit && storedB.rows * (storedB.columns + padding) <= limit
            && m * (n + padding) <= limit
    }

    var storedA: (rows: Int, columns: Int) { transposeA ? (k, m) : (m, k) }
    var storedB: (rows: Int, columns: Int) { transposeB ? (n, k) : (k, n) }

    /// Reads a file of lines; `#` starts a comment.
    static func list(file: String) throws -> [Shape] {
        guard let text = try? String(contentsOfFile: file, encoding: .utf8) else {
            throw Failure("cannot read the shapes in '\(file)'")
        }
        var shapes: [Shape] = []
        for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let content = line.prefix { $0 != "#" }.trimmingCharacters(in: .whitespaces)
            if content.isEmpty { continue }
            guard let shape = Shape(line: content) else {
                throw Failure(
                    "\(file):\(number + 1): '\(content)' is not 'NN m n k [padding] [beta]' (NN, NT, TN or TT; sizes from 1; a finite beta)"
                )
            }
            shapes.append(shape)
        }
        guard !shapes.isEmpty else { throw Failure("'\(file)' holds no shapes") }
        return shapes
    }

    /// Squares for the plot, layers of a small network, and shapes with few rows or columns.
    static let defaults: [Shape] =
        [4, 8, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024].map { Shape(m: $0, n: $0, k: $0) }
        + ["64x128x784", "64x64x128", "64x10x64", "NT:64x784x128", "TN:784x128x64", "1x128x784", "4x1024x1024", "1024x16x1024"]
        .map { Shape(argument: $0)! }

    /// Where a second thread begins to pay, and where it should double the speed.
    static let twoThreadDefaults: [Shape] =
        [32, 48, 64, 96, 128, 256, 512, 1024].map { Shape(m: $0, n: $0, k: $0) }
        + ["64x128x784", "NT:64x784x128", "TN:784x128x64", "4x1024x1024", "1024x16x1024"].map { Shape(argument: $0)! }
}
