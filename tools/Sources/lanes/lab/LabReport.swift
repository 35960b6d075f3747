import Experiments
import Foundation
import Measurement

/// The laboratory's page: verdicts first, then a section for each experiment. Tables and plot scripts lie beside it.
enum LabReport {
    static func write(_ record: LaboratoryRecord, to folder: String) throws {
        let url = URL(fileURLWithPath: folder)
        do {
            try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
            for finding in record.experiments where !finding.series.isEmpty {
                try Data(table(finding).utf8).write(to: url.appendingPathComponent("\(finding.id).csv"), options: .atomic)
                try Data(script(finding).utf8).write(to: url.appendingPathComponent("\(finding.id).gp"), options: .atomic)
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
        return """
            <h1>The laboratory</h1>
            <p class="lead">\(Page.escape(record.machine.processor)), \(record.machine.usableProcessors.count) processors, \(Page.escape(record.machine.instructionSet)) kernels\(record.isQuick ? ", quick series" : ""). Every number on this page was measured on this machine in this run.\(peers(record))</p>
            <div class="scroll"><table class="verdicts">
            <tr><th>experiment</th><td>verdict</td><td>what was found</td></tr>
            \(record.experiments.map { "<tr><th scope=row><a href=\"#\($0.id)\">\(Page.escape($0.title))</a></th><td class=\($0.verdict.rawValue)>\(word($0.verdict))</td><td>\(Page.escape(firstSentence($0.explanation)))</td></tr>" }.joined(separator: "\n"))
            </table></div>
            <p class="lead">Of \(close.count) predicted numbers \(close.filter(\.isClose).count) came within a factor of 1.5.</p>
            \(try fourPanels(record))
            \(try record.experiments.map(section).joined(separator: "\n"))
            <h2>The machine's profile</h2>
            <p class="lead">What predictions were made of.</p>
            \(facts(record))
            """
    }

    private static func word(_ verdict: Verdict) -> String { verdict == .notTestable ? "not testable here" : verdict.rawValue }

    private static func firstSentence(_ text: String) -> String {
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
            : """
            <div class="scroll"><table><tr><th>predicted from the profile</th><th>predicted</th><th>measured</th></tr>
            \(finding.prediction.map { "<tr><th scope=row>\(Page.escape($0.quantity))</th><td>\(number($0.predicted))</td><td>\($0.measured.map(number) ?? "–")\($0.measured == nil || $0.isClose ? "" : " (off by more than 1.5)")</td></tr>" }.joined(separator: "\n"))
            </table></div>
            """
        let figure = finding.series.isEmpty ? "" : "<figure>\n\(try Gnuplot.svg(script(finding, inline: true)))\n</figure>"
        return """
            <section id="\(finding.id)">
            <h2>\(Page.escape(finding.title))</h2>
            <p><b>Question.</b> \(Page.escape(finding.question))<br><b>Hypothesis.</b> \(Page.escape(finding.hypothesis))<br><b>Verdict.</b> <span class=\(finding.verdict.rawValue)>\(word(finding.verdict))</span>. \(Page.escape(finding.explanation))</p>
            \(figure)
            \(predictions)
            \(finding.notes.isEmpty ? "" : "<p class=lead>" + finding.notes.map(Page.escape).joined(separator: "<br>") + "</p>")
            </section>
            """
    }

    private static func facts(_ record: LaboratoryRecord) -> String {
        let (p, m) = (record.profile, record.machine)
        let rows = [
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
        return "<table class=facts>"
            + rows.map { "<tr><th scope=row>\($0.0)</th><td>\(Page.escape($0.1))</td></tr>" }.joined(separator: "\n")
            + "</table>"
    }

    /// All points: series, place, label, value, and the samples behind it.
    static func table(_ finding: Finding) -> String {
        func cell(_ text: String) -> String { "\"" + text.replacingOccurrences(of: "\"", with: "\"\"") + "\"" }
        var lines = ["series,unit,x,label,y,samples"]
        for series in finding.series {
            for point in series.points {
                lines.append(
                    "\(cell(series.name)),\(cell(series.unit)),\(point.x),\(cell(point.label ?? "")),\(point.y),\(cell(point.samples.map { "\($0)" }.joined(separator: " ")))"
                )
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// The figure's script; with its data inside.
    static func script(_ finding: Finding, inline: Bool = false) -> String {
        var text =
            inline
            ? "set terminal svg size 860,430 dynamic enhanced font 'sans-serif,13' background '#ffffff'\n"
            : "set terminal svg size 860,430\nset output '\(finding.id).svg'\n"
        text += panel(finding.series, finding.figure)
        return text
    }

    static func panel(_ series: [Series], _ figure: Figure, title: String? = nil) -> String {
        var text = "set border 3\nset tics nomirror\nset grid back lc '#dddddd'\nset ylabel \(Gnuplot.quoted(figure.y))\n"
        if let title { text += "set title \(Gnuplot.quoted(title))\n" }
        let values = series.flatMap { $0.points.map(\.y) }.filter { $0 > 0 }
        if figure.isLogY, !values.isEmpty {
            text += "set logscale y\nset yrange [\(values.min()! / 2):\(values.max()! * 4)]\n"
        } else {
            text += "set yrange [0:*]\n"
        }
        let data = UUID().uuidString.prefix(8)
        for (index, one) in series.enumerated() {
            text +=
                "$d\(data)\(index) << END\n"
                + one.points.map { "\($0.x) \($0.y) \"\(Gnuplot.plain($0.label ?? ""))\"" }.joined(separator: "\n") + "\nEND\n"
        }
        switch figure.kind {
        case .curves:
            text += "set xlabel \(Gnuplot.quoted(figure.x))\nset key outside top center horizontal Left reverse\n"
            if figure.isLogX { text += "set logscale x\n" }
            let curves = series.enumerated().map { index, one in
                let hasLabels = one.points.contains { $0.label != nil }
                let color = Gnuplot.colors[index % Gnuplot.colors.count]
                return
                    "$d\(data)\(index) using 1:2 with \(hasLabels ? "points" : "linespoints") lw 2 pt 7 ps 0.5 lc '\(color)' title \(Gnuplot.quoted(one.name))"
                    + (hasLabels ? ", $d\(data)\(index) using 1:2:3 with labels left offset 0.7,0.4 font ',10' notitle" : "")
            }
            text += "plot \(curves.joined(separator: ", "))\n"
        case .bars:
            // Groups of bars: a place for each label, side by side for each series.
            var labels: [String] = []
            for point in series.sorted(by: { $0.points.count > $1.points.count }).flatMap(\.points)
            where !labels.contains(point.label ?? "") { labels.append(point.label ?? "") }
            let width = 0.8 / Double(max(1, series.count))
            text +=
                "unset xlabel\nset bmargin 5.5\nset key outside top center horizontal\nset style fill solid 0.9\nset boxwidth \(width * 0.92)\nset xrange [-0.6:\(Double(labels.count) - 0.4)]\n"
            text +=
                "set xtics (\(labels.enumerated().map { "\(Gnuplot.quoted(lines: wrapped($1, places: labels.count))) \($0)" }.joined(separator: ", ")))\n"
            var parts: [String] = []
            for (index, one) in series.enumerated() {
                let shift = (Double(index) - Double(series.count - 1) / 2) * width
                text += "$b\(data)\(index) << END\n"
                text +=
                    one.points.map { "\(Double(labels.firstIndex(of: $0.label ?? "")!) + shift) \($0.y) \(number($0.y))" }
                    .joined(separator: "\n") + "\nEND\n"
                parts.append(
                    "$b\(data)\(index) using 1:2 with boxes lc '\(Gnuplot.colors[index % Gnuplot.colors.count])' title \(Gnuplot.quoted(one.name)), $b\(data)\(index) using 1:2:3 with labels offset 0,0.6 font ',10' notitle"
                )
            }
            text += "plot \(parts.joined(separator: ", "))\n"
        }
        return text
    }

    // Long labels in lines that fit beside each other.
    private static func wrapped(_ label: String, places: Int) -> [String] {
        let most = min(16, max(8, 80 / places))
        var lines: [String] = []
        for word in label.split(separator: " ") {
            if let last = lines.last, last.count + word.count < most {
                lines[lines.count - 1] = "\(last) \(word)"
            } else {
                lines.append(String(word))
            }
        }
        return lines
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
        for (title, series, figure) in panels { script += "reset\n" + panel(series, figure, title: title) }
        script += "unset multiplot\n"
        return """
            <figure>
            \(try Gnuplot.svg(script))
            <figcaption>Four lessons of parallelism in one picture; every bar is a measurement of this run.</figcaption>
            </figure>
            """
    }
}
