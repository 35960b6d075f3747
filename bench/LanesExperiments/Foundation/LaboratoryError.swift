/// An experiment that found itself to be wrong.
public struct LaboratoryError: Error, CustomStringConvertible {
    public let description: String
    /// An error that says what was found.
    public init(_ description: String) { self.description = description }
}
