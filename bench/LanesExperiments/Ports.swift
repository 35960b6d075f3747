import LanesMeasurement

extension Quantity {
    fileprivate static let multiplyAdds = Quantity("multiply-adds", "ns")
    fileprivate static let loads = Quantity("loads", "ns")
    fileprivate static let shuffles = Quantity("shuffles", "ns")
    fileprivate static let multiplyAddsAndLoads = Quantity("multiply-adds and loads", "ns")
    fileprivate static let multiplyAddsAndShuffles = Quantity("multiply-adds and shuffles", "ns")
    fileprivate static let loadsAndShuffles = Quantity("loads and shuffles", "ns")
    fileprivate static let allThree = Quantity("all three", "ns")
    fileprivate static let loadsBesideMultiplyAdds = Quantity("multiply-adds and loads over the longer of both", "times")
    fileprivate static let countedInACycle = Quantity("instructions a cycle, all three, counted by the processor")
    fileprivate static let instructionsInATime = Quantity("instructions a ns, all three")
}

extension Experiment {
    private static let ofEachKind = 12

    static let ports = Experiment(
        id: "ports", title: "What runs beside what",
        question: "Multiply-adds, loads and shuffles of vectors of 32 bytes, alone and mixed: which run at the same time?",
        hypothesis: "Multiply-adds and loads together take no longer than the longer of them alone.",
        figure: .bars(y: "ns for twelve of each kind"),
        predict: { _ in [.loadsBesideMultiplyAdds: 1] },
        leavesOut: [
            .loadsBesideMultiplyAdds: "how many instructions the core starts in a cycle, whatever they are, is not in it"
        ],
        needs: .oneLane,
        measure: { lab in
            let memory = ProbeMemory(byteCount: 4096)
            guard CoreProbe.issue(.multiplyAdd, turns: 1, from: memory) else {
                return .notTestable("the probe is written for AVX2 with FMA, which this processor does not have")
            }
            var observation = Observation()
            var bars = Series("a turn", unit: "ns")
            let turns = 4000
            let mixes: [(quantity: Quantity, kinds: CoreProbe.Issue)] = [
                (.multiplyAdds, .multiplyAdd), (.loads, .load), (.shuffles, .shuffle),
                (.multiplyAddsAndLoads, [.multiplyAdd, .load]), (.multiplyAddsAndShuffles, [.multiplyAdd, .shuffle]),
                (.loadsAndShuffles, [.load, .shuffle]), (.allThree, [.multiplyAdd, .load, .shuffle]),
            ]
            // In turns, for the ratios.
            let times = sampleInTurns(
                seconds: lab.pointSeconds, mixes.map { mix in { _ = CoreProbe.issue(mix.kinds, turns: turns, from: memory) } })
            for (index, (quantity, _)) in mixes.enumerated() {
                bars.add(Double(index), times[index].map { $0 / Double(turns) }, label: quantity.name)
                observation.numbers[quantity] = bars.points.last!.y
            }
            observation.series = [bars]
            let (adds, loads, both, all) = (bars.points[0].y, bars.points[1].y, bars.points[3].y, bars.points[6].y)
            observation.numbers[.loadsBesideMultiplyAdds] = both / max(adds, loads)
            observation.numbers[.instructionsInATime] = Double(3 * ofEachKind) / all
            func counted(_ counter: Counter) -> Double? {
                counter.count { _ = CoreProbe.issue([.multiplyAdd, .load, .shuffle], turns: turns, from: memory) }
            }
            if let instructions = counted(.instructions), let cycles = counted(.cycles), cycles > 0 {
                observation.numbers[.countedInACycle] = instructions / cycles
            }
            return observation
        },
        judge: { found, facts in
            let (adds, loads, shuffles) = (found[.multiplyAdds]!, found[.loads]!, found[.shuffles]!)
            func cycles(_ nanoseconds: Double) -> String { facts.cycle.map { " (\(text(nanoseconds / $0, 1)) cycles)" } ?? "" }
            // What a mix takes, between the longer of two (side by side) and both (one after the other).
            func mixed(_ names: String, _ quantity: Quantity, _ one: Double, _ other: Double) -> String {
                let together = found[quantity]!
                let saved = (one + other - together) / min(one, other)
                return
                    "\(names) together take \(text(together, 2)) ns, the longer of them alone \(text(max(one, other), 2)) and one after the other \(text(one + other, 2)): they run \(saved > 0.8 ? "side by side" : saved < 0.2 ? "one after the other" : "side by side in part")."
            }
            let all = found[.instructionsInATime]!
            return (
                found[.loadsBesideMultiplyAdds]! < 1.2 ? .supported : .refuted,
                "Twelve multiply-adds take \(text(adds, 2)) ns\(cycles(adds)), twelve loads \(text(loads, 2))\(cycles(loads)), twelve shuffles \(text(shuffles, 2))\(cycles(shuffles)). "
                    + [
                        mixed("Multiply-adds and loads", .multiplyAddsAndLoads, adds, loads),
                        mixed("Multiply-adds and shuffles", .multiplyAddsAndShuffles, adds, shuffles),
                        mixed("Loads and shuffles", .loadsAndShuffles, loads, shuffles),
                    ].joined(separator: " ")
                    + " With all three \(text(all, 1)) instructions start in a ns\(facts.cycle.map { ", \(text(all * $0, 1)) in a cycle" } ?? "")\(found[.countedInACycle].map { "; the processor counted \(text($0, 1)) in a cycle, with the loop's own" } ?? "")."
            )
        },
        remember: { found, _ in
            "Multiply-adds with as many loads beside them take \(text(found[.loadsBesideMultiplyAdds]!, 2)) times as long as the longer of the two alone."
        })
}
