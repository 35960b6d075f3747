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

/// Whether stores go past the caches.
public enum Stores: Sendable {
    /// Past the caches where the output is larger than half of the last-level cache.
    case automatic
    /// Ordinary stores; stores past the caches.
    case cached, streaming

    internal func isStreaming(byteCount: Int) -> Bool {
        switch self {
        case .automatic: byteCount > Stores.large
        case .cached: false
        case .streaming: true
        }
    }

    private static let large: Int = {
        #if os(Linux)
            let lastLevel = Int(sysconf(Int32(_SC_LEVEL3_CACHE_SIZE)))
        #else
            let lastLevel = 0
        #endif
        return max(lastLevel, 8 << 20) / 2
    }()
}

// A function of one number, with the numbers that belong to it.
@usableFromInline internal enum UnaryOperation<Element: LaneElement>: Sendable {
    case relu, exp, log, tanh, sigmoid, gelu, squareRoot, absolute, negate, copy
    case fill(Element)
    case scale(Element)
    case affine(Element, Element)
    case clamp(Element, Element)
    case axpy(Element)
    case divide(Element)

    fileprivate func run(
        _ kernels: UnsafePointer<ck_vector_kernels>, _ count: Int, _ x: UnsafePointer<Element>,
        _ y: UnsafeMutablePointer<Element>,
        _ streaming: Bool
    ) {
        let n = Int64(count)
        switch self {
        case .relu: unsafe kernels.pointee.relu(n, x, y)
        case .exp: unsafe kernels.pointee.exp(n, x, y)
        case .log: unsafe kernels.pointee.log(n, x, y)
        case .tanh: unsafe kernels.pointee.tanh(n, x, y)
        case .sigmoid: unsafe kernels.pointee.sigmoid(n, x, y)
        case .gelu: unsafe kernels.pointee.gelu(n, x, y)
        case .squareRoot: unsafe kernels.pointee.square_root(n, x, y, streaming)
        case .absolute: unsafe kernels.pointee.absolute(n, x, y, streaming)
        case .negate: unsafe kernels.pointee.scale(n, -1, x, y, streaming)
        case .copy: unsafe kernels.pointee.copy(n, x, y, streaming)
        case .fill(let a): unsafe kernels.pointee.fill(n, Double(a), y, streaming)
        case .scale(let a): unsafe kernels.pointee.scale(n, Double(a), x, y, streaming)
        case .affine(let a, let b): unsafe kernels.pointee.affine(n, Double(a), Double(b), x, y, streaming)
        case .clamp(let low, let high): unsafe kernels.pointee.clamp(n, Double(low), Double(high), x, y, streaming)
        case .axpy(let a): unsafe kernels.pointee.axpy(n, Double(a), x, y)
        case .divide(let a):
            // A matrix of one row, divided by a column of one number.
            unsafe withUnsafePointer(to: a) {
                unsafe Element.laneKernels.matrix.pointee.combine_column(CK_DIVIDE, 1, n, x, n, $0, y, n)
            }
        }
    }
}

// A function of two numbers.
@usableFromInline internal enum BinaryOperation<Element: LaneElement>: Sendable {
    case add, subtract, multiply, divide, smaller, larger, reluBackward
    case triad(Element)

    fileprivate func run(
        _ kernels: UnsafePointer<ck_vector_kernels>, _ count: Int, _ x: UnsafePointer<Element>, _ y: UnsafePointer<Element>,
        _ z: UnsafeMutablePointer<Element>, _ streaming: Bool
    ) {
        let n = Int64(count)
        switch self {
        case .add: unsafe kernels.pointee.add(n, x, y, z, streaming)
        case .subtract: unsafe kernels.pointee.subtract(n, x, y, z, streaming)
        case .multiply: unsafe kernels.pointee.multiply(n, x, y, z, streaming)
        case .divide: unsafe kernels.pointee.divide(n, x, y, z, streaming)
        case .smaller: unsafe kernels.pointee.smaller(n, x, y, z, streaming)
        case .larger: unsafe kernels.pointee.larger(n, x, y, z, streaming)
        case .reluBackward: unsafe kernels.pointee.relu_backward(n, x, y, z)
        case .triad(let a): unsafe kernels.pointee.triad(n, Double(a), x, y, z, streaming)
        }
    }
}

// Shapes were compared before; an operand of a client's own may have other elements than its shape says.
internal func requireElements(_ x: Int, _ y: Int) {
    guard x == y else { stop("an operand's shape is not that of its \(y) elements: \(x) are needed") }
}

