import Foundation

/// A folder with a name that nobody can predict, for this user alone.
public struct TemporaryFolder {
    private let url: URL

    /// Makes the folder.
    public init() throws {
        let template = FileManager.default.temporaryDirectory.appendingPathComponent("lanes-XXXXXX").path
        var bytes = Array(template.utf8CString)
        guard unsafe mkdtemp(&bytes) != nil else {
            throw TemporaryFolderError(
                description: "cannot make a temporary folder like '\(template)': \(unsafe String(cString: strerror(errno)))")
        }
        let path = bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        url = URL(fileURLWithPath: String(decoding: path, as: UTF8.self), isDirectory: true)
    }

    /// A file in it.
    public func file(_ name: String) -> URL { url.appendingPathComponent(name) }
    /// The texts of the files whose names begin so, at most a mebibyte of each.
    public func texts(withPrefix prefix: String) -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? []
        return names.filter { $0.hasPrefix(prefix) }.sorted().compactMap { name in
            (try? FileHandle(forReadingFrom: file(name)).read(upToCount: 1 << 20)).flatMap { $0 }.map {
                String(decoding: $0, as: UTF8.self)
            }
        }
    }
    /// Removes it with all that is in it.
    public func remove() { try? FileManager.default.removeItem(at: url) }
}

/// The system gives no temporary folder.
public struct TemporaryFolderError: Error, CustomStringConvertible {
    /// Which folder, and why.
    public let description: String
}
