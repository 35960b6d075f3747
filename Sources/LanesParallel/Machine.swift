internal import CHwloc
import Foundation

/// The processors that a process may use, and what they share.
public struct Machine: Codable, Sendable, Equatable {
    /// One processing unit: a core, or one hardware thread of a core.
    public struct Processor: Codable, Sendable, Equatable {
        /// The system's number: what `taskset` takes. Numbers may have gaps.
        public let index: Int
        /// Processors with the same number share a core, a last-level cache, a memory node, a package.
        public let core: Int
        /// The last-level cache, see ``core``.
        public let lastLevelCache: Int
        /// The memory node, see ``core``.
        public let node: Int
        /// The package (socket), see ``core``.
        public let package: Int

        /// A processor of a made-up machine, for tests of a placement.
        public init(index: Int, core: Int, lastLevelCache: Int, node: Int, package: Int) {
            self.index = index
            self.core = core
            self.lastLevelCache = lastLevelCache
            self.node = node
            self.package = package
        }
    }

    /// In the order of the topology: neighbours share the most. Never empty.
    public let processors: [Processor]
    /// True where the processors are those of this system, and not of a description (`HWLOC_SYNTHETIC`, `HWLOC_XMLFILE`).
    public let isThisSystem: Bool

    /// A machine that was made up.
    public init(processors: [Processor], isThisSystem: Bool = false) {
        guard !processors.isEmpty else { fatalError("Machine: no processors") }
        self.processors = processors
        self.isThisSystem = isThisSystem
    }

    /// This machine as hwloc sees it, without the processors that the affinity mask of this thread leaves out. Where hwloc cannot
    /// read it, every processor of the mask counts as a core of its own, and a warning says so.
    public static func current() -> Machine {
        if let machine = Machine(synthetic: nil) { return machine }
        FileHandle.standardError.write(
            Data("swift-lanes: hwloc cannot read this machine; every processor counts as a core of its own\n".utf8))
        let count = LaneLimits.current().maskCount
        return Machine(
            processors: (0..<count).map { Processor(index: $0, core: $0, lastLevelCache: 0, node: 0, package: 0) },
            isThisSystem: true)
    }

    /// A machine by hwloc's synthetic description, such as `package:2 l3:2 core:4 pu:2`. Nil where hwloc does not take it.
    public init?(synthetic description: String) { self.init(synthetic: Optional(description)) }

    private init?(synthetic description: String?) {
        var created: hwloc_topology_t?
        guard unsafe hwloc_topology_init(&created) == 0, let topology = unsafe created else { return nil }
        defer { unsafe hwloc_topology_destroy(topology) }
        unsafe keepBinding(topology)
        if let description, unsafe hwloc_topology_set_synthetic(topology, description) != 0 { return nil }
        guard unsafe hwloc_topology_load(topology) == 0 else { return nil }
        isThisSystem = unsafe hwloc_topology_is_thissystem(topology) != 0
        // hwloc knows control groups but ignores the mask.
        guard let mask = unsafe hwloc_bitmap_alloc() else { return nil }
        defer { unsafe hwloc_bitmap_free(mask) }
        let hasMask = unsafe isThisSystem && hwloc_get_cpubind(topology, mask, Int32(HWLOC_CPUBIND_THREAD.rawValue)) == 0
        let count = unsafe hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_PU)
        var found: [Processor] = []
        for index in 0..<max(0, count) {
            guard let unit = unsafe hwloc_get_obj_by_type(topology, HWLOC_OBJ_PU, UInt32(index)) else { continue }
            if unsafe hasMask && hwloc_bitmap_isset(mask, unit.pointee.os_index) == 0 { continue }
            func ancestor(_ type: hwloc_obj_type_t, else missing: Int) -> Int {
                unsafe hwloc_get_ancestor_obj_by_type(topology, type, unit).map { unsafe Int($0.pointee.logical_index) }
                    ?? missing
            }
            unsafe found.append(
                Processor(
                    index: Int(unit.pointee.os_index), core: ancestor(HWLOC_OBJ_CORE, else: Int(index)),
                    lastLevelCache: ancestor(HWLOC_OBJ_L3CACHE, else: ancestor(HWLOC_OBJ_PACKAGE, else: 0)),
                    node: max(0, Int(hwloc_bitmap_first(unit.pointee.nodeset))), package: ancestor(HWLOC_OBJ_PACKAGE, else: 0)))
        }
        guard !found.isEmpty else { return nil }
        processors = found
    }
}

/// Which processors a pool's lanes are bound to.
public enum Placement: Sendable, Equatable {
    /// Neighbours first, hardware threads of a core included: lanes share caches, other packages stay free.
    case compact
    /// One core after another in the order of the topology; second hardware threads only when every core has a lane.
    case cores
    /// Last-level caches in turn, in each of them one core after another: the most cache and bandwidth for few lanes.
    case spread
    /// These, in this order, by the system's numbers.
    case processors([Int])

    /// Reads `compact`, `cores`, `spread` or a list such as `0,2-5`; nil for anything else.
    public init?(_ text: String) {
        switch text {
        case "compact": self = .compact
        case "cores": self = .cores
        case "spread": self = .spread
        default:
            var list: [Int] = []
            for part in text.split(separator: ",", omittingEmptySubsequences: false) {
                let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
                guard let first = ends.first ?? nil, let last = ends.last ?? nil, ends.count <= 2, first >= 0, first <= last,
                    last - first < 1 << 20
                else { return nil }
                list += Array(first...last)
            }
            self = .processors(list)
        }
    }

    /// Processors for `lanes` lanes, lane 0 first; fewer where the machine has no more. Depends on nothing but its arguments.
    /// An explicit list leaves out processors that the machine does not have, or that it names twice.
    public func plan(lanes: Int, on machine: Machine) -> [Int] {
        let all = machine.processors
        // Rank of a processor among those of its core: 0 for the first hardware thread.
        var seen: [Int: Int] = [:]
        let threadRank = all.map { processor -> Int in
            defer { seen[processor.core, default: 0] += 1 }
            return seen[processor.core, default: 0]
        }
        let order: [Int]
        switch self {
        case .compact:
            order = Array(all.indices)
        case .cores:
            order = all.indices.sorted { (threadRank[$0], $0) < (threadRank[$1], $1) }
        case .spread:
            // The rank of a processor in its cache, first threads before second ones, decides; caches take turns.
            var next: [Int: Int] = [:]
            var rank = [Int](repeating: 0, count: all.count)
            for index in all.indices.sorted(by: { (threadRank[$0], $0) < (threadRank[$1], $1) }) {
                rank[index] = next[all[index].lastLevelCache, default: 0]
                next[all[index].lastLevelCache, default: 0] += 1
            }
            order = all.indices.sorted { (rank[$0], $0) < (rank[$1], $1) }
        case .processors(let list):
            var named: Set<Int> = []
            order = list.compactMap { index in
                named.insert(index).inserted ? all.firstIndex { $0.index == index } : nil
            }
        }
        return order.prefix(max(0, lanes)).map { all[$0].index }
    }
}
