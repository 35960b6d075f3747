internal import CNUMA
import Foundation
import Lanes
import Synchronization

/// On which memory node the pages of a buffer come to be.
public enum MemoryPlacement: Sendable, Equatable {
    /// Each page on the node of the thread that writes it first.
    case firstTouch
    /// All pages on the node of the thread that makes the buffer: it touches them.
    case local
    /// All pages on one node, by the system's number.
    case node(Int)
    /// Pages on all nodes in turn.
    case interleaved
}

/// A memory node that this machine does not have.
public struct MemoryNodeError: Error, Equatable, CustomStringConvertible {
    /// The node that was asked for.
    public let node: Int
    /// The nodes that there are.
    public let available: [Int]

    /// An error about a node that is not among those that there are.
    public init(node: Int, available: [Int]) {
        self.node = node
        self.available = available
    }

    /// The node, and the list of those that there are.
    public var description: String {
        "Buffer: there is no memory node \(node) here; nodes: \(available.map(String.init).joined(separator: ", "))"
    }
}

/// Where the pages of a buffer are, as the system says: what was obtained, not what was asked for.
public struct MemoryResidency: Sendable, Codable, Equatable {
    /// Bytes of pages that exist on each node, estimated from up to 1024 pages; empty where the system does not say.
    public var bytesByNode: [Int: Int]
    /// Bytes in huge pages.
    public var hugePageBytes: Int
    /// Bytes of a small page.
    public var pageBytes: Int
}

extension Buffer {
    /// Memory for `count` zeros with pages of its own, placed on memory nodes and asking for huge pages where it is large enough.
    ///
    /// Where the kernel refuses the placement, one warning says so and the memory is plain; ``residency()`` tells what was obtained.
    ///
    /// - Throws: ``AllocationError`` without memory, ``MemoryNodeError`` for a node that does not exist.
    public init(count: Int, placement: MemoryPlacement) throws {
        if case .node(let node) = placement, !MemoryNodes.all.contains(node) {
            throw MemoryNodeError(node: node, available: MemoryNodes.all)
        }
        // A mapping of its own: a policy of the heap's pages would reach other buffers.
        try self.init(mapping: count)
        switch placement {
        case .firstTouch: break
        case .local: unsafe MemoryNodes.touch(base, byteCount: count * MemoryLayout<Element>.stride)
        case .node(let node): unsafe MemoryNodes.bind(base, mappedByteCount, MPOL_BIND, [node])
        case .interleaved: unsafe MemoryNodes.bind(base, mappedByteCount, MPOL_INTERLEAVE, MemoryNodes.all)
        }
    }

    /// Memory for `count` zeros, touched first by the lanes of a pool: lane after lane in blocks of whole pages, like the blocks of
    /// ``Schedule/blocks`` and of the parallel operations.
    public init(count: Int, touchedBy pool: WorkerPool) throws(AllocationError) {
        try self.init(mapping: count)
        let byteCount = count * MemoryLayout<Element>.stride
        let start = unsafe Int(bitPattern: base)
        pool.run { lane, lanes in
            let page = 2 << 20
            let mine = LanePool.block(lane, of: lanes, count: (byteCount + page - 1) / page)
            guard !mine.isEmpty else { return }
            let end = min(mine.upperBound * page, byteCount)
            unsafe MemoryNodes.touch(
                UnsafeMutableRawPointer(bitPattern: start + mine.lowerBound * page)!, byteCount: end - mine.lowerBound * page)
        }
    }

    /// Where the pages are. Pages that nobody has written do not exist yet.
    public func residency() -> MemoryResidency {
        unsafe MemoryNodes.residency(base, byteCount: count * MemoryLayout<Element>.stride)
    }
}

/// The memory nodes of this machine.
public enum MemoryNodes {
    /// The system's numbers of the nodes that this process may use; [0] where libnuma does not work.
    public static let all: [Int] = {
        guard isAvailable, let mask = unsafe numa_get_mems_allowed() else { return [0] }
        defer { unsafe numa_bitmask_free(mask) }
        let nodes = (0...max(0, Int(numa_max_node()))).filter { unsafe numa_bitmask_isbitset(mask, UInt32($0)) != 0 }
        return nodes.isEmpty ? [0] : nodes
    }()

