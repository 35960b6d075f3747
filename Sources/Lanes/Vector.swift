internal import CKernels

// MARK: Elementwise

/// Rectifies in place: negative elements become +0. -0 and NaN stay as they are.
public func relu<Element: LaneElement>(_ x: inout Buffer<Element>) {
    unsafe Element.laneKernels.vector.pointee.relu(Int64(x.count), x.base, x.base)
}

/// y = relu(x): negative elements become +0. -0 and NaN stay as they are.
///
/// - Precondition: `y` has as many elements as `x`.
///
/// ```swift
/// let x = Buffer<Float>([-1, 0, 2])
/// var y = Buffer<Float>(count: 3)
/// relu(x, into: &y)   // [0, 0, 2]
/// ```
public func relu<Element: LaneElement>(_ x: borrowing Buffer<Element>, into y: inout Buffer<Element>) {
    requireEqual("relu", x.count, y.count)
    unsafe Element.laneKernels.vector.pointee.relu(Int64(x.count), x.base, y.base)
}

/// Rectifies a matrix in place: negative elements become +0. -0 and NaN stay as they are.
public func relu<Element: LaneElement>(_ x: inout Matrix<Element>) {
    unsafe Element.laneKernels.vector.pointee.relu(Int64(x.buffer.count), x.buffer.base, x.buffer.base)
}

/// The backward pass of ReLU: dx = x > 0 ? dy : 0. The derivative at 0 is 0.
///
/// - Parameters:
///   - gradient: dy, the gradient of the output.
///   - x: the input of the forward pass, or its output, which gives the same result.
///   - result: dx, the gradient of the input.
/// - Precondition: all have the same number of elements.
public func reluBackward<Element: LaneElement>(
    _ gradient: borrowing Buffer<Element>, at x: borrowing Buffer<Element>, into result: inout Buffer<Element>
) {
    guard gradient.count == x.count && x.count == result.count else {
        stop("reluBackward: dy has \(gradient.count) elements, x has \(x.count), dx has \(result.count)")
    }
    unsafe Element.laneKernels.vector.pointee.relu_backward(Int64(x.count), x.base, gradient.base, result.base)
}

/// y = eˣ for every element, within 2 units in the last place.
///
/// The same bits on every instruction set. NaN, infinities and overflow as in the C library.
public func exp<Element: LaneElement>(_ x: borrowing Buffer<Element>, into y: inout Buffer<Element>) {
    requireEqual("exp", x.count, y.count)
    unsafe Element.laneKernels.vector.pointee.exp(Int64(x.count), x.base, y.base)
}

/// y = the natural logarithm of every element, within 2 units in the last place. 0 gives -∞, negative numbers give NaN.
///
/// The same bits on every instruction set.
public func log<Element: LaneElement>(_ x: borrowing Buffer<Element>, into y: inout Buffer<Element>) {
    requireEqual("log", x.count, y.count)
    unsafe Element.laneKernels.vector.pointee.log(Int64(x.count), x.base, y.base)
}

/// y = a·x + y, each element rounded once.
public func axpy<Element: LaneElement>(_ a: Element, _ x: borrowing Buffer<Element>, into y: inout Buffer<Element>) {
    requireEqual("axpy", x.count, y.count)
    unsafe Element.laneKernels.vector.pointee.axpy(Int64(x.count), Double(a), x.base, y.base)
}

// MARK: Reductions

/// The sum of the elements, in a fixed order (`ck_vector.h`): the same bits on every instruction set and for any number of lanes.
public func sum<Element: LaneElement>(_ x: borrowing Buffer<Element>) -> Element {
    unsafe Element(Element.laneKernels.vector.pointee.sum(Int64(x.count), x.base))
}

/// The scalar product, by multiply-adds in a fixed order: the same bits on every instruction set and for any number of lanes.
///
/// - Precondition: `y` has as many elements as `x`.
public func dot<Element: LaneElement>(_ x: borrowing Buffer<Element>, _ y: borrowing Buffer<Element>) -> Element {
    requireEqual("dot", x.count, y.count)
    return unsafe Element(Element.laneKernels.vector.pointee.dot(Int64(x.count), x.base, y.base))
}

/// The largest element that is a number; -∞ where there is none.
public func maximum<Element: LaneElement>(_ x: borrowing Buffer<Element>) -> Element {
    unsafe Element(Element.laneKernels.vector.pointee.maximum(Int64(x.count), x.base))
}

private func requireEqual(_ operation: String, _ x: Int, _ y: Int) {
    guard x == y else { stop("\(operation): x has \(x) elements, y has \(y)") }
}
