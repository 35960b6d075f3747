/// Stops the program with a message.
///
/// Unlike a failed `precondition`, it prints the message in optimised builds too: misuse of shapes should always say which.
/// Call it behind `guard`: a condition with an autoclosure would capture the noncopyable `self` of initialisers and subscripts.
@inline(never)
internal func stop(_ message: String) -> Never {
    fatalError(message)
}
