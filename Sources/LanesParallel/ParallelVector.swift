internal import CKernels
import Foundation
import Lanes

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

/// Elementwise operations, streams and reductions on the pool's lanes: the same bits as on one thread. Vectors of up to
/// 16,384 elements, and those of up to 245,760 while the workers sleep, stay on the calling thread.
extension WorkerPool {
    /// y = relu(x). See `relu` for one thread.
    public func relu<Element: LaneElement>(_ x: borrowing Buffer<Element>, into y: inout Buffer<Element>) {
        requireEqual("relu", x.count, y.count)
        nonisolated(unsafe) let kernels = unsafe Element.laneKernels.vector
        let (from, to) = unsafe (Shared(x.base), Shared(y.base))
        run(over: y.count) { unsafe kernels.pointee.relu(Int64($0.count), from.at($0), to.at($0)) }
    }

    /// y = eˣ.
    public func exp<Element: LaneElement>(_ x: borrowing Buffer<Element>, into y: inout Buffer<Element>) {
        requireEqual("exp", x.count, y.count)
        nonisolated(unsafe) let kernels = unsafe Element.laneKernels.vector
        let (from, to) = unsafe (Shared(x.base), Shared(y.base))
        run(over: y.count) { unsafe kernels.pointee.exp(Int64($0.count), from.at($0), to.at($0)) }
    }

    /// y = the natural logarithm of x.
    public func log<Element: LaneElement>(_ x: borrowing Buffer<Element>, into y: inout Buffer<Element>) {
        requireEqual("log", x.count, y.count)
        nonisolated(unsafe) let kernels = unsafe Element.laneKernels.vector
        let (from, to) = unsafe (Shared(x.base), Shared(y.base))
        run(over: y.count) { unsafe kernels.pointee.log(Int64($0.count), from.at($0), to.at($0)) }
    }

    /// y = a·x + y, each element rounded once.
    public func axpy<Element: LaneElement>(_ a: Element, _ x: borrowing Buffer<Element>, into y: inout Buffer<Element>) {
        requireEqual("axpy", x.count, y.count)
        nonisolated(unsafe) let kernels = unsafe Element.laneKernels.vector
        let (from, to) = unsafe (Shared(x.base), Shared(y.base))
        run(over: y.count) { unsafe kernels.pointee.axpy(Int64($0.count), Double(a), from.at($0), to.at($0)) }
    }

    /// z = a everywhere.
    public func fill<Element: LaneElement>(_ z: inout Buffer<Element>, with a: Element, stores: Stores = .automatic) {
        nonisolated(unsafe) let kernels = unsafe Element.laneKernels.vector
        let to = unsafe Shared(z.base)
        let streaming = stores.isStreaming(byteCount: z.count * MemoryLayout<Element>.stride)
        run(over: z.count) { unsafe kernels.pointee.fill(Int64($0.count), Double(a), to.at($0), streaming) }
    }

    /// z = x.
    public func copy<Element: LaneElement>(
        _ x: borrowing Buffer<Element>, into z: inout Buffer<Element>, stores: Stores = .automatic
    ) {
        requireEqual("copy", x.count, z.count)
        nonisolated(unsafe) let kernels = unsafe Element.laneKernels.vector
        let (from, to) = unsafe (Shared(x.base), Shared(z.base))
        let streaming = stores.isStreaming(byteCount: z.count * MemoryLayout<Element>.stride)
        run(over: z.count) { unsafe kernels.pointee.copy(Int64($0.count), from.at($0), to.at($0), streaming) }
    }

    /// z = a·x.
    public func scale<Element: LaneElement>(
        _ a: Element, _ x: borrowing Buffer<Element>, into z: inout Buffer<Element>, stores: Stores = .automatic
    ) {
        requireEqual("scale", x.count, z.count)
        nonisolated(unsafe) let kernels = unsafe Element.laneKernels.vector
        let (from, to) = unsafe (Shared(x.base), Shared(z.base))
        let streaming = stores.isStreaming(byteCount: z.count * MemoryLayout<Element>.stride)
        run(over: z.count) { unsafe kernels.pointee.scale(Int64($0.count), Double(a), from.at($0), to.at($0), streaming) }
    }

    /// z = x + y.
    public func add<Element: LaneElement>(
        _ x: borrowing Buffer<Element>, _ y: borrowing Buffer<Element>, into z: inout Buffer<Element>,
        stores: Stores = .automatic
    ) {
        requireEqual("add", x.count, y.count)
        requireEqual("add", x.count, z.count)
        nonisolated(unsafe) let kernels = unsafe Element.laneKernels.vector
        let (first, second, to) = unsafe (Shared(x.base), Shared(y.base), Shared(z.base))
        let streaming = stores.isStreaming(byteCount: z.count * MemoryLayout<Element>.stride)
        run(over: z.count) {
            unsafe kernels.pointee.add(Int64($0.count), first.at($0), second.at($0), to.at($0), streaming)
        }
    }

