import Synchronization

/// One number from each lane.
final class ResultBox: Sendable {
    private let numbers: Mutex<[Double]>
    init(count: Int) { numbers = Mutex([Double](repeating: 0, count: count)) }
    func set(_ lane: Int, _ value: Double) { numbers.withLock { $0[lane] = value } }
    var values: [Double] { numbers.withLock { $0 } }
}
