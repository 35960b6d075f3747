internal import CKernels

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Bionic)
    import Bionic
#elseif canImport(Darwin)
    import Darwin
#endif

/// Owned, contiguous memory for numbers, aligned to 128 bytes: two cache lines on most processors, which are fetched in
/// pairs, and one on some.
///
/// A buffer is not copied implicitly and frees its memory when it ends. Reach its elements by subscript, or all at once by
/// ``withSpan(_:)`` and ``withMutableSpan(_:)``. Memory that cannot be had stops the program with a message, or is an error that is
/// thrown by ``init(allocating:)``.
///
/// Buffers of 4 MiB and more ask for huge pages, and no page of theirs exists before it is written: on a machine with several memory
/// nodes, pages come to the node of the thread that writes them first. `LanesParallel` places them otherwise.
///
/// ```swift
/// var x = Buffer<Float>(repeating: 1, count: 1000)
/// x[3] = -2
/// relu(&x)
/// ```
@frozen @safe public struct Buffer<Element: LaneElement>: ~Copyable, MutableLaneOperand {
    /// Bytes that every buffer's address is a multiple of.
    public static var alignment: Int { 128 }

    /// Number of elements.
    public let count: Int

    // Owned by this value alone from init to deinit. Never nil: an empty buffer owns one line.
    @usableFromInline package let base: UnsafeMutablePointer<Element>

    // Bytes of a mapping of its own, 0 for memory of the heap.
    package let mappedByteCount: Int

    /// Memory for `count` zeros.
    ///
    /// - Precondition: `count` is not negative, and its bytes can be had.
    public init(count: Int) {
        do { try self.init(allocating: count) } catch { stop("\(error)") }
    }

    /// Memory for `count` zeros, or an error where the system does not give it.
    public init(allocating count: Int) throws(AllocationError) {
        try self.init(allocating: count, mapped: false)
    }

    // Memory for zeros with pages of its own, however small it is.
    package init(mapping count: Int) throws(AllocationError) {
        try self.init(allocating: count, mapped: true)
    }

    private init(allocating count: Int, mapped: Bool) throws(AllocationError) {
        guard count >= 0 else { stop("Buffer: a negative count (\(count))") }
        let (byteCount, overflow) = count.multipliedReportingOverflow(by: MemoryLayout<Element>.stride)
        guard !overflow && byteCount < Int.max - Memory.hugePage else {
            throw AllocationError(count: count, elementByteCount: MemoryLayout<Element>.stride)
        }
        guard let memory = unsafe Memory.zeros(byteCount: max(byteCount, 128), mapped: mapped) else {
            throw AllocationError(count: count, elementByteCount: MemoryLayout<Element>.stride)
        }
        self.count = count
        unsafe base = memory.base.bindMemory(to: Element.self, capacity: count)
        mappedByteCount = unsafe memory.mappedByteCount
    }

    /// Memory for `count` times `value`.
    public init(repeating value: Element, count: Int) {
        self.init(count: count)
        if value != 0 || value.sign == .minus { unsafe base.update(repeating: value, count: count) }
    }

    /// A copy of the elements of a span.
    public init(copying elements: Span<Element>) {
        self.init(count: elements.count)
        unsafe elements.withUnsafeBufferPointer { source in
            if let first = source.baseAddress { unsafe base.update(from: first, count: source.count) }
        }
    }

    /// A copy of an array's elements.
    public init(_ elements: [Element]) {
        self.init(copying: elements.span)
    }

    deinit { unsafe Memory.free(base, mappedByteCount: mappedByteCount) }

    /// The element at a position.
    ///
    /// - Precondition: `0 <= index < count`.
    @inlinable public subscript(index: Int, file: StaticString = #fileID, line: UInt = #line) -> Element {
        get {
            if index < 0 || index >= count { isOutside(index, count, file, line) }
            return unsafe base[index]
        }
        set {
            if index < 0 || index >= count { isOutside(index, count, file, line) }
            unsafe base[index] = newValue
        }
    }

