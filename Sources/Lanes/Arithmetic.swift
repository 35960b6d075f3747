// Functions of two operands, and of an operand and numbers, for all elements: in place, and into another operand of the same
// shape; on the calling thread, or with `on:` on the lanes of a pool, with the same bits.

// MARK: Functions of two numbers

/// z = x + y.
///
/// - Precondition: all have the same shape.
@inlinable
public func add<
    X: LaneOperand & ~Copyable & ~Escapable, Z: LaneOperand & ~Copyable & ~Escapable,
    Y: MutableLaneOperand & ~Copyable & ~Escapable
>(
    _ x: borrowing X, _ y: borrowing Z, into z: inout Y, stores: Stores = .automatic,
    on workers: some Workers = CallingThread(), file: StaticString = #fileID, line: UInt = #line
) where X.Element == Y.Element, Z.Element == Y.Element {
    requireFit("add", ("x", x.shape), ("y", y.shape), file, line)
    requireFit("add", ("x", x.shape), ("z", z.shape), file, line)
    var target = z.elementsForWriting()
    mapTwo(.add, x.span, y.span, into: &target, stores, workers.lanePool)
}

/// x becomes x + y.
///
/// - Precondition: both have the same shape.
@inlinable public func add<X: MutableLaneOperand & ~Copyable & ~Escapable, Z: LaneOperand & ~Copyable & ~Escapable>(
    _ x: inout X, _ y: borrowing Z, on workers: some Workers = CallingThread(), file: StaticString = #fileID, line: UInt = #line
) where X.Element == Z.Element {
    requireFit("add", ("x", x.shape), ("y", y.shape), file, line)
    var target = x.elementsForWriting()
    mapTwo(.add, &target, y.span, workers.lanePool)
}

/// z = x - y.
///
/// - Precondition: all have the same shape.
@inlinable
public func subtract<
    X: LaneOperand & ~Copyable & ~Escapable, Z: LaneOperand & ~Copyable & ~Escapable,
    Y: MutableLaneOperand & ~Copyable & ~Escapable
>(
    _ x: borrowing X, _ y: borrowing Z, into z: inout Y, stores: Stores = .automatic,
    on workers: some Workers = CallingThread(), file: StaticString = #fileID, line: UInt = #line
) where X.Element == Y.Element, Z.Element == Y.Element {
    requireFit("subtract", ("x", x.shape), ("y", y.shape), file, line)
    requireFit("subtract", ("x", x.shape), ("z", z.shape), file, line)
    var target = z.elementsForWriting()
    mapTwo(.subtract, x.span, y.span, into: &target, stores, workers.lanePool)
}

/// x becomes x - y.
///
/// - Precondition: both have the same shape.
@inlinable public func subtract<X: MutableLaneOperand & ~Copyable & ~Escapable, Z: LaneOperand & ~Copyable & ~Escapable>(
    _ x: inout X, _ y: borrowing Z, on workers: some Workers = CallingThread(), file: StaticString = #fileID, line: UInt = #line
) where X.Element == Z.Element {
    requireFit("subtract", ("x", x.shape), ("y", y.shape), file, line)
    var target = x.elementsForWriting()
    mapTwo(.subtract, &target, y.span, workers.lanePool)
}

/// z = x · y, element by element; `multiply` is the matrix product.
///
/// - Precondition: all have the same shape.
@inlinable
public func multiplyElements<
    X: LaneOperand & ~Copyable & ~Escapable, Z: LaneOperand & ~Copyable & ~Escapable,
    Y: MutableLaneOperand & ~Copyable & ~Escapable
>(
    _ x: borrowing X, _ y: borrowing Z, into z: inout Y, stores: Stores = .automatic,
    on workers: some Workers = CallingThread(), file: StaticString = #fileID, line: UInt = #line
) where X.Element == Y.Element, Z.Element == Y.Element {
    requireFit("multiplyElements", ("x", x.shape), ("y", y.shape), file, line)
    requireFit("multiplyElements", ("x", x.shape), ("z", z.shape), file, line)
    var target = z.elementsForWriting()
    mapTwo(.multiply, x.span, y.span, into: &target, stores, workers.lanePool)
}

