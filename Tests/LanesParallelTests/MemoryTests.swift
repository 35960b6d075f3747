import Foundation
import Lanes
import LanesParallel
import Testing

/// Whether the system tells a process where its pages are, asked without the code under test: containers may forbid the question.
private let systemTellsNodes: Bool = {
    typealias MovePages =
        @convention(c) (
            Int32, UInt, UnsafeMutablePointer<UnsafeMutableRawPointer?>, UnsafePointer<Int32>?, UnsafeMutablePointer<Int32>,
            Int32
        ) -> Int
    guard let function = unsafe dlsym(nil, "numa_move_pages") else { return false }
    let page = UnsafeMutableRawPointer.allocate(byteCount: 8192, alignment: 4096)
    defer { unsafe page.deallocate() }
    unsafe page.storeBytes(of: 1, as: UInt8.self)
    var (address, status) = unsafe (UnsafeMutableRawPointer?.some(page), Int32(-1))
    return unsafe unsafeBitCast(function, to: MovePages.self)(0, 1, &address, nil, &status, 0) == 0 && status >= 0
}()

@Suite struct MemoryTests {
    @Test func impossibleSizesAreErrors() {
        for count in [1 << 45, Int.max / 4, Int.max] {
            #expect(throws: AllocationError(count: count, elementByteCount: 8)) {
                _ = try Buffer<Double>(allocating: count)
            }
            #expect(throws: AllocationError.self) { _ = try Buffer<Double>(count: count, placement: .interleaved) }
        }
        // The next call works.
        #expect((try? Buffer<Float>(allocating: 10))?.count == 10)
    }

    @Test(arguments: [MemoryPlacement.firstTouch, .local, .node(MemoryNodes.all[0]), .interleaved], [0, 1, 1000, 3_000_000])
    func placedMemoryIsZeroAndWhereItWasAsked(placement: MemoryPlacement, count: Int) throws {
        var buffer = try Buffer<Float>(count: count, placement: placement)
        #expect(buffer.count == count)
        #expect(sum(buffer) == 0 && maximum(buffer) <= 0)
        for index in stride(from: 0, to: count, by: 512) { buffer[index] = 1 }
        let residency = buffer.residency()
        #expect(residency.pageBytes >= 4096)
        let isTold = count > 0 && systemTellsNodes
        #expect(isTold != residency.bytesByNode.isEmpty)
        if isTold, case .node(let node) = placement {
            #expect(Array(residency.bytesByNode.keys) == [node])
        }
        #expect(residency.hugePageBytes <= count * 4)
        let told = residency.bytesByNode.values.reduce(0, +)
        #expect(told <= count * 4)
    }

    @Test func missingNodesAreErrors() {
        #expect(throws: MemoryNodeError(node: 777, available: MemoryNodes.all)) {
            _ = try Buffer<Float>(count: 10, placement: .node(777))
        }
    }

    @Test(arguments: [1, 2, 4]) func lanesTouchTheirPages(lanes: Int) throws {
        let pool = WorkerPool(lanes: lanes)
        let buffer = try Buffer<Double>(count: 1_500_000, touchedBy: pool)
        let residency = buffer.residency()
        let told = residency.bytesByNode.values.reduce(0, +)
        #expect(told > 10_800_000 || !systemTellsNodes)  // nine tenths of the bytes
        #expect(sum(buffer) == 0)
    }

    @Test func largeBuffersAreZeroAndCopied() {
        var large = Buffer<Float>(repeating: 2, count: 2_000_000)
        #expect(sum(large) == 4_000_000)
        large[1_999_999] = 5
        #expect(Buffer(large.elements)[1_999_999] == 5)
        #expect(sum(Buffer<Float>(count: 5_000_000)) == 0)
    }

    /// Which memory is in huge pages is read from the system's list of mappings, and mappings of others do not count.
    @Test func hugePagesAreCounted() {
        let maps = """
            7f0000000000-7f0000400000 rw-p 00000000 00:00 0
            Size:               4096 kB
            AnonHugePages:      4096 kB
            7f0000400000-7f0000600000 rw-p 00000000 00:00 0 [anon: other]
            AnonHugePages:      2048 kB
            7f0000600000-7f0000800000 rw-p 00000000 00:00 0
            AnonHugePages:         0 kB
            """
        func bytes(_ start: UInt, _ count: Int) -> Int { HugePages.bytes(maps: maps, from: start, byteCount: count) }
        #expect(bytes(0x7f00_0000_0000, 4 << 20) == 4 << 20)
        #expect(bytes(0x7f00_0020_0000, 2 << 20) == 2 << 20)
        #expect(bytes(0x7f00_0060_0000, 2 << 20) == 0)
        #expect(bytes(0x7f00_0040_0000, 4 << 20) == 2 << 20)
        #expect(bytes(0x7f00_0080_0000, 1 << 20) == 0 && HugePages.bytes(maps: "", from: 0, byteCount: 1) == 0)
    }
}
