import ArgumentParser
import Foundation
import LanesExperiments
import LanesMeasurement
import TextTable

struct DiffCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff", abstract: "Compares two runs of the laboratory, point by point.",
        discussion: """
            A point is better or worse where there are three samples or more, those of the two runs hardly overlap and their medians differ by more than the tolerance;
            otherwise it is not resolved, which is not the same as equal. Runs on different processors, instruction sets, numbers of lanes or
            page settings are refused unless --anyway is given. Exit status 1 where a point is worse.

            Example: lanes diff before.json after.json
            """)

    @Argument(help: "The earlier run.") var before: String
    @Argument(help: "The later run.") var after: String
    @Option(help: "Per cent by which medians may differ.") var tolerance = 10.0
    @Flag(help: "Compare though the machines are not the same.") var anyway = false
    @Flag(help: "Print one JSON object.") var json = false

    struct Row: Codable {
        var experiment: String
        var series: String
        var point: String
        var before: Double
        var after: Double
        /// "better", "worse" or "not resolved".
        var verdict: String
    }

    struct Output: Codable {
        var differences: [String]
        var rows: [Row]
        var worse: Int
    }

    func validate() throws {
        guard tolerance >= 0 && tolerance < 1000 else { throw ValidationError("--tolerance is at least 0, not \(tolerance)") }
    }

    func run() throws {
        let (a, b) = (try LaboratoryFile.read(before), try LaboratoryFile.read(after))
        var differences: [String] = []
        func compare(_ what: String, _ x: String, _ y: String) {
            if x != y { differences.append("\(what): \(x) against \(y)") }
        }
        compare("processor", a.machine.processor, b.machine.processor)
        compare("instruction set", a.machine.instructionSet, b.machine.instructionSet)
        compare("processors used", "\(a.machine.usableProcessors)", "\(b.machine.usableProcessors)")
        compare("huge pages", a.machine.hugePages, b.machine.hugePages)
        compare("length of series", a.isQuick ? "quick" : "full", b.isQuick ? "quick" : "full")
        compare("noise grade", grade(a), grade(b))
        let hard = differences.filter { !$0.hasPrefix("noise grade") }
        guard hard.isEmpty || anyway else {
            throw Failure("the runs are not comparable (--anyway compares them all the same): \(hard.joined(separator: "; "))")
        }
        var rows: [Row] = []
        // `trust` holds raw samples of noise, which have no counterparts.
        for first in a.experiments where first.id != "trust" {
            guard let second = b.experiments.first(where: { $0.id == first.id }) else { continue }
            for series in first.series {
                guard let other = second.series.first(where: { $0.name == series.name }) else { continue }
                // Rates and ratios are better when they are larger, times when they are smaller.
                let isRate =
                    ["GFLOP/s", "GB/s", "million/s", "thousand/s", "ratio"].contains(series.unit)
                    || series.unit == "times" && first.id == "amdahl"
                for (index, point) in series.points.enumerated() where index < other.points.count {
                    let later = other.points[index]
                    guard point.label == later.label,
                        abs(point.x - later.x) <= 1e-9 * abs(point.x) || point.label != nil || first.id == "loaded-latency"
                    else {
                        continue
                    }
                    let change = later.y / point.y - 1
                    let apart =
                        min(point.samples.count, later.samples.count) >= 3 && overlap(point.samples, later.samples) < 0.1
                        && abs(change) > tolerance / 100
                    rows.append(
                        Row(
                            experiment: first.id, series: series.name, point: point.label ?? LabReport.number(point.x),
                            before: point.y,
                            after: later.y, verdict: !apart ? "not resolved" : (change > 0) == isRate ? "better" : "worse"))
                }
            }
        }
        let worse = rows.count { $0.verdict == "worse" }
        if json {
            try printJSON(Output(differences: differences, rows: rows, worse: worse))
        } else {
            for difference in differences { print("differs: \(difference)") }
            let shown = rows.filter { $0.verdict != "not resolved" }
            if !shown.isEmpty {
                TextTable<Row> {
                    [
                        Column(title: "experiment", value: $0.experiment), Column(title: "series", value: $0.series),
                        Column(title: "point", value: $0.point),
                        Column(title: "before", value: LabReport.number($0.before), align: .right),
                        Column(title: "after", value: LabReport.number($0.after), align: .right),
                        Column(title: "change", value: format(100 * ($0.after / $0.before - 1), 1) + "%", align: .right),
                        Column(title: "", value: $0.verdict),
                    ]
                }.print(shown)
            }
            print(
                "\(rows.count) points: \(rows.count { $0.verdict == "better" }) better, \(worse) worse, the others not resolved"
            )
        }
        if worse > 0 { Foundation.exit(1) }
    }

    private func grade(_ record: LaboratoryRecord) -> String {
        guard let trust = record.experiments.first(where: { $0.id == "trust" }) else { return "unknown" }
        return String(trust.explanation.prefix(7))
    }

    /// Share of pairs, one sample from each, that stand in the other order than the medians: 0 for samples far apart, about a half for alike.
    private func overlap(_ a: [Double], _ b: [Double]) -> Double {
        guard !a.isEmpty && !b.isEmpty else { return 1 }
        let isUp = Statistics.median(b) >= Statistics.median(a)
        let wrong = a.reduce(0) { count, x in count + b.count { isUp ? $0 <= x : $0 >= x } }
        return Double(wrong) / Double(a.count * b.count)
    }
}
