internal import CKernels

/// A number that the kernels compute with: `Float` or `Double`.
///
/// Other types must not conform; operations on them stop with a message.
public protocol LaneElement: BinaryFloatingPoint, BitwiseCopyable, Sendable {}

extension Float: LaneElement {}
extension Double: LaneElement {}

/// Owned, contiguous memory for numbers, aligned to 128 bytes: two cache lines on most processors, which are fetched in
/// pairs, and one on some.
///
/// A buffer is not copied implicitly and frees its memory when it ends. Reach its elements by subscript, or all at once by
/// ``withSpan(_:)`` and ``withMutableSpan(_:)``.
///
/// ```swift
/// var x = Buffer<Float>(repeating: 1, count: 1000)
/// x[3] = -2
/// relu(&x)
/// ```
@safe public struct Buffer<Element: LaneElement>: ~Copyable {
    /// Bytes that every buffer's address is a multiple of.
    public static var alignment: Int { 128 }

    /// Number of elements.
    public let count: Int

    // Owned by this value alone from init to deinit. Never nil: an empty buffer owns one line.
    package let base: UnsafeMutablePointer<Element>

    /// Memory for `count` zeros.
    ///
    /// - Precondition: `count` is not negative, and its bytes fit in memory.
    public init(count: Int) {
        self.init(repeating: 0, count: count)
    }

    /// Memory for `count` times `value`.
    public init(repeating value: Element, count: Int) {
        self.init(uninitialized: count)
        unsafe base.initialize(repeating: value, count: count)
    }

    /// A copy of the elements of a span.
    public init(copying elements: Span<Element>) {
        self.init(uninitialized: elements.count)
        for index in elements.indices { unsafe base.advanced(by: index).initialize(to: elements[index]) }
    }

    /// A copy of an array's elements.
    public init(_ elements: [Element]) {
        self.init(copying: elements.span)
    }

    private init(uninitialized count: Int) {
        guard count >= 0 else { stop("Buffer: a negative count (\(count))") }
        let (byteCount, overflow) = count.multipliedReportingOverflow(by: MemoryLayout<Element>.stride)
        guard !overflow && byteCount < Int.max - 128 else { stop("Buffer: \(count) elements do not fit in memory") }
        self.count = count
        let memory = UnsafeMutableRawPointer.allocate(byteCount: max(byteCount, 128), alignment: 128)
        unsafe base = memory.bindMemory(to: Element.self, capacity: count)
    }

    deinit { unsafe UnsafeMutableRawPointer(base).deallocate() }

    /// The element at a position.
    ///
    /// - Precondition: `0 <= index < count`.
    public subscript(index: Int) -> Element {
        get {
            guard index >= 0 && index < count else { stop("Buffer: index \(index) is not in 0 ..< \(count)") }
            return unsafe base[index]
        }
        set {
            guard index >= 0 && index < count else { stop("Buffer: index \(index) is not in 0 ..< \(count)") }
            unsafe base[index] = newValue
        }
    }

    /// Calls `body` with all elements.
    public borrowing func withSpan<Result: ~Copyable, Failure: Error>(
        _ body: (Span<Element>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try unsafe body(UnsafeBufferPointer(start: base, count: count).span)
    }

    /// Calls `body` with all elements for changing.
    public mutating func withMutableSpan<Result: ~Copyable, Failure: Error>(
        _ body: (inout MutableSpan<Element>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        var span = unsafe UnsafeMutableBufferPointer(start: base, count: count).mutableSpan
        return try body(&span)
    }

    /// The elements in an array.
    public var elements: [Element] {
        unsafe Array(UnsafeBufferPointer(start: base, count: count))
    }
}

// A buffer owns its memory alone, so it may move between threads; concurrent reads are as safe as those of any value.
extension Buffer: @unchecked Sendable {}
