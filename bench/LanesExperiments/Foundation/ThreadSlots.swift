import Foundation
import Synchronization

/// Which thread ran each iteration of a region.
final class ThreadSlots: Sendable {
    private let threads: [Slot]
    private final class Slot: Sendable { let thread = Atomic<UInt>(0) }
    init(count: Int) { threads = (0..<count).map { _ in Slot() } }
    func enter(_ iteration: Int) { threads[iteration].thread.store(UInt(pthread_self()), ordering: .relaxed) }
    var distinct: Int { Set(threads.map { $0.thread.load(ordering: .relaxed) }).count }
}

extension Atomic where Value == Int {
    /// A counter that closures may share.
    final class Tally: Sendable {
        private let count = Atomic<Int>(0)
        func add(_ more: Int) { count.add(more, ordering: .relaxed) }
        var total: Int { count.load(ordering: .relaxed) }
    }
}
