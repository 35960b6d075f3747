internal import CKernels

/// The sum of the elements, in a fixed order (`ck_vector.h`): the same bits on every instruction set and for any number of lanes.
@inlinable public func sum<X: LaneOperand & ~Copyable & ~Escapable>(
    _ x: borrowing X, on workers: some Workers = CallingThread()
)
    -> X.Element
{ reduce(.sum, x.span, workers.lanePool) }

/// The mean of the elements: their sum over their number, so NaN for none.
@inlinable public func mean<X: LaneOperand & ~Copyable & ~Escapable>(
    _ x: borrowing X, on workers: some Workers = CallingThread()
)
    -> X.Element
{ reduce(.sum, x.span, workers.lanePool) / X.Element(x.shape.count) }

/// The scalar product, by multiply-adds in a fixed order: the same bits on every instruction set and for any number of lanes.
///
/// - Precondition: `y` has the shape of `x`.
@inlinable public func dot<X: LaneOperand & ~Copyable & ~Escapable, Y: LaneOperand & ~Copyable & ~Escapable>(
    _ x: borrowing X, _ y: borrowing Y, on workers: some Workers = CallingThread(), file: StaticString = #fileID,
    line: UInt = #line
) -> X.Element where X.Element == Y.Element {
    requireFit("dot", ("x", x.shape), ("y", y.shape), file, line)
    return reduceProducts(x.span, y.span, workers.lanePool)
}

/// The largest element that is a number; -∞ where there is none.
@inlinable public func maximum<X: LaneOperand & ~Copyable & ~Escapable>(
    _ x: borrowing X, on workers: some Workers = CallingThread()
) -> X.Element { reduce(.maximum, x.span, workers.lanePool) }

/// The smallest element that is a number; ∞ where there is none.
@inlinable public func minimum<X: LaneOperand & ~Copyable & ~Escapable>(
    _ x: borrowing X, on workers: some Workers = CallingThread()
) -> X.Element { reduce(.minimum, x.span, workers.lanePool) }

/// Where the largest element that is a number stands, the first of equal ones; nil where there is none.
@inlinable public func argmax<X: LaneOperand & ~Copyable & ~Escapable>(
    _ x: borrowing X, on workers: some Workers = CallingThread()
) -> Int? { position(of: reduce(.maximum, x.span, workers.lanePool), in: x.span) }

/// Where the smallest element that is a number stands, the first of equal ones; nil where there is none.
@inlinable public func argmin<X: LaneOperand & ~Copyable & ~Escapable>(
    _ x: borrowing X, on workers: some Workers = CallingThread()
) -> Int? { position(of: reduce(.minimum, x.span, workers.lanePool), in: x.span) }

/// How the size of a vector is measured.
public enum Norm: Sendable {
    /// The sum of sizes, the square root of the sum of squares, the largest size.
    case one, two, maximum
}

/// A norm of the elements. The 2-norm overflows where a square does; the maximum norm is that of the elements that are numbers, NaN
/// where none of some is.
@inlinable public func norm<X: LaneOperand & ~Copyable & ~Escapable>(
    _ x: borrowing X, _ norm: Norm = .two, on workers: some Workers = CallingThread()
) -> X.Element {
    switch norm {
    case .one: return reduce(.absoluteSum, x.span, workers.lanePool)
    case .two: return reduceProducts(x.span, x.span, workers.lanePool).squareRoot()
    case .maximum:
        if x.shape.count == 0 { return 0 }
        let (low, high) = (reduce(.minimum, x.span, workers.lanePool), reduce(.maximum, x.span, workers.lanePool))
        // Neither is an element where none is a number.
        return low > high ? .nan : Swift.max(Swift.abs(low), Swift.abs(high))
    }
}

// MARK: How they are done

@usableFromInline internal enum Reduction: Sendable {
    case sum, absoluteSum, maximum, minimum

    fileprivate func run<Element>(_ kernels: UnsafePointer<ck_vector_kernels>, _ count: Int, _ x: UnsafePointer<Element>)
        -> Double
    {
        switch self {
        case .sum: unsafe kernels.pointee.sum(Int64(count), x)
        case .absoluteSum: unsafe kernels.pointee.absolute_sum(Int64(count), x)
        case .maximum: unsafe kernels.pointee.maximum(Int64(count), x)
        case .minimum: unsafe kernels.pointee.minimum(Int64(count), x)
        }
    }

    fileprivate func joined<Element: LaneElement>(_ chunks: [Element]) -> Element {
        switch self {
        case .sum, .absoluteSum: chunks.reduce(0, +)
        case .maximum: chunks.reduce(-Element.infinity) { $1 > $0 ? $1 : $0 }
        case .minimum: chunks.reduce(Element.infinity) { $1 < $0 ? $1 : $0 }
        }
    }
}

@usableFromInline internal func reduce<Element: LaneElement>(_ reduction: Reduction, _ x: Span<Element>, _ pool: LanePool)
    -> Element
{
    unsafe x.withUnsafeBufferPointer { x in
        guard let base = x.baseAddress else { return reduction.joined([] as [Element]) }
        nonisolated(unsafe) let (kernels, from) = unsafe (Element.laneKernels.vector, base)
        guard unsafe pool.pool != nil else { return unsafe Element(reduction.run(kernels, x.count, from)) }
        return reduction.joined(
            chunks(x.count, pool) { range in unsafe Element(reduction.run(kernels, range.count, from + range.lowerBound)) })
    }
}

@usableFromInline internal func reduceProducts<Element: LaneElement>(_ x: Span<Element>, _ y: Span<Element>, _ pool: LanePool)
    -> Element
{
    unsafe x.withUnsafeBufferPointer { x in
        unsafe y.withUnsafeBufferPointer { y in
            requireElements(x.count, y.count)
            guard let first = x.baseAddress, let second = y.baseAddress else { return 0 }
            nonisolated(unsafe) let (kernels, a, b) = unsafe (Element.laneKernels.vector, first, second)
            guard unsafe pool.pool != nil else { return unsafe Element(kernels.pointee.dot(Int64(x.count), a, b)) }
            return chunks(x.count, pool) { range in
                unsafe Element(kernels.pointee.dot(Int64(range.count), a + range.lowerBound, b + range.lowerBound))
            }.reduce(0, +)
        }
    }
}

@usableFromInline internal func position<Element: LaneElement>(of value: Element, in x: Span<Element>) -> Int? {
    unsafe x.withUnsafeBufferPointer { x in
        guard let base = x.baseAddress else { return nil }
        var position: Int64 = -1
        unsafe withUnsafePointer(to: value) {
            unsafe Element.laneKernels.matrix.pointee.find_in_rows(1, Int64(x.count), base, Int64(x.count), $0, &position)
        }
        return position < 0 ? nil : Int(position)
    }
}

// The results of all chunks, in order, whoever computed them.
private func chunks<Element: LaneElement>(_ count: Int, _ pool: LanePool, _ body: @Sendable (Range<Int>) -> Element)
    -> [Element]
{
    let chunk = Int(CK_VECTOR_CHUNK)
    let total = (count + chunk - 1) / chunk
    return unsafe [Element](unsafeUninitializedCapacity: total) { results, initialized in
        nonisolated(unsafe) let to = results.baseAddress
        pool.run(over: count, grain: chunk, elements: count) { range in
            for start in stride(from: range.lowerBound, to: range.upperBound, by: chunk) {
                unsafe to![start / chunk] = body(start..<min(start + chunk, range.upperBound))
            }
        }
        initialized = total
    }
}
