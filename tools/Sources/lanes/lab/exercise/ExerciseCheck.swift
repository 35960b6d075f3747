import Foundation
import LanesExperiments
import LanesMeasurement
import LanesParallel

/// What became of a solution.
struct ExerciseAttempt: Codable {
    enum Verdict: String, Codable, CaseIterable {
        case right
        /// The compiler refused it, or a function is missing.
        case doesNotCompile
        case wrong
        /// The same result for other inputs.
        case constant
        /// The result was not written.
        case skipped
        /// Right at first, and for inputs that changed the result of before.
        case remembers
        /// Touched memory beside its operands, or wrote to an input.
        case outside
        case crashes
        case endless
        /// Ended the process.
        case exits
        case writesFile
        case outOfMemory
        /// Right, and a sanitizer found a fault.
        case undefined

        var text: String {
            switch self {
            case .right: "right"
            case .doesNotCompile: "does not compile"
            case .wrong: "wrong"
            case .constant: "does not look at its input"
            case .skipped: "does nothing"
            case .remembers: "remembers results"
            case .outside: "touches what is not its own"
            case .crashes: "crashes"
            case .endless: "does not end"
            case .exits: "ends the process"
            case .writesFile: "writes a file"
            case .outOfMemory: "runs out of memory"
            case .undefined: "right here, but not sound"
            }
        }
    }

    var exercise: String
    var language: Exercise.Language
    var date: String
    var processor: String
    var verdict: Verdict
    /// Why, in words.
    var reason: String
    /// Nanoseconds of a call, the median: of this solution, of the form that one begins with, of ours, and of the limit. Nil where it was not timed.
    var nanoseconds: Times?
    /// limit / yours, the median of the rounds.
    var share: Double?
    /// Yours against the form that one begins with.
    var beside: PairedComparison?
    /// Work of a call, and in what.
    var work: Double?
    var unit: String?
    var limit: String?
    var threads: Int
    var sanitizers: [String]
    /// Those that this system does not have for the exercise.
    var missingSanitizers: [String]
    var next: String?

    struct Times: Codable {
        var yours: Double
        var naive: Double
        var ours: Double
        var limit: Double
    }
}

/// Compiles a solution, checks it and times it, all in processes with limits.
struct ExerciseCheck {
    let exercise: Exercise
    let file: URL
    let language: Exercise.Language
    let threads: Int?
    let seconds: Int

    // For the solution; less where there is less: nobody else should be ended for its memory.
    private static var megabytes: Int {
        let limit = min(
            Int(clamping: MachineRecord.memoryLimit(root: "")), Int(clamping: ProcessInfo.processInfo.physicalMemory))
        return max(256, min(4096, limit >> 21))
    }

    func run() throws -> ExerciseAttempt {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let processors = Placement.cores.plan(
            lanes: min(64, threads ?? LaneLimits.current().lanes), on: Machine.current())
        var attempt = ExerciseAttempt(
            exercise: exercise.name, language: language, date: MachineRecord.current().date,
            processor: MachineRecord.current().processor, verdict: .right, reason: "", threads: processors.count,
            sanitizers: [], missingSanitizers: []
        )
        func ended(_ verdict: ExerciseAttempt.Verdict, _ reason: String) -> ExerciseAttempt {
            (attempt.verdict, attempt.reason) = (verdict, reason)
            return attempt
        }

        Progress.show("compiling \(file.lastPathComponent)")
        defer { Progress.clear() }
        let yours = folder.file("yours.so")
        if let complaint = try compileSolution(to: yours, sanitizer: nil, folder) { return ended(.doesNotCompile, complaint) }
        let program = folder.file("check")
        try compile([exercise.source, checkSource], to: program, [], folder)

        Progress.show("checking the result")
        let lines = try check("right", program, processors, [yours], sanitizer: nil, folder)!
        if let (verdict, reason) = fault(lines) { return ended(verdict, reason) }
        guard let count = lines.first(where: { $0.hasPrefix("threads ") }).flatMap({ Int($0.dropFirst(8)) }) else {
            throw Failure("the check of \(exercise.name) does not say how many threads it had")
        }
        attempt.threads = count

        for sanitizer in count > 1 ? ["address,undefined", "thread"] : ["address,undefined"] {
            // Swift has no sanitizer for undefined behaviour.
            let name = language == .swift && sanitizer == "address,undefined" ? "address" : sanitizer
            Progress.show("checking with the sanitizers for \(name)")
            let (library, checker) = (folder.file("\(sanitizer).so"), folder.file("\(sanitizer).check"))
            guard try compileSolution(to: library, sanitizer: sanitizer, folder) == nil,
                try complaint([exercise.source, checkSource], to: checker, sanitizerFlags(sanitizer), folder) == nil
            else {
                attempt.missingSanitizers.append(name)
                continue
            }
            let lines = try check("right", checker, processors, [library], sanitizer: sanitizer, folder)
            if let report = sanitizerReport(folder) { return ended(.undefined, report) }
            switch lines.map(fault) {
            case .none, .some(.some((.endless, _))), .some(.some((.exits, _))), .some(.some((.outOfMemory, _))):
                // The sanitizer does not run here, or not within the time and the memory that there are.
                attempt.missingSanitizers.append(name)
            case .some(.none): attempt.sanitizers.append(name)
            case .some(.some(let (verdict, reason))):
                return ended(.undefined, "with the sanitizers for \(name): \(verdict.text), \(reason)")
            }
        }

        Progress.show("timing it in turns beside the first form, ours and the limit")
        let (naive, ours) = (folder.file("naive.so"), folder.file("ours.so"))
        try compile([exercise.source], to: naive, ["-shared", "-fPIC", "-DEXERCISE_START"], folder)
        try compile([exercise.source], to: ours, ["-shared", "-fPIC", "-DEXERCISE_OURS"], folder)
        let timed = try check("time", program, processors, [yours, naive, ours], sanitizer: nil, folder)!
        if let ours = timed.first(where: { $0.hasPrefix("ours ") }) {
            throw Failure("the form that one begins with, or ours, is wrong: \(ours.dropFirst(5))")
        }
        if let (verdict, reason) = fault(timed) { return ended(verdict, reason) }
        try judge(timed, &attempt)
        return attempt
    }

