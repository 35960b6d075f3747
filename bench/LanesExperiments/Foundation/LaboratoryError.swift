/// An experiment that found itself to be wrong.
public struct LaboratoryError: Error, CustomStringConvertible {
    public let description: String
    public init(_ description: String) { self.description = description }
}
