internal import CKernels
import Foundation

/// What a measurement was made on. Stored with every result.
public struct MachineRecord: Codable, Sendable {
    /// Its name, from CPUID or the system.
    public var processor: String
    /// What it can do, of that which kernels ask for.
    public var features: [String]
    /// The instruction set in use.
    public var instructionSet: String
    /// Processors in this process's affinity mask.
    public var usableProcessors: [Int]
    /// Processors that the system has online.
    public var installedProcessors: Int
    /// Caches of the first processor that this process may use.
    public var caches: [Cache]
    /// Memory that this process may use: what is installed, or what its control groups allow.
    public var memoryGiB: Double
    /// Name from CPUID or "none found".
    public var hypervisor: String
    /// Processors' worth of time that control groups allow; nil for no limit.
    public var quota: Double?
    /// The version of this program; nil where it does not know.
    public var commit: String?
    /// Setting of transparent huge pages.
    public var hugePages: String
    /// Name and version of the operating system.
    public var system: String
    /// Of this program.
    public var compiler: String
    /// When the record was made, ISO 8601 in UTC.
    public var date: String

    /// One cache as the system describes it.
    public struct Cache: Codable, Sendable {
        /// 1 for the first.
        public var level: Int
        /// Data, instruction or unified.
        public var kind: String
        /// Its size in KiB.
        public var kibibytes: Int
        /// Bytes of a cache line.
        public var lineBytes: Int
        /// Lines of one set; 0 where nobody said.
        public var ways: Int
    }

    /// Reads the record of this machine.
    public static func current() -> MachineRecord {
        MachineRecord(
            processor: unsafe String(cString: ck_cpu_brand()),
            features: (0..<UInt32(CK_FEATURE_COUNT)).compactMap { bit in
                ck_cpu_features() >> bit & 1 == 1 ? unsafe String(cString: ck_cpu_feature_name(1 << bit)) : nil
            },
            instructionSet: unsafe String(cString: ck_isa_name(ck_isa_selected())),
            usableProcessors: affinity(), installedProcessors: ProcessInfo.processInfo.processorCount, caches: readCaches(),
            memoryGiB: (Double(min(ProcessInfo.processInfo.physicalMemory, memoryLimit(root: ""))) / 1_073_741_824 * 100)
                .rounded() / 100,
            hypervisor: hypervisorName(), quota: quota(), commit: nil,
            hugePages: setting("/sys/kernel/mm/transparent_hugepage/enabled"),
            system: ProcessInfo.processInfo.operatingSystemVersionString, compiler: compilerName,
            date: ISO8601DateFormatter().string(from: Date()))
    }

    /// Seconds of processor time that the hypervisor gave to others since boot, or nil where the system does not say.
    public static func stealSeconds() -> Double? {
        guard let line = text("/proc/stat")?.split(separator: "\n").first else { return nil }
        let fields = line.split(separator: " ")
        guard fields.count > 8, let ticks = Double(fields[8]) else { return nil }
        return ticks / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    private static func text(_ path: String) -> String? {
        (try? String(contentsOfFile: path, encoding: .utf8))?.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    // "always [madvise] never" is madvise.
    private static func setting(_ path: String) -> String {
        guard let all = text(path) else { return "unknown" }
        return all.split(separator: " ").first { $0.hasPrefix("[") }.map { $0.dropFirst().dropLast() }.map(String.init) ?? all
    }

    private static func affinity() -> [Int] {
        guard let line = text("/proc/self/status")?.split(separator: "\n").first(where: { $0.hasPrefix("Cpus_allowed_list:") })
        else { return Array(0..<ProcessInfo.processInfo.activeProcessorCount) }
        return line.dropFirst("Cpus_allowed_list:".count).split(separator: ",").flatMap { part -> [Int] in
            let ends = part.split(separator: "-").compactMap { Int($0.trimmingCharacters(in: .whitespaces)) }
            return ends.count == 2 ? Array(ends[0]...ends[1]) : ends
        }
    }

    // Data and unified caches; where processors differ, the smallest of those that this process may use.
    private static func readCaches() -> [Cache] {
        let told = unsafe ck_machine_ask("")
        return [told.l1, told.l2, told.l3].enumerated().compactMap { index, cache in
            guard cache.bytes > 0 else { return nil }
            return Cache(
                level: index + 1, kind: index == 0 ? "data" : "unified", kibibytes: Int(cache.bytes >> 10),
                lineBytes: Int(cache.line), ways: Int(cache.ways))
        }
    }

    private static func quota() -> Double? {
        let processors = unsafe ck_cpu_quota("")
        return processors > 0 ? processors : nil
    }

    /// Bytes that the control groups of this process allow, version 2 or 1; the largest number where they set no limit. Files are looked for
    /// below `root`.
    public static func memoryLimit(root: String) -> UInt64 {
        var least = UInt64.max
        for line in (text(root + "/proc/self/cgroup") ?? "").split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { continue }
            let isSecond = parts[0] == "0" && parts[1].isEmpty
            guard isSecond || parts[1].split(separator: ",").contains("memory") else { continue }
            let (mount, file) = isSecond ? ("/sys/fs/cgroup", "memory.max") : ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")
            // A group's limit holds for those inside it: all on the way to the root count.
            var path = String(parts[2])
            while true {
                if let bytes = text("\(root)\(mount)\(path == "/" ? "" : path)/\(file)").flatMap(UInt64.init) {
                    least = min(least, bytes)
                }
                guard let slash = path.lastIndex(of: "/"), path.count > 1 else { break }
                path = slash == path.startIndex ? "/" : String(path[..<slash])
            }
        }
        return least
    }

    private static func hypervisorName() -> String {
        if let type = text("/sys/hypervisor/type") { return type }
        let flags = text("/proc/cpuinfo")?.contains(" hypervisor") ?? false
        return flags ? "a hypervisor (CPUID)" : "none found"
    }

    private static var compilerName: String {
        #if compiler(>=6.3)
            return "Swift 6.3 or later"
        #else
            return "Swift 6.2"
        #endif
    }
}
