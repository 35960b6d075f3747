internal import CKernels

/// Rectifies in place: negative elements become +0. -0 and NaN stay as they are.
public func relu<Element: LaneElement>(_ x: inout Buffer<Element>) {
    unsafe rectify(x.count, x.base, x.base)
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
    guard x.count == y.count else { stop("relu: x has \(x.count) elements, y has \(y.count)") }
    unsafe rectify(x.count, x.base, y.base)
}

/// Rectifies a matrix in place: negative elements become +0. -0 and NaN stay as they are.
public func relu<Element: LaneElement>(_ x: inout Matrix<Element>) {
    unsafe rectify(x.buffer.count, x.buffer.base, x.buffer.base)
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
    let kernels = unsafe ck_vector()!.pointee
    let count = Int64(x.count)
    let dx = unsafe UnsafeMutableRawPointer(result.base)
    let forward = unsafe UnsafeRawPointer(x.base)
    let dy = unsafe UnsafeRawPointer(gradient.base)
    if Element.self == Float.self {
        unsafe kernels.relu_backward_f32(
            count, forward.assumingMemoryBound(to: Float.self), dy.assumingMemoryBound(to: Float.self),
            dx.assumingMemoryBound(to: Float.self))
    } else if Element.self == Double.self {
        unsafe kernels.relu_backward_f64(
            count, forward.assumingMemoryBound(to: Double.self), dy.assumingMemoryBound(to: Double.self),
            dx.assumingMemoryBound(to: Double.self))
    } else {
        stop("reluBackward: \(Element.self) is not supported, only Float and Double")
    }
}

private func rectify<Element: LaneElement>(
    _ count: Int, _ x: UnsafeMutablePointer<Element>, _ y: UnsafeMutablePointer<Element>
) {
    let kernels = unsafe ck_vector()!.pointee
    let from = UnsafeMutableRawPointer(x)
    let to = UnsafeMutableRawPointer(y)
    if Element.self == Float.self {
        unsafe kernels.relu_f32(
            Int64(count), from.assumingMemoryBound(to: Float.self), to.assumingMemoryBound(to: Float.self))
    } else if Element.self == Double.self {
        unsafe kernels.relu_f64(
            Int64(count), from.assumingMemoryBound(to: Double.self), to.assumingMemoryBound(to: Double.self))
    } else {
        stop("relu: \(Element.self) is not supported, only Float and Double")
    }
}