    /// z = x + a·y, each element rounded once: the triad of the STREAM benchmark.
    public func triad<Element: LaneElement>(
        _ a: Element, _ x: borrowing Buffer<Element>, _ y: borrowing Buffer<Element>, into z: inout Buffer<Element>,
        stores: Stores = .automatic
    ) {
        requireEqual("triad", x.count, y.count)
        requireEqual("triad", x.count, z.count)
        nonisolated(unsafe) let kernels = unsafe Element.laneKernels.vector
        let (first, second, to) = unsafe (Shared(x.base), Shared(y.base), Shared(z.base))
        let streaming = stores.isStreaming(byteCount: z.count * MemoryLayout<Element>.stride)
        run(over: z.count) {
            unsafe kernels.pointee.triad(Int64($0.count), Double(a), first.at($0), second.at($0), to.at($0), streaming)
        }
    }

    /// The sum of the elements: chunks are added in ascending order, whoever summed them.
    public func sum<Element: LaneElement>(_ x: borrowing Buffer<Element>) -> Element {
        nonisolated(unsafe) let kernels = unsafe Element.laneKernels.vector
        let from = unsafe Shared(x.base)
        return reduce(x.count) { unsafe Element(kernels.pointee.sum(Int64($0.count), from.at($0))) }.reduce(0, +)
    }

    /// The scalar product, by multiply-adds.
    public func dot<Element: LaneElement>(_ x: borrowing Buffer<Element>, _ y: borrowing Buffer<Element>) -> Element {
        requireEqual("dot", x.count, y.count)
        nonisolated(unsafe) let kernels = unsafe Element.laneKernels.vector
        let (first, second) = unsafe (Shared(x.base), Shared(y.base))
        return reduce(x.count) { unsafe Element(kernels.pointee.dot(Int64($0.count), first.at($0), second.at($0))) }.reduce(
            0, +)
    }

    /// The largest element that is a number; -∞ where there is none.
    public func maximum<Element: LaneElement>(_ x: borrowing Buffer<Element>) -> Element {
        nonisolated(unsafe) let kernels = unsafe Element.laneKernels.vector
        let from = unsafe Shared(x.base)
        return reduce(x.count) { unsafe Element(kernels.pointee.maximum(Int64($0.count), from.at($0))) }
            .reduce(-Element.infinity) { $1 > $0 ? $1 : $0 }
    }

    // Calls `body` for a run of whole chunks in each lane.
    private func run(over count: Int, _ body: @Sendable (Range<Int>) -> Void) {
        let chunk = Int(CK_VECTOR_CHUNK)
        let chunks = (count + chunk - 1) / chunk
        guard chunks >= 2 else { return body(0..<count) }
        let part = { @Sendable (lane: Int, lanes: Int) in
            let mine = WorkerPool.block(lane, of: lanes, count: chunks)
            if !mine.isEmpty { body(mine.lowerBound * chunk..<min(mine.upperBound * chunk, count)) }
        }
        if chunks >= 16 {
            run(most: chunks, part)
        } else if !runIfAwake(most: chunks, part) {
            body(0..<count)
        }
    }

    // The results of all chunks, in order.
    private func reduce<Element: LaneElement>(_ count: Int, _ body: @Sendable (Range<Int>) -> Element) -> [Element] {
        let chunk = Int(CK_VECTOR_CHUNK)
        let chunks = (count + chunk - 1) / chunk
        return unsafe [Element](unsafeUninitializedCapacity: chunks) { results, initialized in
            let shared = unsafe Shared(results.baseAddress)
            run(over: count) { range in
                for start in stride(from: range.lowerBound, to: range.upperBound, by: chunk) {
                    unsafe shared.base![start / chunk] = body(start..<min(start + chunk, range.upperBound))
                }
            }
            initialized = chunks
        }
    }
}

// A pointer on its way to several lanes, which use parts of its memory that do not overlap while its owner is borrowed.
@unsafe private struct Shared<Element>: @unchecked Sendable {
    let base: UnsafeMutablePointer<Element>?
    init(_ base: UnsafeMutablePointer<Element>?) { unsafe self.base = unsafe base }
    func at(_ range: Range<Int>) -> UnsafeMutablePointer<Element> { unsafe base! + range.lowerBound }
}

private func requireEqual(_ operation: String, _ x: Int, _ y: Int) {
    guard x == y else { fatalError("\(operation): x has \(x) elements, y has \(y)") }
}
