import LanesMeasurement

extension Quantity {
    fileprivate static let acrossALineOverWithinOne = Quantity("across a line over within one", "times")
    fileprivate static let acrossAPageOverWithinALine = Quantity("across a page over within a line", "times")
    fileprivate static let withinALine = Quantity("within a line", "ns")
    fileprivate static let acrossALine = Quantity("across a line", "ns")
    fileprivate static let acrossAPage = Quantity("across a page", "ns")
}

extension Experiment {
    static let splitAccess = Experiment(
        id: "split-access", title: "Loads across lines and pages",
        question: "Independent loads of eight bytes within a line, across two lines and across two pages: how many in a time?",
        hypothesis: "A load across two lines costs two loads, across two pages several.",
        figure: .bars(y: "ns per load"),
        predict: { _ in [.acrossALineOverWithinOne: 2] },
        leavesOut: [
            .acrossALineOverWithinOne:
                "the loop around the loads is not in it: where it takes longer than they do, a second access is not seen"
        ],
        needs: .oneLane,
        measure: { lab in
            var observation = Observation()
            let memory = ProbeMemory(byteCount: 5 * lab.pageBytes)
            var bars = Series("a load", unit: "ns")
            let steps = 16_000
            for (quantity, offset, stride) in [
                (Quantity.withinALine, 0, lab.lineBytes), (.acrossALine, lab.lineBytes - 4, lab.lineBytes),
                (.acrossAPage, lab.pageBytes - 4, lab.pageBytes),
            ] {
                let times = lab.time { CoreProbe.load(memory, offset, stride: stride, steps) }.map {
                    $0 / Double(steps)
                }
                bars.add(Double(bars.points.count), times, label: quantity.name)
                observation.numbers[quantity] = bars.points.last!.y
            }
            observation.series = [bars]
            observation.numbers[.acrossALineOverWithinOne] = bars.points[1].y / bars.points[0].y
            observation.numbers[.acrossAPageOverWithinALine] = bars.points[2].y / bars.points[0].y
            return observation
        },
        judge: { found, facts in
            let (line, page) = (
                found[.acrossALineOverWithinOne]!, found[.acrossAPageOverWithinALine]!
            )
            return (
                line > 1.5 && page > 1.5 * line ? .supported : .refuted,
                "A load within a line of \(facts.lineBytes) bytes takes \(text(found[.withinALine]!, 2)) ns in the stream, across two lines \(text(found[.acrossALine]!, 2)) (\(text(line)) times), across two pages of \(pageText(facts.pageBytes)) \(text(found[.acrossAPage]!, 2)) (\(text(page)) times)\(page > 1.5 * line ? "" : ", hardly more than across two lines").\(line > 1.5 ? "" : " A load across two lines does not cost two here.")"
            )
        },
        remember: { found, _ in
            "A load across two lines takes \(text(found[.acrossALineOverWithinOne]!)) times as long as one within a line, across two pages \(text(found[.acrossAPageOverWithinALine]!)) times."
        })
}