    private static let isAvailable = numa_available() >= 0
    private static let hasWarned = Atomic(false)

    fileprivate static func bind(_ base: UnsafeMutableRawPointer, _ byteCount: Int, _ policy: Int32, _ nodes: [Int]) {
        guard isAvailable, let mask = unsafe numa_allocate_nodemask() else { return warn("libnuma does not work here") }
        defer { unsafe numa_bitmask_free(mask) }
        for node in nodes { unsafe _ = numa_bitmask_setbit(mask, UInt32(node)) }
        if unsafe mbind(base, UInt(byteCount), policy, mask.pointee.maskp, mask.pointee.size + 1, 0) != 0 {
            warn(unsafe String(cString: strerror(errno)))
        }
    }

    private static func warn(_ reason: String) {
        guard !hasWarned.exchange(true, ordering: .relaxed) else { return }
        FileHandle.standardError.write(
            Data("swift-lanes: the system does not place memory on nodes (\(reason)); going on with plain memory\n".utf8))
    }

    // Writes a zero to each page of memory that is new and zero. A number that was just read would be written back by no optimised build.
    fileprivate static func touch(_ base: UnsafeMutableRawPointer, byteCount: Int) {
        for offset in stride(from: 0, to: byteCount, by: 4096) {
            unsafe (base + offset).storeBytes(of: 0, as: UInt8.self)
        }
    }

    fileprivate static func residency(_ base: UnsafeMutableRawPointer, byteCount: Int) -> MemoryResidency {
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        let first = Int(bitPattern: base) / page * page
        let pageCount = (Int(bitPattern: base) + byteCount - first + page - 1) / page
        let samples = max(1, min(1024, pageCount))
        var pages = unsafe (0..<samples).map {
            unsafe UnsafeMutableRawPointer(bitPattern: first + $0 * pageCount / samples * page)
        }
        var status = [Int32](repeating: -1, count: samples)
        var bytesByNode: [Int: Int] = [:]
        if unsafe isAvailable && numa_move_pages(0, UInt(samples), &pages, nil, &status, 0) == 0 {
            for node in status where node >= 0 { bytesByNode[Int(node), default: 0] += byteCount / samples }
        }
        return unsafe MemoryResidency(
            bytesByNode: bytesByNode, hugePageBytes: HugePages.bytes(base, byteCount) ?? 0, pageBytes: page)
    }
}

/// Which memory the system gave in huge pages.
package enum HugePages {
    /// Bytes of this memory that are in huge pages; nil where the system does not say.
    package static func bytes(_ base: UnsafeMutableRawPointer, _ byteCount: Int) -> Int? {
        // To the end of file: its size is said to be 0, and String(contentsOfFile:) stops after a page.
        guard let file = FileHandle(forReadingAtPath: "/proc/self/smaps") else { return nil }
        let maps = String(decoding: file.readDataToEndOfFile(), as: UTF8.self)
        return bytes(maps: maps, from: UInt(bitPattern: base), byteCount: byteCount)
    }

    /// The share of this memory that is in huge pages, 0 to 1; nil where the system does not say.
    package static func share(_ base: UnsafeMutableRawPointer, _ byteCount: Int) -> Double? {
        unsafe bytes(base, byteCount).map { Double($0) / Double(byteCount) }
    }

    /// Of the mappings that `maps` lists, as `/proc/self/smaps` does, and that overlap the memory: at most all of it, for what is beside it
    /// may be in one mapping with it.
    package static func bytes(maps: String, from start: UInt, byteCount: Int) -> Int {
        var (sum, isOurs) = (0, false)
        for line in maps.split(separator: "\n") {
            let words = line.split(separator: " ")
            let bounds = words.first?.split(separator: "-").compactMap { UInt($0, radix: 16) } ?? []
            if bounds.count == 2 {
                isOurs = bounds[0] < start + UInt(byteCount) && bounds[1] > start
            } else if isOurs && words.first == "AnonHugePages:" && words.count > 1 {
                sum += (Int(words[1]) ?? 0) << 10
            }
        }
        return min(sum, byteCount)
    }
}
