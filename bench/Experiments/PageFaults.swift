import Foundation
import Measurement

extension Experiment {
    static let pageFaults = Experiment(
        id: "page-fault", title: "What memory costs at first",
        question:
            "Fresh memory is written, read, filled by the system beforehand, and written again: what does each page cost?",
        hypothesis:
            "The first write costs at least three times as much as a later one; huge pages and MAP_POPULATE make it cheaper.",
        figure: .bars(y: "ns for a page of the usual size", logY: true),
        predict: { _ in [:] },
        usesLanes: false,
        measure: { lab in
            var observation = Observation()
            var bars = Series("a page", unit: "ns")
            let bytes = 32 << 20
            let page = lab.pageBytes
            func fresh(huge: Bool, flags: Int32 = 0) -> FreshMemory? { FreshMemory(byteCount: bytes, huge: huge, flags: flags) }
            func add(_ label: String, _ body: () -> Double?) {
                let times = (0..<(lab.isQuick ? 3 : 7)).compactMap { _ in body() }
                guard !times.isEmpty else { return }
                bars.add(Double(bars.points.count), times.map { $0 * Double(page) / Double(bytes) }, label: label)
                observation.numbers["\(label), ns"] = bars.points.last!.y
            }
            func timed(_ body: () -> Void) -> Double {
                let start = Clock.nanoseconds
                body()
                return Double(Clock.nanoseconds - start)
            }
            add("first write") { fresh(huge: false).map { memory in timed { memory.write(every: page) } } }
            add("first write, huge pages") { fresh(huge: true).map { memory in timed { memory.write(every: page) } } }
            add("first read") { fresh(huge: false).map { memory in timed { memory.read(every: page) } } }
            add("first write after a read") {
                fresh(huge: false).map { memory in
                    memory.read(every: page)
                    return timed { memory.write(every: page) }
                }
            }
            #if os(Linux)
                add("filled by MAP_POPULATE") { timed { _ = fresh(huge: false, flags: Int32(MAP_POPULATE)) } }
            #endif
            add("written again") {
                fresh(huge: false).map { memory in
                    memory.write(every: page)
                    return timed { memory.write(every: page) }
                }
            }
            observation.series = [bars]
            return observation
        },
        judge: { found, facts in
            let (first, again) = (found["first write, ns"]!, found["written again, ns"]!)
            return (
                first > 3 * again ? .supported : .refuted,
                "The first write to a page of \(pageText(facts.pageBytes)) takes \(text(first, 0)) ns, a later one \(text(again, 1)): \(text(first / again, 0)) times. In huge pages the first write comes to \(text(found["first write, huge pages, ns"]!, 0)) ns for as much memory\(found["filled by MAP_POPULATE, ns"].map { ", filled by MAP_POPULATE to \(text($0, 0))" } ?? ""). A first read takes \(text(found["first read, ns"]!, 0)) ns and a first write after it \(text(found["first write after a read, ns"]!, 0)): who reads first pays twice. Memory that is used again costs none of this."
            )
        })
}

/// Memory that nobody has touched.
@safe private final class FreshMemory {
    private let base: UnsafeMutableRawPointer
    private let byteCount: Int

    init?(byteCount: Int, huge: Bool, flags: Int32) {
        self.byteCount = byteCount
        let flags = MAP_PRIVATE | Int32(MAP_ANONYMOUS) | flags
        guard let memory = unsafe mmap(nil, byteCount, PROT_READ | PROT_WRITE, flags, -1, 0), unsafe memory != MAP_FAILED
        else { return nil }
        unsafe base = memory
        unsafe madvise(base, byteCount, Int32(huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE))
    }
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
