// Functions of one number for all elements of an operand. Every one has two forms: in place, and into another operand of the
// same shape. Both run on the calling thread, or with `on:` on the lanes of a pool, with the same bits.

/// y = relu(x): negative elements become +0. -0 and NaN stay as they are.
///
/// - Precondition: `y` has the shape of `x`.
///
/// ```swift
/// let x = Buffer<Float>([-1, 0, 2])
/// var y = Buffer<Float>(count: 3)
/// relu(x, into: &y)   // [0, 0, 2]
/// ```
@inlinable public func relu<X: LaneOperand & ~Copyable & ~Escapable, Y: MutableLaneOperand & ~Copyable & ~Escapable>(
    _ x: borrowing X, into y: inout Y, on workers: some Workers = CallingThread(), file: StaticString = #fileID,
    line: UInt = #line
) where X.Element == Y.Element {
    requireFit("relu", ("x", x.shape), ("y", y.shape), file, line)
    var target = y.elementsForWriting()
    mapOne(.relu, x.span, into: &target, .cached, workers.lanePool)
}

/// The same in place.
@inlinable public func relu<X: MutableLaneOperand & ~Copyable & ~Escapable>(
    _ x: inout X, on workers: some Workers = CallingThread()
) {
    var target = x.elementsForWriting()
    mapOne(.relu, &target, .cached, workers.lanePool)
}

/// y = eˣ, within 1 unit in the last place. NaN, infinities and overflow as in the C library.
///
/// - Precondition: `y` has the shape of `x`.
@inlinable public func exp<X: LaneOperand & ~Copyable & ~Escapable, Y: MutableLaneOperand & ~Copyable & ~Escapable>(
    _ x: borrowing X, into y: inout Y, on workers: some Workers = CallingThread(), file: StaticString = #fileID,
    line: UInt = #line
) where X.Element == Y.Element {
    requireFit("exp", ("x", x.shape), ("y", y.shape), file, line)
    var target = y.elementsForWriting()
    mapOne(.exp, x.span, into: &target, .cached, workers.lanePool)
}

/// The same in place.
@inlinable public func exp<X: MutableLaneOperand & ~Copyable & ~Escapable>(
    _ x: inout X, on workers: some Workers = CallingThread()
) {
    var target = x.elementsForWriting()
    mapOne(.exp, &target, .cached, workers.lanePool)
}

/// y = the natural logarithm of x, within 1 unit in the last place. 0 gives -∞, negative numbers give NaN.
///
/// - Precondition: `y` has the shape of `x`.
@inlinable public func log<X: LaneOperand & ~Copyable & ~Escapable, Y: MutableLaneOperand & ~Copyable & ~Escapable>(
    _ x: borrowing X, into y: inout Y, on workers: some Workers = CallingThread(), file: StaticString = #fileID,
    line: UInt = #line
) where X.Element == Y.Element {
    requireFit("log", ("x", x.shape), ("y", y.shape), file, line)
    var target = y.elementsForWriting()
    mapOne(.log, x.span, into: &target, .cached, workers.lanePool)
}

/// The same in place.
@inlinable public func log<X: MutableLaneOperand & ~Copyable & ~Escapable>(
    _ x: inout X, on workers: some Workers = CallingThread()
) {
    var target = x.elementsForWriting()
    mapOne(.log, &target, .cached, workers.lanePool)
}

/// y = the hyperbolic tangent of x, within 3 units in the last place.
///
/// - Precondition: `y` has the shape of `x`.
@inlinable public func tanh<X: LaneOperand & ~Copyable & ~Escapable, Y: MutableLaneOperand & ~Copyable & ~Escapable>(
    _ x: borrowing X, into y: inout Y, on workers: some Workers = CallingThread(), file: StaticString = #fileID,
    line: UInt = #line
) where X.Element == Y.Element {
    requireFit("tanh", ("x", x.shape), ("y", y.shape), file, line)
    var target = y.elementsForWriting()
    mapOne(.tanh, x.span, into: &target, .cached, workers.lanePool)
}

/// The same in place.
@inlinable public func tanh<X: MutableLaneOperand & ~Copyable & ~Escapable>(
    _ x: inout X, on workers: some Workers = CallingThread()
) {
    var target = x.elementsForWriting()
    mapOne(.tanh, &target, .cached, workers.lanePool)
}

/// y = 1 / (1 + e⁻ˣ), within 3 units in the last place. +0 where x < -87 (`Double`: -708), so no result is subnormal.
///
/// - Precondition: `y` has the shape of `x`.
@inlinable public func sigmoid<X: LaneOperand & ~Copyable & ~Escapable, Y: MutableLaneOperand & ~Copyable & ~Escapable>(
    _ x: borrowing X, into y: inout Y, on workers: some Workers = CallingThread(), file: StaticString = #fileID,
    line: UInt = #line
) where X.Element == Y.Element {
    requireFit("sigmoid", ("x", x.shape), ("y", y.shape), file, line)
    var target = y.elementsForWriting()
    mapOne(.sigmoid, x.span, into: &target, .cached, workers.lanePool)
}

/// The same in place.
@inlinable public func sigmoid<X: MutableLaneOperand & ~Copyable & ~Escapable>(
    _ x: inout X, on workers: some Workers = CallingThread()
) {
    var target = x.elementsForWriting()
    mapOne(.sigmoid, &target, .cached, workers.lanePool)
}

