import ArgumentParser
import Foundation
import LanesExperiments
import LanesMeasurement
import TextTable

struct ExerciseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "exercise",
        abstract: "Try it yourself: write a function, and see how near it comes to what this machine can do.",
        discussion: """
            Each exercise begins with a form that is right and slow. A check compiles yours, compares its results with a reference on
            operands with pages beside them that nobody may touch, runs it with sanitizers, and times it in turns beside the form that you
            began with, ours, and a limit that is measured with them. It runs in a process with limits on time, memory and files, which
            guard against mistakes, not against malice: check what you would also run.

            Examples: lanes lab exercise list
                      lanes lab exercise start sum ~/sum
                      lanes lab exercise check ~/sum
                      lanes lab exercise board ~/sum
            """,
        subcommands: [ExerciseList.self, ExerciseStart.self, ExerciseCheckCommand.self, ExerciseBoard.self])
}

struct ExerciseList: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "The exercises and their questions.")

    @Flag(help: "Print one JSON object.") var json = false

    struct Entry: Encodable {
        var name: String
        var question: String
        var languages: [Exercise.Language]
    }

    func run() throws {
        let all = try Exercise.all()
        if json {
            try printJSON(["exercises": all.map { Entry(name: $0.name, question: $0.question, languages: $0.languages) }])
            return
        }
        for exercise in all {
            print("\(exercise.name)\(exercise.swiftSource == nil ? "" : " (C or Swift)")\n    \(exercise.question)")
        }
    }
}

extension Exercise.Language: ExpressibleByArgument {}

struct ExerciseStart: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "start", abstract: "Writes a file to begin with, and a Makefile.",
        discussion: "Example: lanes lab exercise start sum ~/sum --language swift")

    @Argument(help: "The exercise's name.") var name: String
    @Argument(help: "Folder to write to; it is made where there is none. No file is overwritten.") var folder: String
    @Option(help: "c or swift.") var language = Exercise.Language.c

    func run() throws {
        let exercise = try Exercise.named(name)
        let text = try exercise.start(language)
        let url = URL(fileURLWithPath: folder, isDirectory: true)
        let solution = url.appendingPathComponent("\(exercise.name).\(language.rawValue)")
        let makefile = url.appendingPathComponent("Makefile")
        do {
            try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
            guard !FileManager.default.fileExists(atPath: solution.path) else {
                throw Failure("'\(solution.path)' is there already; it stays as it is")
            }
            if !FileManager.default.fileExists(atPath: makefile.path) {
                try Data(try ExerciseStart.makefile().utf8).write(to: makefile, options: .withoutOverwriting)
            }
            try Data(text.utf8).write(to: solution, options: .withoutOverwriting)
        } catch let error as Failure { throw error } catch {
            throw Failure("cannot write to '\(folder)': \(error.localizedDescription)")
        }
        print("\(exercise.question)\nRead and change \(solution.path), then: lanes lab exercise check \(folder)")
    }

    private static func makefile() throws -> String {
        // A path in a Makefile and in the shell's single quotes.
        let program = try Project.program().replacingOccurrences(of: "'", with: "'\\''").replacingOccurrences(
            of: "$", with: "$$")
        return """
            # make check: is it right, and how near to the limit?    make board: the attempts so far
            # The compiler is clang with -std=gnu17 -O3 and the instructions of this machine, or swiftc -O.
            LANES ?= '\(program)'

            .PHONY: check board
            check:
            \t$(LANES) lab exercise check .
            board:
            \t$(LANES) lab exercise board .

            """
    }
}