    /// All elements.
    @inlinable public var span: Span<Element> {
        @_lifetime(borrow self) get {
            let span = unsafe Span(_unsafeStart: UnsafePointer(base), count: count)
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }

    /// All elements for changing.
    @inlinable public var mutableSpan: MutableSpan<Element> {
        @_lifetime(&self) mutating get {
            let span = unsafe MutableSpan(_unsafeStart: base, count: count)
            return unsafe _overrideLifetime(span, mutating: &self)
        }
    }

    /// All elements for changing.
    @inlinable @_lifetime(&self) public mutating func elementsForWriting() -> MutableSpan<Element> {
        let span = unsafe MutableSpan(_unsafeStart: base, count: count)
        return unsafe _overrideLifetime(span, mutating: &self)
    }

    /// How many elements there are.
    @inlinable public var shape: OperandShape { OperandShape(count: count) }

    /// A buffer with the same elements in memory of its own.
    public borrowing func copy() -> Buffer { Buffer(copying: span) }

    /// Calls `body` with all elements; ``span`` is the same without a closure.
    public borrowing func withSpan<Result: ~Copyable, Failure: Error>(
        _ body: (Span<Element>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try unsafe body(UnsafeBufferPointer(start: base, count: count).span)
    }

    /// Calls `body` with all elements for changing; ``mutableSpan`` is the same without a closure.
    public mutating func withMutableSpan<Result: ~Copyable, Failure: Error>(
        _ body: (inout MutableSpan<Element>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        var span = unsafe UnsafeMutableBufferPointer(start: base, count: count).mutableSpan
        return try body(&span)
    }

    /// The number of elements and the elements, of large buffers the first and last ones: `print(x.description)`.
    public var description: String { "\(count) [\(abbreviated(count) { "\(self[$0])" })]" }

    /// The elements in an array.
    public var elements: [Element] {
        unsafe Array(UnsafeBufferPointer(start: base, count: count))
    }
}

// A buffer owns its memory alone, so it may move between threads; concurrent reads are as safe as those of any value.
extension Buffer: @unchecked Sendable {}

@inline(never) @usableFromInline
internal func isOutside(_ index: Int, _ count: Int, _ file: StaticString, _ line: UInt) -> Never {
    stop("Buffer: index \(index) is not in 0 ..< \(count)", file, line)
}

/// Memory that the system did not give.
public struct AllocationError: Error, Equatable, CustomStringConvertible {
    /// Elements asked for, and bytes of each.
    public let count: Int
    /// Bytes of one element.
    public let elementByteCount: Int

    /// An error about so many elements of so many bytes.
    public init(count: Int, elementByteCount: Int) {
        self.count = count
        self.elementByteCount = elementByteCount
    }

    /// The count and the bytes that could not be had.
    public var description: String {
        "Buffer: the system does not give memory for \(count) elements of \(elementByteCount) bytes"
    }
}

// The name is taken inside Memory.
private func freeHeap(_ base: UnsafeMutableRawPointer) { unsafe free(base) }

// Where buffers come from: the heap, or for large ones a mapping that can have huge pages.
@safe private enum Memory {
    static var hugePage: Int { 2 << 20 }

    static func zeros(byteCount: Int, mapped: Bool) -> (base: UnsafeMutableRawPointer, mappedByteCount: Int)? {
        guard mapped || byteCount >= 2 * hugePage else {
            var memory: UnsafeMutableRawPointer?
            guard unsafe posix_memalign(&memory, 128, byteCount) == 0, let base = unsafe memory else { return nil }
            unsafe memset(base, 0, byteCount)
            return unsafe (base, 0)
        }
        // One huge page more, so that the buffer can begin at a multiple of its size; what is over is given back.
        let whole = (byteCount + hugePage - 1) / hugePage * hugePage
        let mapping = unsafe mmap(nil, whole + hugePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)!
        guard unsafe mapping != MAP_FAILED else { return nil }
        let head = (hugePage - Int(bitPattern: mapping) % hugePage) % hugePage
        if head > 0 { unsafe munmap(mapping, head) }
        unsafe munmap(mapping + head + whole, hugePage - head)
        #if os(Linux)
            unsafe madvise(mapping + head, whole, Int32(MADV_HUGEPAGE))
        #endif
        return unsafe (mapping + head, whole)
    }

    static func free(_ base: UnsafeMutableRawPointer, mappedByteCount: Int) {
        if mappedByteCount > 0 {
            unsafe munmap(base, mappedByteCount)
        } else {
            unsafe freeHeap(base)
        }
    }

}
