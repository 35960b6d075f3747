import Measurement

extension Experiment {
    static let ports = Experiment(
        id: "ports", title: "What runs beside what",
        question: "Multiply-adds, loads and shuffles of vectors of 32 bytes, alone and mixed: which take each other's place?",
        hypothesis:
            "Loads run beside multiply-adds for nothing; shuffles have units of their own or share those of the multiply-adds.",
        figure: .bars(y: "ns for eight of each kind"),
        predict: { _ in ["multiply-adds and loads over multiply-adds, times": 1] },
        usesLanes: false,
        measure: { lab in
            guard CoreProbe.issue(.multiplyAdd, turns: 1) else {
                return .notTestable("the probe is written for AVX2 with FMA, which this processor does not have")
            }
            var observation = Observation()
            var bars = Series("a turn", unit: "ns")
            let turns = 4000
            let mixes: [(String, CoreProbe.Issue)] = [
                ("multiply-adds", .multiplyAdd), ("loads", .load), ("shuffles", .shuffle),
                ("multiply-adds and loads", [.multiplyAdd, .load]), ("multiply-adds and shuffles", [.multiplyAdd, .shuffle]),
                ("loads and shuffles", [.load, .shuffle]), ("all three", [.multiplyAdd, .load, .shuffle]),
            ]
            // In turns, for the ratios.
            let times = sampleInTurns(
                seconds: lab.pointSeconds, mixes.map { mix in { _ = CoreProbe.issue(mix.1, turns: turns) } })
            for (index, (label, _)) in mixes.enumerated() {
                bars.add(Double(index), times[index].map { $0 / Double(turns) }, label: label)
                observation.numbers["\(label), ns"] = bars.points.last!.y
            }
            observation.series = [bars]
            observation.numbers["multiply-adds and loads over multiply-adds, times"] = bars.points[3].y / bars.points[0].y
            observation.numbers["multiply-adds and shuffles over multiply-adds, times"] = bars.points[4].y / bars.points[0].y
            observation.numbers["instructions a ns, all three"] = 24 / bars.points[6].y
            return observation
        },
        judge: { found, facts in
            let (loads, shuffles) = (
                found["multiply-adds and loads over multiply-adds, times"]!,
                found["multiply-adds and shuffles over multiply-adds, times"]!
            )
            let (multiplyAdds, shuffle) = (found["multiply-adds, ns"]!, found["shuffles, ns"]!)
            func cycles(_ nanoseconds: Double) -> String { facts.cycle.map { " (\(text(nanoseconds / $0, 1)) cycles)" } ?? "" }
            return (
                loads < 1.2 ? .supported : .refuted,
                "Eight multiply-adds take \(text(multiplyAdds, 2)) ns\(cycles(multiplyAdds)), eight loads \(text(found["loads, ns"]!, 2))\(cycles(found["loads, ns"]!)), eight shuffles \(text(shuffle, 2))\(cycles(shuffle)). Loads beside multiply-adds make them \(text(loads, 2)) times as long, shuffles beside them \(text(shuffles, 2)) times\(shuffles > 1.2 ? ": they take each other's units" : ": they have units of their own"). All three together start \(text(found["instructions a ns, all three"]!, 1)) instructions a ns\(facts.cycle.map { ", \(text(found["instructions a ns, all three"]! * $0, 1)) a cycle" } ?? "")."
            )
        })
}