/// x becomes x · y.
///
/// - Precondition: both have the same shape.
@inlinable
public func multiplyElements<X: MutableLaneOperand & ~Copyable & ~Escapable, Z: LaneOperand & ~Copyable & ~Escapable>(
    _ x: inout X, _ y: borrowing Z, on workers: some Workers = CallingThread(), file: StaticString = #fileID, line: UInt = #line
) where X.Element == Z.Element {
    requireFit("multiplyElements", ("x", x.shape), ("y", y.shape), file, line)
    var target = x.elementsForWriting()
    mapTwo(.multiply, &target, y.span, workers.lanePool)
}

/// z = x / y.
///
/// - Precondition: all have the same shape.
@inlinable
public func divide<
    X: LaneOperand & ~Copyable & ~Escapable, Z: LaneOperand & ~Copyable & ~Escapable,
    Y: MutableLaneOperand & ~Copyable & ~Escapable
>(
    _ x: borrowing X, _ y: borrowing Z, into z: inout Y, stores: Stores = .automatic,
    on workers: some Workers = CallingThread(), file: StaticString = #fileID, line: UInt = #line
) where X.Element == Y.Element, Z.Element == Y.Element {
    requireFit("divide", ("x", x.shape), ("y", y.shape), file, line)
    requireFit("divide", ("x", x.shape), ("z", z.shape), file, line)
    var target = z.elementsForWriting()
    mapTwo(.divide, x.span, y.span, into: &target, stores, workers.lanePool)
}

/// x becomes x / y.
///
/// - Precondition: both have the same shape.
@inlinable public func divide<X: MutableLaneOperand & ~Copyable & ~Escapable, Z: LaneOperand & ~Copyable & ~Escapable>(
    _ x: inout X, _ y: borrowing Z, on workers: some Workers = CallingThread(), file: StaticString = #fileID, line: UInt = #line
) where X.Element == Z.Element {
    requireFit("divide", ("x", x.shape), ("y", y.shape), file, line)
    var target = x.elementsForWriting()
    mapTwo(.divide, &target, y.span, workers.lanePool)
}

/// z = x < y ? x : y: the smaller element, y's where either is NaN.
///
/// - Precondition: all have the same shape.
@inlinable
public func minimum<
    X: LaneOperand & ~Copyable & ~Escapable, Z: LaneOperand & ~Copyable & ~Escapable,
    Y: MutableLaneOperand & ~Copyable & ~Escapable
>(
    _ x: borrowing X, _ y: borrowing Z, into z: inout Y, stores: Stores = .automatic,
    on workers: some Workers = CallingThread(), file: StaticString = #fileID, line: UInt = #line
) where X.Element == Y.Element, Z.Element == Y.Element {
    requireFit("minimum", ("x", x.shape), ("y", y.shape), file, line)
    requireFit("minimum", ("x", x.shape), ("z", z.shape), file, line)
    var target = z.elementsForWriting()
    mapTwo(.smaller, x.span, y.span, into: &target, stores, workers.lanePool)
}

/// x becomes x < y ? x : y.
///
/// - Precondition: both have the same shape.
@inlinable public func minimum<X: MutableLaneOperand & ~Copyable & ~Escapable, Z: LaneOperand & ~Copyable & ~Escapable>(
    _ x: inout X, _ y: borrowing Z, on workers: some Workers = CallingThread(), file: StaticString = #fileID, line: UInt = #line
) where X.Element == Z.Element {
    requireFit("minimum", ("x", x.shape), ("y", y.shape), file, line)
    var target = x.elementsForWriting()
    mapTwo(.smaller, &target, y.span, workers.lanePool)
}