/// y = x · sigmoid(2u), u = √(2/π) (x + 0.044715 x³): GELU in its tanh form (`F.gelu(x, approximate="tanh")`, `nn.gelu_approx`),
/// within 4 + 4 |u| units in the last place of the formula.
///
/// - Precondition: `y` has the shape of `x`.
@inlinable public func gelu<X: LaneOperand & ~Copyable & ~Escapable, Y: MutableLaneOperand & ~Copyable & ~Escapable>(
    _ x: borrowing X, into y: inout Y, on workers: some Workers = CallingThread(), file: StaticString = #fileID,
    line: UInt = #line
) where X.Element == Y.Element {
    requireFit("gelu", ("x", x.shape), ("y", y.shape), file, line)
    var target = y.elementsForWriting()
    mapOne(.gelu, x.span, into: &target, .cached, workers.lanePool)
}

/// The same in place.
@inlinable public func gelu<X: MutableLaneOperand & ~Copyable & ~Escapable>(
    _ x: inout X, on workers: some Workers = CallingThread()
) {
    var target = x.elementsForWriting()
    mapOne(.gelu, &target, .cached, workers.lanePool)
}

/// y = √x, correctly rounded. Negative numbers give NaN.
///
/// - Precondition: `y` has the shape of `x`.
@inlinable public func squareRoot<X: LaneOperand & ~Copyable & ~Escapable, Y: MutableLaneOperand & ~Copyable & ~Escapable>(
    _ x: borrowing X, into y: inout Y, on workers: some Workers = CallingThread(), file: StaticString = #fileID,
    line: UInt = #line
) where X.Element == Y.Element {
    requireFit("squareRoot", ("x", x.shape), ("y", y.shape), file, line)
    var target = y.elementsForWriting()
    mapOne(.squareRoot, x.span, into: &target, .cached, workers.lanePool)
}

/// The same in place.
@inlinable public func squareRoot<X: MutableLaneOperand & ~Copyable & ~Escapable>(
    _ x: inout X, on workers: some Workers = CallingThread()
) {
    var target = x.elementsForWriting()
    mapOne(.squareRoot, &target, .cached, workers.lanePool)
}

/// y = |x|.
///
/// - Precondition: `y` has the shape of `x`.
@inlinable public func absolute<X: LaneOperand & ~Copyable & ~Escapable, Y: MutableLaneOperand & ~Copyable & ~Escapable>(
    _ x: borrowing X, into y: inout Y, on workers: some Workers = CallingThread(), file: StaticString = #fileID,
    line: UInt = #line
) where X.Element == Y.Element {
    requireFit("absolute", ("x", x.shape), ("y", y.shape), file, line)
    var target = y.elementsForWriting()
    mapOne(.absolute, x.span, into: &target, .cached, workers.lanePool)
}

/// The same in place.
@inlinable public func absolute<X: MutableLaneOperand & ~Copyable & ~Escapable>(
    _ x: inout X, on workers: some Workers = CallingThread()
) {
    var target = x.elementsForWriting()
    mapOne(.absolute, &target, .cached, workers.lanePool)
}

/// y = -x.
///
/// - Precondition: `y` has the shape of `x`.
@inlinable public func negate<X: LaneOperand & ~Copyable & ~Escapable, Y: MutableLaneOperand & ~Copyable & ~Escapable>(
    _ x: borrowing X, into y: inout Y, on workers: some Workers = CallingThread(), file: StaticString = #fileID,
    line: UInt = #line
) where X.Element == Y.Element {
    requireFit("negate", ("x", x.shape), ("y", y.shape), file, line)
    var target = y.elementsForWriting()
    mapOne(.negate, x.span, into: &target, .cached, workers.lanePool)
}

/// The same in place.
@inlinable public func negate<X: MutableLaneOperand & ~Copyable & ~Escapable>(
    _ x: inout X, on workers: some Workers = CallingThread()
) {
    var target = x.elementsForWriting()
    mapOne(.negate, &target, .cached, workers.lanePool)
}

/// dx = x > 0 ? dy : 0: the backward pass of ReLU. The derivative at 0 is 0.
///
/// - Parameters:
///   - gradient: dy, the gradient of the output.
///   - x: the input of the forward pass, or its output, which gives the same result.
///   - result: dx, the gradient of the input.
///   - workers: the calling thread, or a pool.
///   - file: where a misuse is reported.
///   - line: where a misuse is reported.
/// - Precondition: all have the same shape.
@inlinable
public func reluBackward<
    G: LaneOperand & ~Copyable & ~Escapable, X: LaneOperand & ~Copyable & ~Escapable,
    R: MutableLaneOperand & ~Copyable & ~Escapable
>(
    _ gradient: borrowing G, at x: borrowing X, into result: inout R, on workers: some Workers = CallingThread(),
    file: StaticString = #fileID, line: UInt = #line
) where G.Element == X.Element, R.Element == X.Element {
    requireFit("reluBackward", ("dy", gradient.shape), ("x", x.shape), file, line)
    requireFit("reluBackward", ("x", x.shape), ("dx", result.shape), file, line)
    var target = result.elementsForWriting()
    mapTwo(.reluBackward, x.span, gradient.span, into: &target, .cached, workers.lanePool)
}
