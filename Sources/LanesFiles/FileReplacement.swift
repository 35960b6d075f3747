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

/// Writing a file so that after a crash there is the old one or the new one, and nothing in between: a temporary file in the same folder,
/// whose name nobody can predict, `fsync` of file and folder, and a rename.
package enum FileReplacement {
    /// What went wrong, in a sentence.
    package struct Failure: Error {
        /// The sentence.
        package let reason: String
    }

    /// Puts a file with these contents in the place of one of this name, or where there is none.
    package static func write(_ contents: Data, to file: String) throws(Failure) {
        var status = stat()
        // A device or a pipe that somebody names is not replaced by a file.
        let mayReplace = unsafe lstat(file, &status) != 0 || [S_IFREG, S_IFLNK].contains(status.st_mode & S_IFMT)
        guard mayReplace else { throw Failure(reason: "is there and is no file") }
        var temporary = ""
        func fail(_ what: String) -> Failure {
            let reason = unsafe String(cString: strerror(errno))
            unsafe unlink(temporary)
            return Failure(reason: "\(what): \(reason)")
        }
        // A name that nobody can predict, and no file that is there already: another's link or file is not written to.
        var descriptor: Int32 = -1
        for _ in 0..<100 where descriptor < 0 {
            temporary = "\(file).\(String(UInt64.random(in: 0 ... .max), radix: 36)).tmp"
            descriptor = unsafe open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o644)
            if descriptor < 0 && errno != EEXIST { break }
        }
        guard descriptor >= 0 else {
            throw Failure(reason: "cannot write beside it: \(unsafe String(cString: strerror(errno)))")
        }
        var done = 0
        while done < contents.count {
            let written = unsafe contents.withUnsafeBytes { bytes in
                unsafe posixWrite(descriptor, bytes.baseAddress! + done, bytes.count - done)
            }
            if written < 0 && errno == EINTR { continue }
            guard written > 0 else {
                let error = fail("cannot write")
                close(descriptor)
                throw error
            }
            done += written
        }
        guard fsync(descriptor) == 0 else {
            let error = fail("cannot write to the disk")
            close(descriptor)
            throw error
        }
        guard close(descriptor) == 0 else { throw fail("cannot write") }
        guard unsafe rename(temporary, file) == 0 else { throw fail("cannot put the new file in its place") }
        // The rename itself reaches the disk with its folder.
        let path = (file as NSString).deletingLastPathComponent
        let folder = unsafe open(path.isEmpty ? "." : path, O_RDONLY)
        guard folder >= 0 else { return }
        defer { close(folder) }
        // Some file systems have no such thing for folders.
        guard fsync(folder) == 0 || errno == EINVAL || errno == EROFS else {
            throw Failure(reason: "its folder cannot be written to the disk: \(unsafe String(cString: strerror(errno)))")
        }
    }
}

// The name is taken inside FileReplacement.
private func posixWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer, _ count: Int) -> Int {
    unsafe write(descriptor, bytes, count)
}