struct ExerciseCheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Compiles, checks and times a solution, and keeps the attempt.",
        discussion: """
            Exit status 0 where the solution is right, 1 where it is not.

            Examples: lanes lab exercise check ~/sum
                      lanes lab exercise check ~/all counters --threads 2 --json
            """)

    @Argument(help: "The folder of the solution.") var folder: String
    @Argument(help: "The exercise, where the folder holds several.") var name: String?
    @Option(help: "Threads of an exercise that several threads do. Default: a processor's each.") var threads: Int?
    @Option(help: "Seconds after which a solution does not end.") var seconds = 20
    @Flag(help: "Print one JSON object.") var json = false

    func validate() throws {
        guard (1...600).contains(seconds) else { throw ValidationError("--seconds is 1 to 600, not \(seconds)") }
        if let threads, !(1...64).contains(threads) { throw ValidationError("--threads is 1 to 64, not \(threads)") }
    }

    func run() throws {
        let (exercise, file, language) = try Exercise.solution(in: folder, named: name)
        Interrupt.watch()
        let check = ExerciseCheck(exercise: exercise, file: file, language: language, threads: threads, seconds: seconds)
        let attempt: ExerciseAttempt
        do { attempt = try check.run() } catch is Interrupted { throw ExitCode(130) }
        try ExerciseAttempts(folder).add(attempt)
        if json { try printJSON(attempt) } else { print(ExerciseCheckCommand.describe(attempt)) }
        if attempt.verdict != .right { throw ExitCode(1) }
    }

    static func describe(_ attempt: ExerciseAttempt) -> String {
        var text = "\(attempt.exercise): \(attempt.verdict.text)"
        if attempt.verdict == .doesNotCompile { return text + "\n" + attempt.reason }
        text += "; \(attempt.reason)"
        guard let times = attempt.nanoseconds, let work = attempt.work, let unit = attempt.unit, let limit = attempt.limit
        else { return text }
        struct Row {
            var name: String
            var time: Double
        }
        let table = TextTable<Row> { row in
            [
                Column(title: "", value: row.name, align: .left),
                Column(title: "µs a call", value: format(row.time / 1000, 3), align: .right),
                Column(title: "\(unit) a ns", value: LabReport.number(work / row.time), align: .right),
                Column(title: "of the limit", value: "\(format(100 * times.limit / row.time, 0))%", align: .right),
            ]
        }
        let rows = [
            Row(name: "the limit", time: times.limit), Row(name: "yours", time: times.yours),
            Row(name: "ours", time: times.ours),
            Row(name: "what you began with", time: times.naive),
        ]
        text += "\n\n" + table.string(for: rows)!
        text += "\nThe limit: \(limit)\(attempt.threads > 1 ? ", \(attempt.threads) threads" : "")."
        if !attempt.sanitizers.isEmpty { text += " Sanitizers (\(attempt.sanitizers.joined(separator: ", "))) found nothing." }
        if !attempt.missingSanitizers.isEmpty {
            text += " Not to be had here: sanitizers for \(attempt.missingSanitizers.joined(separator: ", "))."
        }
        text += "\nScore: \(format(100 * (attempt.share ?? 0), 0))% of the limit."
        if let next = attempt.next { text += " Next: \(next)." }
        return text
    }
}

/// The attempts of a folder: a line of JSON for each in attempts.jsonl.
struct ExerciseAttempts {
    private let file: URL

    init(_ folder: String) { file = URL(fileURLWithPath: folder, isDirectory: true).appendingPathComponent("attempts.jsonl") }

    func add(_ attempt: ExerciseAttempt) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let line = try encoder.encode(attempt) + Data("\n".utf8)
        // In one write at the end, so that two checks at once leave two lines.
        let descriptor = unsafe open(file.path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0o644)
        guard descriptor >= 0 else {
            throw Failure("cannot keep the attempt in '\(file.path)': \(unsafe String(cString: strerror(errno)))")
        }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        do { try handle.write(contentsOf: line) } catch {
            throw Failure("cannot keep the attempt in '\(file.path)': \(error.localizedDescription)")
        }
    }

    func all() throws -> [ExerciseAttempt] {
        guard FileManager.default.fileExists(atPath: file.path) else { return [] }
        guard let type = try? FileManager.default.attributesOfItem(atPath: file.path)[.type] as? FileAttributeType,
            type == .typeRegular,
            let data = try? FileHandle(forReadingFrom: file).read(upToCount: 16 << 20)
        else { throw Failure("'\(file.path)' cannot be read") }
        return try String(decoding: data, as: UTF8.self).split(separator: "\n").enumerated().map { index, line in
            guard let attempt = try? JSONDecoder().decode(ExerciseAttempt.self, from: Data(line.utf8)) else {
                throw Failure("'\(file.path)', line \(index + 1): this is no attempt")
            }
            let times = attempt.nanoseconds
            let numbers = [attempt.share, attempt.work, times?.yours, times?.naive, times?.ours, times?.limit].compactMap { $0 }
            guard numbers.allSatisfy({ $0 > 1e-12 && $0 < 1e12 }) else {
                throw Failure("'\(file.path)', line \(index + 1): holds a number that no attempt has")
            }
            return attempt
        }
    }
}

