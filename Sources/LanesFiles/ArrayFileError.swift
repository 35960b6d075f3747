/// Why a file of arrays cannot be read or written, or an array of it not be had.
public enum ArrayFileError: Error, Equatable, CustomStringConvertible {
    /// The system does not let the file be opened, read or written: which file, and its reason.
    case system(file: String, reason: String)
    /// The file is not of this format, is cut or damaged: what is wrong, and where.
    case malformed(file: String, reason: String)
    /// The file has no array of this name.
    case unknownName(file: String, name: String)
    /// The array's numbers are of a type that cannot be read as the one asked for without losing digits, or at all.
    case type(file: String, name: String, stored: String, asked: String)
    /// The array's shape is not one of a matrix, or its numbers do not stand where a view could show them.
    case shape(file: String, name: String, shape: [Int], reason: String)

    /// File, array and reason.
    public var description: String {
        switch self {
        case .system(let file, let reason), .malformed(let file, let reason): "'\(file)': \(reason)"
        case .unknownName(let file, let name): "'\(file)': there is no array '\(name)'"
        case .type(let file, let name, let stored, let asked):
            "'\(file)': '\(name)' holds numbers of type \(stored), which do not become \(asked) without loss"
        case .shape(let file, let name, let shape, let reason): "'\(file)': '\(name)' of shape \(shape) \(reason)"
        }
    }
}
