import Foundation
import LanesExperiments
import LanesMeasurement

/// The laboratory's page: verdicts first, then a section for each experiment. Tables and plot scripts lie beside it.
enum LabReport {
    static func write(_ record: LaboratoryRecord, to folder: String) throws {
        let url = URL(fileURLWithPath: folder)
        do {
            try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
            for finding in record.experiments where !finding.series.isEmpty {
                try Data(LabFigure.table(finding).utf8).write(
                    to: url.appendingPathComponent("\(finding.id).csv"), options: .atomic)
                try Data(LabFigure.script(finding).utf8).write(
                    to: url.appendingPathComponent("\(finding.id).gp"), options: .atomic)
            }
            try encodedJSON(record).write(to: url.appendingPathComponent("lab.json"), options: .atomic)
            try Data(Page.html(title: "swift-lanes: the laboratory", body: try body(record)).utf8)
                .write(to: url.appendingPathComponent("index.html"), options: .atomic)
        } catch let error as Failure {
            throw error
        } catch {
            throw Failure("cannot write the report to '\(folder)': \(error.localizedDescription)")
        }
    }

    // The other libraries by the kernels that they ran.
    private static func peers(_ record: LaboratoryRecord) -> String {
        guard let peers = record.peers, !peers.isEmpty else { return "" }
        return " Beside " + Page.escape(peers.joined(separator: "; ")) + "."
    }

    /// Without the frame, for pages that hold more than this.
    static func body(_ record: LaboratoryRecord) throws -> String {
        let close = record.experiments.flatMap(\.prediction).filter { $0.measured != nil }
        let rows = record.experiments.map { finding in
            "<tr><th scope=row><a href=\"#\(finding.id)\">\(Page.escape(finding.title))</a></th><td class=\(finding.verdict.rawValue)>\(word(finding.verdict))</td><td>\(Page.escape(finding.remember ?? firstSentence(finding.explanation)))</td></tr>"
        }
        return """
            <h1>The laboratory</h1>
            <p class="lead">\(Page.escape(record.machine.processor)), \(record.machine.usableProcessors.count) processors, \(Page.escape(record.machine.instructionSet)) kernels\(record.isQuick ? ", quick series" : ""). Every number on this page was measured on this machine in this run, or is a prediction and says so.\(peers(record))</p>
            \(try findings(record))
            <h2>All experiments</h2>
            \(Page.scrolling("All experiments and their verdicts", """
                <table class="verdicts">
                <caption>Of \(close.count) predicted numbers \(close.filter(\.isClose).count) came within a factor of 1.5.</caption>
                <tr><th scope=col>experiment</th><th scope=col>verdict</th><th scope=col>to remember</th></tr>
                \(rows.joined(separator: "\n"))
                </table>
                """))
            \(try fourPanels(record))
            \(try record.experiments.map(section).joined(separator: "\n"))
            <h2>The machine's profile</h2>
            \(facts(record))
            """
    }

    // What most people are asked about first; the first five that have a verdict are shown large.
    private static let mostTaught = [
        "vectorization", "cache-latency", "false-sharing", "gradient-accumulation", "fork-join", "memory-layout", "branches",
        "bandwidth",
        "break-even", "page-fault",
    ]

    /// Five sentences with their figures, for a wall.
    private static func findings(_ record: LaboratoryRecord) throws -> String {
        let taught = mostTaught.compactMap { id in record.experiments.first { $0.id == id && $0.verdict != .notTestable } }
            .filter { $0.remember != nil && !$0.series.isEmpty }.prefix(5)
        guard !taught.isEmpty else { return "" }
        let items = try taught.map { finding in
            """
            <li><p>\(Page.escape(finding.remember!)) <a href="#\(finding.id)">Why?</a></p>
            <figure>\(try Gnuplot.svg(LabFigure.script(finding, inline: true), title: finding.title))</figure></li>
            """
        }
        return "<h2>What this machine shows</h2>\n<ol class=findings>\n\(items.joined(separator: "\n"))\n</ol>"
    }

    static func word(_ verdict: Verdict) -> String { verdict == .notTestable ? "not testable here" : verdict.rawValue }