// The operands stay borrowed by the caller, and lanes use parts of them that do not overlap.

@_specialize(where Element == Float)
@_specialize(where Element == Double)
@usableFromInline internal func mapOne<Element: LaneElement>(
    _ operation: UnaryOperation<Element>, _ x: Span<Element>, into y: inout MutableSpan<Element>, _ stores: Stores,
    _ pool: LanePool
) {
    unsafe x.withUnsafeBufferPointer { x in
        unsafe y.withUnsafeMutableBufferPointer { y in
            requireElements(x.count, y.count)
            guard let from = x.baseAddress, let to = y.baseAddress else { return }
            unsafe run(operation, x.count, from, to, stores, pool)
        }
    }
}

@_specialize(where Element == Float)
@_specialize(where Element == Double)
@usableFromInline internal func mapOne<Element: LaneElement>(
    _ operation: UnaryOperation<Element>, _ x: inout MutableSpan<Element>, _ stores: Stores, _ pool: LanePool
) {
    unsafe x.withUnsafeMutableBufferPointer { x in
        guard let base = x.baseAddress else { return }
        unsafe run(operation, x.count, base, base, stores, pool)
    }
}

@_specialize(where Element == Float)
@_specialize(where Element == Double)
@usableFromInline internal func mapTwo<Element: LaneElement>(
    _ operation: BinaryOperation<Element>, _ x: Span<Element>, _ y: Span<Element>, into z: inout MutableSpan<Element>,
    _ stores: Stores, _ pool: LanePool
) {
    unsafe x.withUnsafeBufferPointer { x in
        unsafe y.withUnsafeBufferPointer { y in
            unsafe z.withUnsafeMutableBufferPointer { z in
                requireElements(x.count, y.count)
                requireElements(x.count, z.count)
                guard let first = x.baseAddress, let second = y.baseAddress, let to = z.baseAddress else { return }
                unsafe run(operation, x.count, first, second, to, stores, pool)
            }
        }
    }
}

@_specialize(where Element == Float)
@_specialize(where Element == Double)
@usableFromInline internal func mapTwo<Element: LaneElement>(
    _ operation: BinaryOperation<Element>, _ x: inout MutableSpan<Element>, _ y: Span<Element>, _ pool: LanePool
) {
    unsafe x.withUnsafeMutableBufferPointer { x in
        unsafe y.withUnsafeBufferPointer { y in
            requireElements(x.count, y.count)
            guard let base = x.baseAddress, let second = y.baseAddress else { return }
            unsafe run(operation, x.count, base, second, base, .cached, pool)
        }
    }
}

@inline(__always) @unsafe private func run<Element: LaneElement>(
    _ operation: UnaryOperation<Element>, _ count: Int, _ from: UnsafePointer<Element>, _ to: UnsafeMutablePointer<Element>,
    _ stores: Stores, _ pool: LanePool
) {
    nonisolated(unsafe) let (kernels, from, to) = unsafe (Element.laneKernels.vector, from, to)
    let streaming = stores.isStreaming(byteCount: count * MemoryLayout<Element>.stride)
    // Without a closure: a call of a few elements takes less than making one.
    guard unsafe pool.pool != nil else { return unsafe operation.run(kernels, count, from, to, streaming) }
    pool.run(over: count, grain: Int(CK_VECTOR_CHUNK), elements: count) { range in
        unsafe operation.run(kernels, range.count, from + range.lowerBound, to + range.lowerBound, streaming)
    }
}

@inline(__always) @unsafe private func run<Element: LaneElement>(
    _ operation: BinaryOperation<Element>, _ count: Int, _ first: UnsafePointer<Element>, _ second: UnsafePointer<Element>,
    _ to: UnsafeMutablePointer<Element>, _ stores: Stores, _ pool: LanePool
) {
    nonisolated(unsafe) let (kernels, first, second, to) = unsafe (Element.laneKernels.vector, first, second, to)
    let streaming = stores.isStreaming(byteCount: count * MemoryLayout<Element>.stride)
    guard unsafe pool.pool != nil else { return unsafe operation.run(kernels, count, first, second, to, streaming) }
    pool.run(over: count, grain: Int(CK_VECTOR_CHUNK), elements: count) { range in
        let start = range.lowerBound
        unsafe operation.run(kernels, range.count, first + start, second + start, to + start, streaming)
    }
}
