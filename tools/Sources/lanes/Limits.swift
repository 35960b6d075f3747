import ArgumentParser
import Foundation

/// What a command needs of the system. With less, threads or processes cannot be begun, and the language's own libraries trap or wait for
/// ever instead of saying so.
enum Limits {
    private static func limit(_ resource: __rlimit_resource) -> UInt64 {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(resource.rawValue), &limit) == 0 else { return .max }
        return UInt64(limit.rlim_cur)
    }

    static func check(mebibytes: UInt64 = 512) throws {
        let files = limit(RLIMIT_NOFILE)
        // Foundation's Process takes numbers up to this for its own.
        if files < 256 { throw Failure("only \(files) files may be open at once (ulimit -n), at least 256 are needed") }
        let bytes = limit(RLIMIT_AS)
        if bytes < mebibytes << 20 {
            throw Failure(
                "only \(bytes >> 20) MiB of address space may be used (ulimit -v), at least \(mebibytes) are needed")
        }
    }
}