    static func firstSentence(_ text: String) -> String {
        text.range(of: #"\.( |$)(?=[A-ZΑ-Ω]|$)"#, options: .regularExpression).map { String(text[..<$0.lowerBound]) + "." }
            ?? text
    }

    /// A number with about three digits.
    static func number(_ value: Double) -> String {
        let size = abs(value)
        return size >= 100 || size == 0
            ? format(value, 0) : size >= 10 ? format(value, 1) : size >= 1 ? format(value, 2) : format(value, 3)
    }

    private static func section(_ finding: Finding) throws -> String {
        let predictions =
            finding.prediction.isEmpty
            ? ""
            : Page.scrolling(
                "Predictions of \(finding.title)",
                """
                <table><caption>Predicted from the machine's profile, and measured</caption>
                <tr><th scope=col>number</th><th scope=col>predicted</th><th scope=col>measured</th></tr>
                \(finding.prediction.map { "<tr><th scope=row>\(Page.escape($0.quantity))</th><td>\(number($0.predicted))</td><td>\($0.measured.map(number) ?? "–")\($0.measured == nil || $0.isClose ? "" : " (off by more than 1.5)")</td></tr>" }.joined(separator: "\n"))
                </table>
                """)
        let figure =
            finding.series.isEmpty
            ? ""
            : """
            <figure>
            \(try Gnuplot.svg(LabFigure.script(finding, inline: true), title: "\(finding.title): \(finding.figure.y)"))
            </figure>
            \(values(finding))
            """
        return """
            <section id="\(finding.id)">
            <h2>\(Page.escape(finding.title))</h2>
            \(finding.remember.map { "<p class=remember>\(Page.escape($0))</p>" } ?? "")
            <p><b>Question.</b> \(Page.escape(finding.question))<br><b>Hypothesis.</b> \(Page.escape(finding.hypothesis))<br><b>Verdict.</b> <span class=\(finding.verdict.rawValue)>\(word(finding.verdict))</span>. \(Page.escape(finding.explanation))</p>
            \(figure)
            \(predictions)
            \(finding.notes.isEmpty ? "" : "<p class=lead>" + finding.notes.map(Page.escape).joined(separator: "<br>") + "</p>")
            </section>
            """
    }

    /// The figure's points in a table, for who cannot see it or wants the numbers.
    static func values(_ finding: Finding) -> String {
        let rows = finding.series.flatMap { series in
            series.points.map { point in
                "<tr><th scope=row>\(Page.escape(series.name))</th><td>\(Page.escape(point.label ?? LabFigure.exact(point.x)))</td><td>\(LabFigure.exact(point.y)) \(Page.escape(series.unit))</td><td>\(LabFigure.exact(point.samples.min() ?? point.y))</td><td>\(LabFigure.exact(point.samples.max() ?? point.y))</td><td>\(point.samples.count)</td></tr>"
            }
        }
        return """
            <details><summary>The \(rows.count) points of the figure</summary>
            \(Page.scrolling("Points of \(finding.title)", """
                <table><caption>Medians, and the range of their samples</caption>
                <tr><th scope=col>series</th><th scope=col>\(finding.figure.x.isEmpty ? "of" : Page.escape(finding.figure.x))</th><th scope=col>median</th><th scope=col>least</th><th scope=col>most</th><th scope=col>samples</th></tr>
                \(rows.joined(separator: "\n"))
                </table>
                """))
            </details>
            """
    }

    /// What predictions were made of, and what else is known of the machine.
    static func profile(_ record: LaboratoryRecord) -> [(String, String)] {
        let (p, m) = (record.profile, record.machine)
        return [
            ("processor", m.processor), ("one cycle", p.cycle.map { "\(number($0)) ns" } ?? "could not be established"),
            ("peak of multiply-adds", "\(number(p.peakOne)) GFLOP/s on one lane, \(number(p.peakAll)) on all"),
            ("memory, triad", "\(number(p.memoryBandwidthOne)) GB/s on one lane, \(number(p.memoryBandwidthAll)) on all"),
            (
                "caches",
                zip(p.cacheBytes, zip(p.cacheLatency, p.cacheBandwidth)).map {
                    "\($0 >> 10) KiB: \(number($1.0)) ns, \(number($1.1)) GB/s"
                }.joined(separator: "; ")
            ),
            ("memory, a load", "\(number(p.memoryLatency)) ns"), ("empty region", "\(number(p.region)) ns"),
            ("a line from core to core", "\(number(p.transfer)) ns"), ("hypervisor", m.hypervisor),
            ("stolen during the run", record.stealSeconds.map { "\(format($0, 2)) s" } ?? "not said"),
            ("CPU quota", m.quota.map { "\(number($0)) processors" } ?? "none"), ("huge pages", m.hugePages),
            ("system", m.system), ("compiler", m.compiler), ("version", m.commit ?? "unknown"),
            ("seed", String(record.seed)), ("measured", m.date),
        ]
    }

    private static func facts(_ record: LaboratoryRecord) -> String {
        "<table class=facts><caption>What predictions were made of</caption>"
            + profile(record).map { "<tr><th scope=row>\($0.0)</th><td>\(Page.escape($0.1))</td></tr>" }.joined(separator: "\n")
            + "</table>"
    }

    /// The four panels of the guide that this laboratory goes back to, with bars that were measured.
    private static func fourPanels(_ record: LaboratoryRecord) throws -> String {
        func finding(_ id: String) -> Finding? { record.experiments.first { $0.id == id && !$0.series.isEmpty } }
        guard let ladder = finding("vectorization"), let tiny = finding("tiny-operations"),
            let gradients = finding("gradient-accumulation"),
            let memory = finding("bandwidth"), ladder.series.count > 1
        else { return "" }
        var copies = Series("copy", unit: "GB/s")
        for (index, one) in memory.series.enumerated() {
            if let point = one.points.first(where: { $0.label == "copy" }) {
                copies.add(Double(index), point.samples, label: one.name)
            }
        }
        var small = Series("about 1000 numbers", unit: "ns")
        for (index, one) in tiny.series.enumerated() {
            if let point = one.points.min(by: { abs($0.x - 1000) < abs($1.x - 1000) }) {
                small.add(Double(index), point.samples, label: one.name)
            }
        }
        var script =
            "set terminal svg size 1180,980 dynamic enhanced font 'sans-serif,12' background '#ffffff'\nset multiplot layout 2,2\n"
        let panels: [(String, [Series], Figure)] = [
            ("A product, rung by rung (64 × 128 × 784)", [ladder.series[1]], .bars(y: "GFLOP/s", logY: true)),
            ("x² + sin x for about 1000 numbers", [small], .bars(y: "ns per number", logY: true)),
            ("Adding gradients from all lanes", gradients.series, .bars(y: "ns for a sample’s gradient", logY: true)),
            ("Copying memory", [copies], .bars(y: "GB/s")),
        ]
        for (title, series, figure) in panels { script += "reset\n" + LabFigure.panel(series, figure, title: title) }
        script += "unset multiplot\n"
        return """
            <figure>
            \(try Gnuplot.svg(script, title: "Four lessons of parallelism"))
            <figcaption>Four lessons of parallelism in one picture; every bar is a measurement of this run.</figcaption>
            </figure>
            """
    }
}
