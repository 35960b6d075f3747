import Foundation

/// A question whose answer the reader writes. Each is one file of `bench/exercises`: what the reader begins with, our form, and operands,
/// reference and limit. See check.h there.
struct Exercise {
    enum Language: String, CaseIterable, Codable { case c, swift }

    let name: String
    let question: String
    /// C, with the parts that check.h names.
    let source: URL
    /// What a reader begins with who writes Swift; nil where the exercise is about C's atomics.
    let swiftSource: URL?

    var languages: [Language] { swiftSource == nil ? [.c] : [.c, .swift] }

    static func folder() throws -> URL { URL(fileURLWithPath: try Project.folder("bench/exercises")) }

    static func all() throws -> [Exercise] {
        let files = try FileManager.default.contentsOfDirectory(at: folder(), includingPropertiesForKeys: nil)
        return try files.filter { $0.pathExtension == "c" && $0.lastPathComponent != "check.c" }.map { source in
            let name = source.deletingPathExtension().lastPathComponent
            guard let first = try start(in: source).split(separator: "\n").first, first.hasPrefix("// \(name): ") else {
                throw Failure("'\(source.path)' does not begin with its question")
            }
            let swift = source.deletingPathExtension().appendingPathExtension("swift")
            return Exercise(
                name: name, question: String(first.dropFirst("// \(name): ".count)), source: source,
                swiftSource: FileManager.default.fileExists(atPath: swift.path) ? swift : nil)
        }.sorted { $0.name < $1.name }
    }

    static func named(_ name: String) throws -> Exercise {
        let all = try all()
        guard let exercise = all.first(where: { $0.name == name }) else {
            throw Failure(
                "there is no exercise '\(Gnuplot.plain(name))'; `lanes lab exercise list` names them: \(all.map(\.name).joined(separator: " "))"
            )
        }
        return exercise
    }

    /// What a reader begins with.
    func start(_ language: Language) throws -> String {
        switch language {
        case .c: return try Exercise.start(in: source)
        case .swift:
            guard let swiftSource else { throw Failure("the exercise '\(name)' is written in C: it needs C's atomics") }
            return try String(contentsOf: swiftSource, encoding: .utf8)
        }
    }

    // The first part of a file.
    private static func start(in source: URL) throws -> String {
        let text = try String(contentsOf: source, encoding: .utf8)
        guard let begin = text.range(of: "#if defined(EXERCISE_START)\n"),
            let end = text.range(of: "\n#elif defined(EXERCISE_OURS)")
        else { throw Failure("'\(source.path)' has no part EXERCISE_START") }
        return String(text[begin.upperBound..<end.lowerBound])
    }

    /// The solution of a folder, by its name: the exercise's, with the ending of its language.
    static func solution(in folder: String, named name: String?) throws -> (exercise: Exercise, file: URL, language: Language) {
        let url = URL(fileURLWithPath: folder, isDirectory: true)
        guard let entries = try? FileManager.default.contentsOfDirectory(atPath: url.path) else {
            throw Failure("there is no folder '\(folder)'; `lanes lab exercise start NAME \(folder)` makes one")
        }
        let found = try all().flatMap { exercise in
            exercise.languages.map { (exercise: exercise, file: "\(exercise.name).\($0.rawValue)", language: $0) }
        }.filter { entries.contains($0.file) && (name == nil || $0.exercise.name == name) }
        guard let first = found.first else {
            throw Failure(
                "'\(folder)' holds no solution\(name.map { " of '\(Gnuplot.plain($0))'" } ?? ""): a file such as \(name ?? "sum").c; `lanes lab exercise start` writes one"
            )
        }
        guard found.count == 1 else {
            throw Failure(
                "'\(folder)' holds \(found.map(\.file).joined(separator: ", ")): say which one, as in `lanes lab exercise check \(folder) \(first.exercise.name)`"
            )
        }
        let file = url.appendingPathComponent(first.file)
        guard
            let type = try? FileManager.default.attributesOfItem(atPath: file.resolvingSymlinksInPath().path)[.type]
                as? FileAttributeType,
            type == .typeRegular
        else { throw Failure("'\(file.path)' is no file that can be read") }
        return (first.exercise, file, first.language)
    }
}
