import Foundation
import LanesExperiments

/// The figures of the laboratory: tables of their points, and gnuplot's scripts.
enum LabFigure {
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
    static func script(_ finding: Finding, inline: Bool = false, range: String? = nil) -> String {
        var text =
            inline
            ? "set terminal svg size 860,430 dynamic enhanced font 'sans-serif,13' background '#ffffff'\n"
            : "set terminal svg size 860,430\nset output '\(finding.id).svg'\n"
        text += panel(finding.series, finding.figure, range: range)
        return text
    }

    static func panel(_ series: [Series], _ figure: Figure, title: String? = nil, range: String? = nil) -> String {
        var text = "set border 3\nset tics nomirror\nset grid back lc '#dddddd'\nset ylabel \(Gnuplot.quoted(figure.y))\n"
        if let title { text += "set title \(Gnuplot.quoted(title))\n" }
        text += range ?? self.range(series, figure)
        let data = UUID().uuidString.prefix(8)
        for (index, one) in series.enumerated() {
            text +=
                "$d\(data)\(index) << END\n"
                + one.points.map {
                    "\($0.x) \($0.y) \"\(Gnuplot.plain($0.label ?? ""))\" \"\(Gnuplot.plain(tooltip($0, one)))\""
                }.joined(separator: "\n") + "\nEND\n"
        }
        switch figure.kind {
        case .curves:
            text += "set xlabel \(Gnuplot.quoted(figure.x))\nset key outside top center horizontal Left reverse\n"
            if figure.isLogX { text += "set logscale x\n" }
            let curves = series.enumerated().map { index, one in
                let hasLabels = one.points.contains { $0.label != nil }
                let color = Gnuplot.colors[index % Gnuplot.colors.count]
                return
                    "$d\(data)\(index) using 1:2 with \(hasLabels ? "points" : "linespoints") lw 2 dt \(index + 1) pt \(Gnuplot.points[index % Gnuplot.points.count]) ps 0.6 lc '\(color)' title \(Gnuplot.quoted(one.name))"
                    + (hasLabels ? ", $d\(data)\(index) using 1:2:3 with labels left offset 0.7,0.4 font ',10' notitle" : "")
                    + ", $d\(data)\(index) using 1:2:4 \(touchable)"
            }
            text += "plot \(curves.joined(separator: ", "))\n"
        case .bars:
            // Groups of bars: a place for each label, side by side for each series.
            var labels: [String] = []
            for point in series.sorted(by: { $0.points.count > $1.points.count }).flatMap(\.points)
            where !labels.contains(point.label ?? "") { labels.append(point.label ?? "") }
            let width = 0.8 / Double(max(1, series.count))
            text +=
                "unset xlabel\nset bmargin 5.5\nset key outside top center horizontal\nset boxwidth \(width * 0.92)\nset xrange [-0.6:\(Double(labels.count) - 0.4)]\n"
            text +=
                "set xtics (\(labels.enumerated().map { "\(Gnuplot.quoted(lines: wrapped($1, places: labels.count))) \($0)" }.joined(separator: ", ")))\n"
            var parts: [String] = []
            for (index, one) in series.enumerated() {
                let shift = (Double(index) - Double(series.count - 1) / 2) * width
                text += "$b\(data)\(index) << END\n"
                text +=
                    one.points.map {
                        "\(Double(labels.firstIndex(of: $0.label ?? "")!) + shift) \($0.y) \(LabReport.number($0.y)) \"\(Gnuplot.plain(tooltip($0, one)))\""
                    }.joined(separator: "\n") + "\nEND\n"
                let color = Gnuplot.colors[index % Gnuplot.colors.count]
                let fill = index == 0 ? "solid 0.9" : "pattern \(Gnuplot.patterns[index % Gnuplot.patterns.count])"
                parts.append(
                    "$b\(data)\(index) using 1:2 with boxes lc '\(color)' fs \(fill) border lc '\(color)' title \(Gnuplot.quoted(one.name)), $b\(data)\(index) using 1:2:3 with labels offset 0,0.6 font ',10' notitle, $b\(data)\(index) using 1:2:4 \(touchable)"
                )
            }
            text += "plot \(parts.joined(separator: ", "))\n"
        }
        return text
    }

    /// The axis that these series need.
    static func range(_ series: [Series], _ figure: Figure) -> String {
        let values = series.flatMap { $0.points.map(\.y) }.filter { $0 > 0 }
        if figure.isLogY, !values.isEmpty { return "set logscale y\nset yrange [\(values.min()! / 2):\(values.max()! * 4)]\n" }
        return "set yrange [0:\(values.max().map { String($0 * 1.15) } ?? "*")]\n"
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

    // Points that cannot be seen and show their text where they are touched.
    private static let touchable = "with labels hypertext point pt 7 ps 2 lc rgb '#ff000000' notitle"

    /// A point in words: "copy: 31.25 GB/s (30.1 to 31.9 in 5 samples)".
    static func tooltip(_ point: Series.Point, _ series: Series) -> String {
        let place = point.label ?? exact(point.x)
        let spread =
            point.samples.count > 1
            ? " (\(exact(point.samples.min()!)) to \(exact(point.samples.max()!)) in \(point.samples.count) samples)" : ""
        return "\(series.name), \(place): \(exact(point.y)) \(series.unit)\(spread)"
    }

    /// A number with five digits.
    static func exact(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? String(format: "%.0f", value) : String(format: "%.5g", value)
    }
}