    // ---- Compilers

    private var checkSource: URL { exercise.source.deletingLastPathComponent().appendingPathComponent("check.c") }

    private var flags: [String] {
        #if arch(x86_64)
            ["-std=gnu17", "-O3", "-march=native", "-mprefer-vector-width=512"]
        #else
            ["-std=gnu17", "-O3", "-mcpu=native"]
        #endif
    }

    // Ours: an error is a fault of the project or of the system.
    private func compile(_ sources: [URL], to result: URL, _ more: [String], _ folder: TemporaryFolder) throws {
        if let complaint = try complaint(sources, to: result, more, folder) {
            throw Failure(
                "cannot compile \(sources[0].lastPathComponent) with clang, which comes with Swift: \(complaint.prefix(2000))")
        }
    }

    private func complaint(_ sources: [URL], to result: URL, _ more: [String], _ folder: TemporaryFolder) throws -> String? {
        let run = try Run(
            ["clang"] + flags + sources.map(\.path) + ["-o", result.path] + more + ["-lm", "-ldl", "-lpthread"], seconds: 120,
            folder)
        return run.status == 0 ? nil : run.errors
    }

    // Swift's clang has a thread sanitizer that knows Dispatch, and needs it.
    private func sanitizerFlags(_ sanitizer: String) throws -> [String] {
        let flags = ["-g", "-O1", "-fsanitize=\(sanitizer)"]
        guard sanitizer == "thread", let clang = Command.run(["sh", "-c", "command -v clang"]) else { return flags }
        let libraries = URL(fileURLWithPath: clang.trimmingCharacters(in: .whitespacesAndNewlines)).resolvingSymlinksInPath()
            .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("lib/swift/linux").path
        guard FileManager.default.fileExists(atPath: "\(libraries)/libdispatch.so") else { return flags }
        return flags + ["-L\(libraries)", "-ldispatch", "-lBlocksRuntime", "-Wl,-rpath,\(libraries)"]
    }

    // Nil, or what the compiler said.
    private func compileSolution(to library: URL, sanitizer: String?, _ folder: TemporaryFolder) throws -> String? {
        var command: [String]
        switch language {
        case .c:
            command = ["clang"] + flags + ["-shared", "-fPIC", "-Wall", file.path, "-o", library.path, "-lm", "-lpthread"]
            if let sanitizer { command += ["-g", "-O1", "-fsanitize=\(sanitizer)", "-fno-sanitize-recover=all"] }
        case .swift:
            command = [
                "swiftc", "-O", "-parse-as-library", "-emit-library", "-Xcc", "-march=native", file.path, "-o", library.path,
            ]
            if let sanitizer { command += sanitizer == "thread" ? ["-sanitize=thread"] : ["-sanitize=address"] }
        }
        let run = try Run(command, seconds: 60, folder)
        if run.isLate { return "the compiler did not end within 60 s" }
        return run.status == 0
            ? nil : String(run.errors.prefix(4000)).replacingOccurrences(of: file.path, with: file.lastPathComponent)
    }

    // ---- The checking program