struct ExerciseBoard: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "board", abstract: "The attempts of a folder, and their progress.",
        discussion: """
            With --out the progress is drawn into a page too, which needs gnuplot.

            Example: lanes lab exercise board ~/sum --out ~/sum/board.html
            """)

    @Argument(help: "The folder of the solution.") var folder: String
    @Option(help: "A page to write.") var out: String?
    @Flag(help: "Print one JSON object.") var json = false

    func run() throws {
        let attempts = try ExerciseAttempts(folder).all()
        guard !attempts.isEmpty else {
            throw Failure("'\(folder)' holds no attempts yet; `lanes lab exercise check \(folder)` makes one")
        }
        if let out { try write(attempts, to: out) }
        if json {
            try printJSON(["attempts": attempts])
            return
        }
        for name in Set(attempts.map(\.exercise)).sorted() {
            let own = attempts.filter { $0.exercise == name }
            let best = own.compactMap(\.share).max()
            print(
                "\(Gnuplot.plain(name)): \(own.count) attempt(s)\(best.map { ", the best at \(format(100 * $0, 0))% of the limit" } ?? "")"
            )
            for (number, attempt) in own.enumerated() {
                let share = attempt.share ?? 0
                let bar = String(repeating: "#", count: max(0, min(40, Int((40 * share).rounded()))))
                let what =
                    attempt.verdict == .right
                    ? "\(format(100 * share, 0))%" : "\(attempt.verdict.text): \(Gnuplot.plain(attempt.reason))"
                let count = String(number + 1)
                print(
                    "  \(String(repeating: " ", count: max(0, 3 - count.count)))\(count)  \(Gnuplot.plain(attempt.date))  \(bar)\(bar.isEmpty ? "" : " ")\(what)"
                )
            }
        }
    }

    // Attempts that are right as points, with the best so far as a line; what other forms reached beside them.
    private func write(_ attempts: [ExerciseAttempt], to out: String) throws {
        let sections = try Set(attempts.map(\.exercise)).sorted().map { name -> String in
            let own = Array(attempts.filter { $0.exercise == name }.enumerated())
            var tries = Series("an attempt that is right", unit: "%")
            var best = Series("the best so far", unit: "%")
            var ours = Series("ours", unit: "%")
            for (number, attempt) in own {
                guard let share = attempt.share, let times = attempt.nanoseconds else { continue }
                tries.add(Double(number + 1), [100 * share])
                best.add(Double(number + 1), [max(100 * share, best.points.last?.y ?? 0)])
                ours.add(Double(number + 1), [100 * times.limit / times.ours])
            }
            let script =
                "set terminal svg size 860,330 dynamic enhanced font 'sans-serif,13' background '#ffffff'\nset xrange [0.5:\(Double(own.count) + 0.5)]\nset xtics 1\n"
                + LabFigure.panel([tries, best, ours], .curves(x: "attempt", y: "% of the limit"))
            let rows = own.map { number, attempt in
                "<tr><th scope=row>\(number + 1)</th><td>\(Page.escape(attempt.date))</td><td>\(attempt.verdict.text)</td><td>\(attempt.share.map { format(100 * $0, 0) + "%" } ?? "–")</td><td>\(Page.escape(String(attempt.reason.prefix(300))))</td></tr>"
            }.joined(separator: "\n")
            return """
                <h2>\(Page.escape(name))</h2>
                \(tries.points.isEmpty ? "" : "<figure>\n\(try Gnuplot.svg(script, title: "Attempts at \(name)"))\n</figure>")
                <div class="scroll"><table class=facts><tr><th>attempt</th><td>when</td><td>verdict</td><td>of the limit</td><td>why</td></tr>
                \(rows)
                </table></div>
                """
        }
        let page = Page.html(
            title: "swift-lanes: attempts",
            body: "<h1>Attempts</h1>\n<p class=lead>Shares of a limit that was measured with each attempt.</p>\n"
                + sections.joined(separator: "\n"))
        do { try Data(page.utf8).write(to: URL(fileURLWithPath: out), options: .atomic) } catch {
            throw Failure("cannot write '\(out)': \(error.localizedDescription)")
        }
        if !json { print("page: \(out)") }
    }
}
