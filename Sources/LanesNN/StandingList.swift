import Lanes

// Values that do not change, at an address that does not either, in cache lines that nobody writes.
@safe internal struct StandingList<Value: Sendable>: @unchecked Sendable {
    private let values: UnsafeMutableBufferPointer<Value>
    init(_ values: [Value]) {
        let byteCount = (values.count * MemoryLayout<Value>.stride + 127) / 128 * 128
        let memory = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 128)
        unsafe self.values = UnsafeMutableBufferPointer(
            start: memory.bindMemory(to: Value.self, capacity: values.count), count: values.count)
        _ = unsafe self.values.initialize(from: values)
    }
    var count: Int { unsafe values.count }
    subscript(index: Int) -> Value { unsafe values[index] }
    func deallocate() {
        unsafe values.deinitialize()
        unsafe UnsafeMutableRawPointer(values.baseAddress!).deallocate()
    }
}

// An array cannot hold a buffer, which is not copied.
internal final class BufferBox<Element: LaneElement> {
    let buffer: Buffer<Element>
    init(count: Int) { buffer = Buffer(count: count) }
}
