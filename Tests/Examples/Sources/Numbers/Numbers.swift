import Lanes

/// The same made-up numbers as numbers.py has.
public func numbers(_ rows: Int, _ columns: Int, seed: Int) -> Matrix<Float> {
    Matrix(rows: rows, columns: columns, (0..<rows * columns).map { Float(($0 * 7919 + seed * 104_729) % 2003) / 1000 - 1 })
}