/// z = x > y ? x : y: the larger element, y's where either is NaN.
///
/// - Precondition: all have the same shape.
@inlinable
public func maximum<
    X: LaneOperand & ~Copyable & ~Escapable, Z: LaneOperand & ~Copyable & ~Escapable,
    Y: MutableLaneOperand & ~Copyable & ~Escapable
>(
    _ x: borrowing X, _ y: borrowing Z, into z: inout Y, stores: Stores = .automatic,
    on workers: some Workers = CallingThread(), file: StaticString = #fileID, line: UInt = #line
) where X.Element == Y.Element, Z.Element == Y.Element {
    requireFit("maximum", ("x", x.shape), ("y", y.shape), file, line)
    requireFit("maximum", ("x", x.shape), ("z", z.shape), file, line)
    var target = z.elementsForWriting()
    mapTwo(.larger, x.span, y.span, into: &target, stores, workers.lanePool)
}

/// x becomes x > y ? x : y.
///
/// - Precondition: both have the same shape.
@inlinable public func maximum<X: MutableLaneOperand & ~Copyable & ~Escapable, Z: LaneOperand & ~Copyable & ~Escapable>(
    _ x: inout X, _ y: borrowing Z, on workers: some Workers = CallingThread(), file: StaticString = #fileID, line: UInt = #line
) where X.Element == Z.Element {
    requireFit("maximum", ("x", x.shape), ("y", y.shape), file, line)
    var target = x.elementsForWriting()
    mapTwo(.larger, &target, y.span, workers.lanePool)
}

// MARK: With numbers

/// y = a·x + y, each element rounded once.
///
/// - Precondition: `y` has the shape of `x`.
@inlinable public func axpy<X: LaneOperand & ~Copyable & ~Escapable, Y: MutableLaneOperand & ~Copyable & ~Escapable>(
    _ a: X.Element, _ x: borrowing X, into y: inout Y, on workers: some Workers = CallingThread(), file: StaticString = #fileID,
    line: UInt = #line
) where X.Element == Y.Element {
    requireFit("axpy", ("x", x.shape), ("y", y.shape), file, line)
    var target = y.elementsForWriting()
    mapOne(.axpy(a), x.span, into: &target, .cached, workers.lanePool)
}

/// z = a·x.
///
/// - Precondition: `z` has the shape of `x`.
@inlinable public func scale<X: LaneOperand & ~Copyable & ~Escapable, Y: MutableLaneOperand & ~Copyable & ~Escapable>(
    _ a: X.Element, _ x: borrowing X, into z: inout Y, stores: Stores = .automatic, on workers: some Workers = CallingThread(),
    file: StaticString = #fileID, line: UInt = #line
) where X.Element == Y.Element {
    requireFit("scale", ("x", x.shape), ("z", z.shape), file, line)
    var target = z.elementsForWriting()
    mapOne(.scale(a), x.span, into: &target, stores, workers.lanePool)
}

/// x becomes a·x.
@inlinable public func scale<X: MutableLaneOperand & ~Copyable & ~Escapable>(
    _ a: X.Element, _ x: inout X, on workers: some Workers = CallingThread()
) {
    var target = x.elementsForWriting()
    mapOne(.scale(a), &target, .cached, workers.lanePool)
}

/// x becomes x / a, each element rounded once.
@inlinable public func divide<X: MutableLaneOperand & ~Copyable & ~Escapable>(
    _ x: inout X, by a: X.Element, on workers: some Workers = CallingThread()
) {
    var target = x.elementsForWriting()
    mapOne(.divide(a), &target, .cached, workers.lanePool)
}

