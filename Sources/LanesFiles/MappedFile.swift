import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Bionic)
    import Bionic
#elseif canImport(Darwin)
    import Darwin
#endif

/// A file's bytes in memory, read as they are used. Whoever cuts the file while it is mapped takes them away, which ends the program.
@safe internal final class MappedFile: Sendable {
    let file: String
    let count: Int
    // A mapping of `count` bytes, from init to deinit; at least one page.
    nonisolated(unsafe) let base: UnsafeRawPointer

    init(_ file: String) throws(ArrayFileError) {
        func failure(_ what: String) -> ArrayFileError {
            .system(file: file, reason: "\(what): \(unsafe String(cString: strerror(errno)))")
        }
        // Opening a pipe would wait for whoever writes to it.
        let descriptor = unsafe open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw failure("cannot be opened") }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw failure("cannot be read") }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .system(file: file, reason: "is no file") }
        count = Int(status.st_size)
        guard count > 0 else { throw .malformed(file: file, reason: "is empty") }
        guard let mapping = unsafe mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0), unsafe mapping != MAP_FAILED else {
            throw failure("cannot be mapped")
        }
        self.file = file
        unsafe base = UnsafeRawPointer(mapping)
    }

    deinit { unsafe munmap(UnsafeMutableRawPointer(mutating: base), count) }

    // Some bytes as data of their own.
    func data(_ range: Range<Int>) -> Data { unsafe Data(bytes: base + range.lowerBound, count: range.count) }
}
