import Foundation
import LanesMeasurement
import LanesParallel

extension Quantity {
    fileprivate static let firstWrite = Quantity("first write", "ns")
    fileprivate static let writtenAgain = Quantity("written again", "ns")
    fileprivate static let firstWriteHugePages = Quantity("first write, huge pages", "ns")
    fileprivate static let populated = Quantity("filled by MAP_POPULATE", "ns")
    fileprivate static let populatedHuge = Quantity("filled by MAP_POPULATE, in huge pages", "share")
    fileprivate static let countedFaults = Quantity("page faults a page, first write, counted by the system")
    fileprivate static let firstRead = Quantity("first read", "ns")
    fileprivate static let firstWriteAfterARead = Quantity("first write after a read", "ns")
}

extension Experiment {
    static let pageFaults = Experiment(
        id: "page-fault", title: "What memory costs at first",
        question:
            "Fresh memory is written, read, filled by the system beforehand, and written again: what does each page cost?",
        hypothesis:
            "The first write costs at least three times as much as a later one; huge pages and MAP_POPULATE make it cheaper.",
        figure: .bars(y: "ns for a page of the usual size", logY: true),
        needs: .oneLane,
        measure: { lab in
            var observation = Observation()
            var bars = Series("a page", unit: "ns")
            let bytes = 32 << 20
            let page = lab.pageBytes
            // The share in huge pages of what was measured last.
            var hugeShare: Double?
            func add(
                _ quantity: Quantity, huge: Bool = false, before: (FreshMemory) -> Void = { _ in },
                _ body: (FreshMemory) -> Void
            ) {
                let times = (0..<(lab.isQuick ? 3 : 7)).compactMap { _ -> Double? in
                    guard let memory = FreshMemory(byteCount: bytes, huge: huge) else { return nil }
                    before(memory)
                    let start = Clock.nanoseconds
                    body(memory)
                    let elapsed = Double(Clock.nanoseconds - start)
                    hugeShare = memory.hugeShare
                    return elapsed
                }
                guard !times.isEmpty else { return }
                bars.add(Double(bars.points.count), times.map { $0 * Double(page) / Double(bytes) }, label: quantity.name)
                observation.numbers[quantity] = bars.points.last!.y
            }
            add(.firstWrite) { $0.write(every: page) }
            guard observation.numbers[.firstWrite] != nil else {
                return .notTestable("the system does not give 32 MiB of memory")
            }
            if let hugeShare, hugeShare > 0.1 {
                return .notTestable("the system gives huge pages for memory that asks for small ones")
            }
            if let memory = FreshMemory(byteCount: bytes, huge: false) {
                observation.numbers[.countedFaults] = Counter.pageFaults.count { memory.write(every: page) }.map {
                    $0 * Double(page) / Double(bytes)
                }
            }
            add(.firstWriteHugePages, huge: true) { $0.write(every: page) }
            if let hugeShare, hugeShare < 0.9 {
                bars.points.removeLast()
                observation.numbers[.firstWriteHugePages] = nil
                observation.notes.append(
                    "huge pages are not shown: the system gave them for \(text(100 * hugeShare, 0))% of the memory that asked for them"
                )
            }
            add(.firstRead) { $0.read(every: page) }
            add(.firstWriteAfterARead, before: { $0.read(every: page) }) { $0.write(every: page) }
            #if os(Linux)
                let times = (0..<(lab.isQuick ? 3 : 7)).compactMap { _ in FreshMemory.nanosecondsToPopulate(bytes) }
                if !times.isEmpty {
                    bars.add(
                        Double(bars.points.count), times.map { $0.nanoseconds * Double(page) / Double(bytes) },
                        label: Quantity.populated.name)
                    observation.numbers[.populated] = bars.points.last!.y
                    observation.numbers[.populatedHuge] = times.last!.hugeShare
                }
            #endif
            add(.writtenAgain, before: { $0.write(every: page) }) { $0.write(every: page) }
            observation.series = [bars]
            return observation
        },
        judge: { found, facts in
            let (first, again) = (found[.firstWrite]!, found[.writtenAgain]!)
            let (huge, populated) = (found[.firstWriteHugePages], found[.populated])
            let pages = found[.populatedHuge].map { ", \(text(100 * $0, 0))% of it in huge pages," } ?? ""
            let (read, after) = (found[.firstRead]!, found[.firstWriteAfterARead]!)
            return (
                first > 3 * again && (huge ?? 0) < first && (populated ?? 0) < first ? .supported : .refuted,
                "The first write to a page of \(pageText(facts.pageBytes)) takes \(text(first, 0)) ns, a later one \(text(again, 1)): \(text(first / again, 0)) times\(found[.countedFaults].map { ", with \(text($0, 2)) page faults a page" } ?? "").\(huge.map { " In huge pages the first write comes to \(text($0, 0)) ns for as much memory." } ?? "")\(populated.map { " Filled by MAP_POPULATE\(pages) it comes to \(text($0, 0))." } ?? "") A first read takes \(text(read, 0)) ns and a first write after it \(text(after, 0))\(read + after > 1.2 * first ? ": who reads first pays twice, \(text(read + after, 0)) ns" : "")."
            )
        },
        remember: { found, _ in
            "The first write to a page takes \(text(found[.firstWrite]! / found[.writtenAgain]!, 0)) times as long as a later one: \(text(found[.firstWrite]!, 0)) ns."
        })
}

/// Memory that nobody has touched.
@safe private final class FreshMemory {
    private let base: UnsafeMutableRawPointer
    private let byteCount: Int

    init?(byteCount: Int, huge: Bool) {
        guard let memory = unsafe FreshMemory.map(byteCount, 0) else { return nil }
        self.byteCount = byteCount
        unsafe base = memory
        unsafe madvise(base, byteCount, Int32(huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE))
    }

    private static func map(_ byteCount: Int, _ flags: Int32) -> UnsafeMutableRawPointer? {
        let memory = unsafe mmap(
            nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | Int32(MAP_ANONYMOUS) | flags, -1, 0)
        return unsafe memory == MAP_FAILED ? nil : memory
    }

    #if os(Linux)
        /// Of the mapping alone, and the share that the system gave in huge pages.
        static func nanosecondsToPopulate(_ byteCount: Int) -> (nanoseconds: Double, hugeShare: Double?)? {
            let start = Clock.nanoseconds
            guard let memory = unsafe map(byteCount, Int32(MAP_POPULATE)) else { return nil }
            let elapsed = Double(Clock.nanoseconds - start)
            defer { unsafe munmap(memory, byteCount) }
            return unsafe (elapsed, HugePages.share(memory, byteCount))
        }
    #endif

    var hugeShare: Double? { unsafe HugePages.share(base, byteCount) }
    deinit { unsafe munmap(base, byteCount) }

    func write(every stride: Int) {
        for offset in Swift.stride(from: 0, to: byteCount, by: stride) {
            unsafe base.storeBytes(of: 1, toByteOffset: offset, as: UInt8.self)
        }
    }
    func read(every stride: Int) {
        var sum = 0
        for offset in Swift.stride(from: 0, to: byteCount, by: stride) {
            sum += Int(unsafe base.load(fromByteOffset: offset, as: UInt8.self))
        }
        precondition(sum >= 0)
    }
}
