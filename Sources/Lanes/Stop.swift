/// Stops the program with a message.
///
/// Unlike a failed `precondition`, it prints the message in optimised builds too: misuse of shapes should always say which, and where
/// the caller stands.
/// Call it behind `guard`: a condition with an autoclosure would capture the noncopyable `self` of initialisers and subscripts.
@inline(never) @usableFromInline
internal func stop(_ message: String, _ file: StaticString = #fileID, _ line: UInt = #line) -> Never {
    fatalError(message, file: file, line: line)
}

/// Stops the program unless two operands have the same shape; a vector fits any operand of its length.
@inlinable @inline(__always)
internal func requireFit(
    _ operation: StaticString, _ x: (name: StaticString, shape: OperandShape), _ y: (name: StaticString, shape: OperandShape),
    _ file: StaticString, _ line: UInt
) {
    if !x.shape.fits(y.shape) { doNotFit(operation, x, y, file, line) }
}

@inline(never) @usableFromInline
internal func doNotFit(
    _ operation: StaticString, _ x: (name: StaticString, shape: OperandShape), _ y: (name: StaticString, shape: OperandShape),
    _ file: StaticString, _ line: UInt
) -> Never {
    stop("\(operation): \(x.name) has \(x.shape), \(y.name) has \(y.shape)", file, line)
}
