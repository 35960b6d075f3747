// Forms that return a new matrix, for programs that do not mind the memory: each is a copy, changed in place.

/// relu of every element, in a matrix of its own.
@inlinable public func relu<Element: LaneElement>(
    _ a: borrowing Matrix<Element>, on workers: some Workers = CallingThread()
) -> Matrix<Element> {
    var b = a.copy()
    relu(&b, on: workers)
    return b
}

/// e to the power of every element, in a matrix of its own.
@inlinable public func exp<Element: LaneElement>(
    _ a: borrowing Matrix<Element>, on workers: some Workers = CallingThread()
) -> Matrix<Element> {
    var b = a.copy()
    exp(&b, on: workers)
    return b
}

/// The natural logarithm of every element, in a matrix of its own.
@inlinable public func log<Element: LaneElement>(
    _ a: borrowing Matrix<Element>, on workers: some Workers = CallingThread()
) -> Matrix<Element> {
    var b = a.copy()
    log(&b, on: workers)
    return b
}

/// The hyperbolic tangent of every element, in a matrix of its own.
@inlinable public func tanh<Element: LaneElement>(
    _ a: borrowing Matrix<Element>, on workers: some Workers = CallingThread()
) -> Matrix<Element> {
    var b = a.copy()
    tanh(&b, on: workers)
    return b
}

/// 1 / (1 + e⁻ˣ) of every element, in a matrix of its own.
@inlinable public func sigmoid<Element: LaneElement>(
    _ a: borrowing Matrix<Element>, on workers: some Workers = CallingThread()
) -> Matrix<Element> {
    var b = a.copy()
    sigmoid(&b, on: workers)
    return b
}

/// GELU, in its tanh form, of every element, in a matrix of its own.
@inlinable public func gelu<Element: LaneElement>(
    _ a: borrowing Matrix<Element>, on workers: some Workers = CallingThread()
) -> Matrix<Element> {
    var b = a.copy()
    gelu(&b, on: workers)
    return b
}

/// The square root of every element, in a matrix of its own.
@inlinable public func squareRoot<Element: LaneElement>(
    _ a: borrowing Matrix<Element>, on workers: some Workers = CallingThread()
) -> Matrix<Element> {
    var b = a.copy()
    squareRoot(&b, on: workers)
    return b
}

/// The size of every element, in a matrix of its own.
@inlinable public func absolute<Element: LaneElement>(
    _ a: borrowing Matrix<Element>, on workers: some Workers = CallingThread()
) -> Matrix<Element> {
    var b = a.copy()
    absolute(&b, on: workers)
    return b
}

/// The negative of every element, in a matrix of its own.
@inlinable public func negate<Element: LaneElement>(
    _ a: borrowing Matrix<Element>, on workers: some Workers = CallingThread()
) -> Matrix<Element> {
    var b = a.copy()
    negate(&b, on: workers)
    return b
}

/// Softmax of each row, in a matrix of its own.
@inlinable public func softmax<Element: LaneElement>(
    _ a: borrowing Matrix<Element>, on workers: some Workers = CallingThread()
) -> Matrix<Element> {
    var b = a.copy()
    softmax(&b, on: workers)
    return b
}

/// Log-softmax of each row, in a matrix of its own.
@inlinable public func logSoftmax<Element: LaneElement>(
    _ a: borrowing Matrix<Element>, on workers: some Workers = CallingThread()
) -> Matrix<Element> {
    var b = a.copy()
    logSoftmax(&b, on: workers)
    return b
}

/// a + b, in a matrix of its own.
///
/// - Precondition: both have the same shape.
@inlinable public func add<Element: LaneElement>(
    _ a: borrowing Matrix<Element>, _ b: borrowing Matrix<Element>, on workers: some Workers = CallingThread(),
    file: StaticString = #fileID, line: UInt = #line
) -> Matrix<Element> {
    var c = a.copy()
    add(&c, b, on: workers, file: file, line: line)
    return c
}

/// a - b, in a matrix of its own.
///
/// - Precondition: both have the same shape.
@inlinable public func subtract<Element: LaneElement>(
    _ a: borrowing Matrix<Element>, _ b: borrowing Matrix<Element>, on workers: some Workers = CallingThread(),
    file: StaticString = #fileID, line: UInt = #line
) -> Matrix<Element> {
    var c = a.copy()
    subtract(&c, b, on: workers, file: file, line: line)
    return c
}

/// a · b, element by element, in a matrix of its own.
///
/// - Precondition: both have the same shape.
@inlinable public func multiplyElements<Element: LaneElement>(
    _ a: borrowing Matrix<Element>, _ b: borrowing Matrix<Element>, on workers: some Workers = CallingThread(),
    file: StaticString = #fileID, line: UInt = #line
) -> Matrix<Element> {
    var c = a.copy()
    multiplyElements(&c, b, on: workers, file: file, line: line)
    return c
}

/// a / b, element by element, in a matrix of its own.
///
/// - Precondition: both have the same shape.
@inlinable public func divide<Element: LaneElement>(
    _ a: borrowing Matrix<Element>, _ b: borrowing Matrix<Element>, on workers: some Workers = CallingThread(),
    file: StaticString = #fileID, line: UInt = #line
) -> Matrix<Element> {
    var c = a.copy()
    divide(&c, b, on: workers, file: file, line: line)
    return c
}
