@preconcurrency @unsafe import Glibc

/// Standard output that cannot be written is an error: whoever keeps the output in a file on a full disk is told so.
enum Output {
    /// Looks at the end of the program, however it ends: status 1 and a message where something could not be written.
    static func checkAtExit() {
        atexit {
            errno = 0
            guard unsafe fflush(stdout) != 0 || ferror(stdout) != 0 else { return }
            let reason = errno == 0 ? "an earlier write failed" : unsafe String(cString: strerror(errno))
            unsafe fputs("lanes: cannot write to standard output: \(reason)\n", stderr)
            _exit(1)
        }
    }
}
