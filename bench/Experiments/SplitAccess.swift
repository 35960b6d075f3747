import Measurement

extension Experiment {
    static let splitAccess = Experiment(
        id: "split-access", title: "Loads across lines and pages",
        question: "Independent loads of eight bytes within a line, across two lines and across two pages: how many in a time?",
        hypothesis: "A load across two lines costs two loads, across two pages several.",
        figure: .bars(y: "ns per load"),
        predict: { _ in ["across a line over within one, times": 2] },
        leavesOut: [
            "across a line over within one, times":
                "the loop around the loads is not in it: where it takes longer than they do, a second access is not seen"
        ],
        usesLanes: false,
        measure: { lab in
            var observation = Observation()
            let memory = ProbeMemory(byteCount: 5 * lab.pageBytes)
            var bars = Series("a load", unit: "ns")
            let steps = 16_000
            for (label, offset, stride) in [
                ("within a line", 0, lab.lineBytes), ("across a line", lab.lineBytes - 4, lab.lineBytes),
                ("across a page", lab.pageBytes - 4, lab.pageBytes),
            ] {
                let times = lab.time { CoreProbe.load(memory, offset, stride: stride, steps) }.map {
                    $0 / Double(steps)
                }
                bars.add(Double(bars.points.count), times, label: label)
                observation.numbers["\(label), ns"] = bars.points.last!.y
            }
            observation.series = [bars]
            observation.numbers["across a line over within one, times"] = bars.points[1].y / bars.points[0].y
            observation.numbers["across a page over within a line, times"] = bars.points[2].y / bars.points[0].y
            return observation
        },
        judge: { found, facts in
            let (line, page) = (
                found["across a line over within one, times"]!, found["across a page over within a line, times"]!
            )
            return (
                line > 1.5 && page > 1.5 * line ? .supported : .refuted,
                "A load within a line of \(facts.lineBytes) bytes takes \(text(found["within a line, ns"]!, 2)) ns in the stream, across two lines \(text(found["across a line, ns"]!, 2)) (\(text(line)) times), across two pages of \(pageText(facts.pageBytes)) \(text(found["across a page, ns"]!, 2)) (\(text(page)) times)."
            )
        })
}