/// z = x + a.
///
/// - Precondition: `z` has the shape of `x`.
@inlinable public func addScalar<X: LaneOperand & ~Copyable & ~Escapable, Y: MutableLaneOperand & ~Copyable & ~Escapable>(
    _ a: X.Element, to x: borrowing X, into z: inout Y, stores: Stores = .automatic, on workers: some Workers = CallingThread(),
    file: StaticString = #fileID, line: UInt = #line
) where X.Element == Y.Element {
    requireFit("addScalar", ("x", x.shape), ("z", z.shape), file, line)
    var target = z.elementsForWriting()
    mapOne(.affine(1, a), x.span, into: &target, stores, workers.lanePool)
}

/// x becomes x + a.
@inlinable public func addScalar<X: MutableLaneOperand & ~Copyable & ~Escapable>(
    _ a: X.Element, to x: inout X, on workers: some Workers = CallingThread()
) {
    var target = x.elementsForWriting()
    mapOne(.affine(1, a), &target, .cached, workers.lanePool)
}

/// z = x, but no smaller and no larger than the ends of the range. NaN stays.
///
/// - Precondition: `z` has the shape of `x`.
@inlinable public func clamp<X: LaneOperand & ~Copyable & ~Escapable, Y: MutableLaneOperand & ~Copyable & ~Escapable>(
    _ x: borrowing X, to range: ClosedRange<X.Element>, into z: inout Y, stores: Stores = .automatic,
    on workers: some Workers = CallingThread(),
    file: StaticString = #fileID, line: UInt = #line
) where X.Element == Y.Element {
    requireFit("clamp", ("x", x.shape), ("z", z.shape), file, line)
    var target = z.elementsForWriting()
    mapOne(.clamp(range.lowerBound, range.upperBound), x.span, into: &target, stores, workers.lanePool)
}

/// x stays in the range: the nearer end where it is outside. NaN stays.
@inlinable public func clamp<X: MutableLaneOperand & ~Copyable & ~Escapable>(
    _ x: inout X, to range: ClosedRange<X.Element>, on workers: some Workers = CallingThread()
) {
    var target = x.elementsForWriting()
    mapOne(.clamp(range.lowerBound, range.upperBound), &target, .cached, workers.lanePool)
}

/// z = x.
///
/// - Precondition: `z` has the shape of `x`.
@inlinable public func copy<X: LaneOperand & ~Copyable & ~Escapable, Y: MutableLaneOperand & ~Copyable & ~Escapable>(
    _ x: borrowing X, into z: inout Y, stores: Stores = .automatic, on workers: some Workers = CallingThread(),
    file: StaticString = #fileID, line: UInt = #line
) where X.Element == Y.Element {
    requireFit("copy", ("x", x.shape), ("z", z.shape), file, line)
    var target = z.elementsForWriting()
    mapOne(.copy, x.span, into: &target, stores, workers.lanePool)
}

/// z = a everywhere.
@inlinable public func fill<Y: MutableLaneOperand & ~Copyable & ~Escapable>(
    _ z: inout Y, with a: Y.Element, stores: Stores = .automatic, on workers: some Workers = CallingThread()
) {
    var target = z.elementsForWriting()
    mapOne(.fill(a), &target, stores, workers.lanePool)
}

/// z = x + a·y, each element rounded once: the triad of the STREAM benchmark.
///
/// - Precondition: all have the same shape.
@inlinable
public func triad<
    X: LaneOperand & ~Copyable & ~Escapable, Z: LaneOperand & ~Copyable & ~Escapable,
    Y: MutableLaneOperand & ~Copyable & ~Escapable
>(
    _ a: X.Element, _ x: borrowing X, _ y: borrowing Z, into z: inout Y, stores: Stores = .automatic,
    on workers: some Workers = CallingThread(), file: StaticString = #fileID, line: UInt = #line
) where X.Element == Y.Element, Z.Element == Y.Element {
    requireFit("triad", ("x", x.shape), ("y", y.shape), file, line)
    requireFit("triad", ("x", x.shape), ("z", z.shape), file, line)
    var target = z.elementsForWriting()
    mapTwo(.triad(a), x.span, y.span, into: &target, stores, workers.lanePool)
}
