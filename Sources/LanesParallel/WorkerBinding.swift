internal import CHwloc
import Foundation
import Synchronization

/// Binds the workers of one pool, each in its own thread, and reads back what the system did.
@safe internal final class WorkerBinding: Sendable {
    private let processors: [Int]
    private let results: Mutex<[Int]>
    private let done = Atomic(0)

    init(processors: [Int]) {
        self.processors = processors
        results = Mutex([Int](repeating: -1, count: processors.count))
    }

    func bind(lane: Int) {
        defer { done.add(1, ordering: .releasing) }
        guard let topology = unsafe bindingTopology, let set = unsafe hwloc_bitmap_alloc() else { return }
        defer { unsafe hwloc_bitmap_free(set) }
        let thread = Int32(HWLOC_CPUBIND_THREAD.rawValue)
        unsafe hwloc_bitmap_only(set, UInt32(processors[lane - 1]))
        guard unsafe hwloc_set_cpubind(topology, set, thread) == 0, unsafe hwloc_get_cpubind(topology, set, thread) == 0,
            unsafe hwloc_bitmap_weight(set) == 1
        else { return }
        let bound = unsafe Int(hwloc_bitmap_first(set))
        results.withLock { $0[lane - 1] = bound }
    }

    /// Waits until the workers have begun, so that the results are there.
    func waitForAll(_ workers: Int32) {
        while done.load(ordering: .acquiring) < Int(workers) { usleep(100) }
        let refused = results.withLock { $0.prefix(Int(workers)).count { $0 < 0 } }
        if refused > 0 {
            FileHandle.standardError.write(
                Data("swift-lanes: the system bound \(Int(workers) - refused) of \(workers) workers to a processor\n".utf8))
        }
    }

    var bound: [Int] { results.withLock { $0 } }
}

extension Machine {
    /// Binds the calling thread to some processors, for threads of a program's own. Threads and processes that it starts inherit that.
    ///
    /// - Returns: true where the system says that it did.
    public static func bindCurrentThread(to processors: [Int]) -> Bool {
        guard let topology = unsafe bindingTopology, let wanted = unsafe hwloc_bitmap_alloc(),
            let found = unsafe hwloc_bitmap_alloc()
        else { return false }
        defer {
            unsafe hwloc_bitmap_free(wanted)
            unsafe hwloc_bitmap_free(found)
        }
        for processor in processors { unsafe hwloc_bitmap_set(wanted, UInt32(processor)) }
        let thread = Int32(HWLOC_CPUBIND_THREAD.rawValue)
        return unsafe hwloc_set_cpubind(topology, wanted, thread) == 0 && hwloc_get_cpubind(topology, found, thread) == 0
            && hwloc_bitmap_isequal(wanted, found) != 0
    }
}

// Loaded once, which takes milliseconds, and kept; hwloc's binding calls only read it. Nil where hwloc does not work.
nonisolated(unsafe) private let bindingTopology: hwloc_topology_t? = {
    var created: hwloc_topology_t?
    guard unsafe hwloc_topology_init(&created) == 0, let topology = unsafe created else { return nil }
    unsafe keepBinding(topology)
    return unsafe hwloc_topology_load(topology) == 0 ? created : nil
}()

// Some of hwloc's discovery would bind the calling thread to one processor after another, even to those outside its mask.
internal func keepBinding(_ topology: hwloc_topology_t) {
    unsafe hwloc_topology_set_flags(topology, UInt(HWLOC_TOPOLOGY_FLAG_DONT_CHANGE_BINDING.rawValue))
}