    private func check(
        _ mode: String, _ program: URL, _ processors: [Int], _ libraries: [URL], sanitizer: String?, _ folder: TemporaryFolder
    ) throws -> [Substring]? {
        let options =
            "log_path=\(folder.file("sanitizer").path):exitcode=99:detect_leaks=0:halt_on_error=1:abort_on_error=0:allocator_may_return_null=1"
        // Sanitizers slow everything down several times.
        let limit = sanitizer == nil ? seconds : 5 * seconds
        let run = try Run(
            [program.path, mode, String(mode == "time" ? 3 * limit : limit), String(Self.megabytes)]
                + [processors.map(String.init).joined(separator: ",")] + libraries.map(\.path),
            environment: ["ASAN_OPTIONS": options, "UBSAN_OPTIONS": options, "TSAN_OPTIONS": options],
            seconds: Double(4 * limit), folder)
        if run.status != 0 && sanitizer != nil { return nil }
        guard run.status == 0 else { throw Failure("the checking program ended with \(run.status): \(run.errors)") }
        let lines = run.output.split(separator: "\n")
        if let reason = lines.first(where: { $0.hasPrefix("untestable ") }) { throw Failure(String(reason.dropFirst(11))) }
        return lines
    }

    // The verdict that the checking program gave, but for "right".
    private func fault(_ lines: [Substring]) -> (ExerciseAttempt.Verdict, String)? {
        let verdicts: [Substring: ExerciseAttempt.Verdict] = [
            "wrong": .wrong, "constant": .constant, "skipped": .skipped, "outside": .outside, "crash": .crashes,
            "endless": .endless,
            "exits": .exits, "file": .writesFile, "memory": .outOfMemory, "missing": .doesNotCompile, "remembers": .remembers,
        ]
        for line in lines.reversed() {
            let words = line.split(separator: " ", maxSplits: 1)
            if let verdict = words.first.flatMap({ verdicts[$0] }) { return (verdict, words.count > 1 ? String(words[1]) : "") }
        }
        return lines.last == "end" ? nil : (.exits, "it ended the checking program")
    }

    // What a sanitizer found first, and where in the solution.
    private func sanitizerReport(_ folder: TemporaryFolder) -> String? {
        guard let text = folder.texts(withPrefix: "sanitizer.").first else { return nil }
        let lines = text.split(separator: "\n").map(String.init)
        guard let first = lines.first(where: { $0.contains("Sanitizer:") || $0.contains("runtime error:") }) else { return nil }
        var what = first.replacingOccurrences(of: #"^[=0-9]*(ERROR|WARNING): "#, with: "", options: .regularExpression)
        what = what.replacingOccurrences(of: #" (on (unknown )?address|\(pid=).*$"#, with: "", options: .regularExpression)
        what = what.replacingOccurrences(of: file.path, with: file.lastPathComponent)
        let place = lines.lazy.filter { $0.contains("#") }.compactMap { line in
            line.range(of: "\(file.path):").map { line[$0.upperBound...] }
        }.first
        return what + (place.map { ", line \($0.prefix { $0.isNumber })" } ?? "")
    }

    // ---- Timings

    private func judge(_ lines: [Substring], _ attempt: inout ExerciseAttempt) throws {
        func samples(_ way: String) throws -> [Double] {
            let values =
                lines.first { $0.hasPrefix("time \(way) ") }?.split(separator: " ").dropFirst(2).compactMap { Double($0) } ?? []
            guard !values.isEmpty, values.allSatisfy({ $0 > 0 && $0.isFinite }) else {
                throw Failure("the checking program gave no times of \(way)")
            }
            return values
        }
        let (yours, naive) = (try samples("yours"), try samples("naive"))
        let (ours, limit) = (try samples("ours"), try samples("limit"))
        let share = Statistics.median(zip(limit, yours).map { $0 / $1 })
        attempt.nanoseconds = .init(
            yours: Statistics.median(yours), naive: Statistics.median(naive), ours: Statistics.median(ours),
            limit: Statistics.median(limit))
        attempt.share = share
        attempt.beside = PairedComparison(logarithms: zip(yours, naive).map { log($0 / $1) })
        if let work = lines.first(where: { $0.hasPrefix("work ") })?.split(separator: " ", maxSplits: 2), work.count == 3 {
            (attempt.work, attempt.unit) = (Double(work[1]), String(work[2]))
        }
        attempt.limit = lines.first { $0.hasPrefix("limit ") }.map { String($0.dropFirst(6)) }
        let advice = lines.filter { $0.hasPrefix("advice ") }.map { String($0.dropFirst(7)) }
        let step = share < 0.125 ? 0 : share < 0.25 ? 1 : share < 0.5 ? 2 : share < 0.75 ? 3 : 4
        if !advice.isEmpty { attempt.next = advice[min(step, advice.count - 1)] }
        attempt.reason =
            attempt.beside!.verdict == .slower
            ? "slower than the form that you began with, \(format(attempt.beside!.ratio, 2)) times its time"
            : attempt.beside!.verdict == .faster
                ? "\(format(1 / attempt.beside!.ratio, 1)) times as fast as the form that you began with"
                : "as fast as the form that you began with, as far as this run can tell"
    }
}

/// Ctrl-C.
struct Interrupted: Error {}
