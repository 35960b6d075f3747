import Foundation
import LanesExperiments

/// The page of two machines side by side.
enum LabPair {
    static func write(_ a: LaboratoryRecord, _ b: LaboratoryRecord, names: (String, String), to folder: String) throws {
        let url = URL(fileURLWithPath: folder)
        do {
            try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
            let page = Page.html(title: "swift-lanes: two machines", body: try body(a, b, names: names))
            try Data(page.utf8).write(to: url.appendingPathComponent("index.html"), options: .atomic)
        } catch let error as Failure {
            throw error
        } catch {
            throw Failure("cannot write the report to '\(folder)': \(error.localizedDescription)")
        }
    }

    private static func body(_ a: LaboratoryRecord, _ b: LaboratoryRecord, names: (String, String)) throws -> String {
        // The processor says more than a file's name, where the two are not the same.
        let isOther = a.machine.processor != b.machine.processor
        let (first, second) = (
            Page.escape(isOther ? a.machine.processor : names.0), Page.escape(isOther ? b.machine.processor : names.1)
        )
        let profile = zip(LabReport.profile(a), LabReport.profile(b)).map { one, other in
            "<tr><th scope=row>\(one.0)</th><td>\(Page.escape(one.1))</td><td>\(Page.escape(other.1))</td></tr>"
        }
        let order = Experiment.all.map(\.id)
        let pairs = order.compactMap { id -> (Finding, Finding)? in
            guard let one = a.experiments.first(where: { $0.id == id }), let other = b.experiments.first(where: { $0.id == id })
            else {
                return nil
            }
            return (one, other)
        }
        guard !pairs.isEmpty else { throw Failure("the two runs have no experiment in common") }
        let alone = (a.experiments + b.experiments).filter { finding in !pairs.contains { $0.0.id == finding.id } }.map(\.title)
        let verdicts = pairs.map { one, other in
            "<tr><th scope=row><a href=\"#\(one.id)\">\(Page.escape(one.title))</a></th><td class=\(one.verdict.rawValue)>\(LabReport.word(one.verdict))</td><td class=\(other.verdict.rawValue)>\(LabReport.word(other.verdict))</td></tr>"
        }
        return """
            <h1>Two machines</h1>
            <p class="lead">\(first) and \(second), each measured in a run of its own\(a.isQuick == b.isQuick ? "" : ", one in quick series and one in full").\(alone.isEmpty ? "" : " In one of the runs only: \(Page.escape(alone.joined(separator: "; "))).")</p>
            <h2>What they are</h2>
            \(Page.scrolling("Profiles of both machines", """
                <table class=facts><caption>What predictions were made of</caption>
                <tr><th scope=col></th><th scope=col>\(first)</th><th scope=col>\(second)</th></tr>
                \(profile.joined(separator: "\n"))
                </table>
                """))
            <h2>Verdicts</h2>
            \(Page.scrolling("Verdicts on both machines", """
                <table class=verdicts><caption>The same questions to both</caption>
                <tr><th scope=col>experiment</th><th scope=col>\(first)</th><th scope=col>\(second)</th></tr>
                \(verdicts.joined(separator: "\n"))
                </table>
                """))
            \(try pairs.map { try section($0, $1, first, second) }.joined(separator: "\n"))
            """
    }

    // Both figures with the same axes, and the numbers that both found.
    private static func section(_ a: Finding, _ b: Finding, _ first: String, _ second: String) throws -> String {
        let range = LabFigure.range(a.series + b.series, a.figure)
        let columns = try [(a, first), (b, second)].map { finding, name in
            """
            <div>
            <h3>\(name): <span class=\(finding.verdict.rawValue)>\(LabReport.word(finding.verdict))</span></h3>
            <p>\(Page.escape(finding.remember ?? LabReport.firstSentence(finding.explanation)))</p>
            \(finding.series.isEmpty ? "" : "<figure>\(try Gnuplot.svg(LabFigure.script(finding, inline: true, range: range), title: "\(finding.title): \(finding.figure.y)"))</figure>")
            </div>
            """
        }
        let numbers = a.numbers.keys.filter { b.numbers[$0] != nil }.sorted().map { key in
            let (one, other) = (a.numbers[key]!, b.numbers[key]!)
            let ratio = one > 0 && other > 0 ? LabReport.number(other / one) : "–"
            return
                "<tr><th scope=row>\(Page.escape(key))</th><td>\(LabReport.number(one))</td><td>\(LabReport.number(other))</td><td>\(ratio)</td></tr>"
        }
        let table =
            numbers.isEmpty
            ? ""
            : """
            <details><summary>The \(numbers.count) numbers of both</summary>
            \(Page.scrolling("Numbers of \(a.title)", """
                <table><caption>The same numbers of both machines</caption>
                <tr><th scope=col>number</th><th scope=col>\(first)</th><th scope=col>\(second)</th><th scope=col>second over first</th></tr>
                \(numbers.joined(separator: "\n"))
                </table>
                """))
            </details>
            """
        return """
            <section id="\(a.id)">
            <h2>\(Page.escape(a.title))</h2>
            <p>\(Page.escape(a.question))</p>
            <div class=pair>
            \(columns.joined(separator: "\n"))
            </div>
            \(table)
            </section>
            """
    }
}
