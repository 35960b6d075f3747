import Lanes
import LanesParallel
import Testing

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
        if count > 0, case .node(let node) = placement, !residency.bytesByNode.isEmpty {
            #expect(Array(residency.bytesByNode.keys) == [node])
        }
        #expect(residency.hugePageBytes <= count * 4)
        #expect(residency.bytesByNode.isEmpty || residency.bytesByNode.values.reduce(0, +) <= count * 4)
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
        #expect(residency.bytesByNode.isEmpty || residency.bytesByNode.values.reduce(0, +) > 1_500_000 * 8 * 9 / 10)
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
