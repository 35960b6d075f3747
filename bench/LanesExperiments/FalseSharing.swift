import LanesMeasurement

extension Quantity {
    fileprivate static let cliff = Quantity("cliff", "bytes")
    fileprivate static let atomicAdditionsApart = Quantity("atomic additions apart", "ns")
    fileprivate static let slowerBelowTheCliff = Quantity("slower below the cliff", "times")
    fileprivate static let plainAdditionsSlower = Quantity("plain additions slower", "times")
    fileprivate static let atomicAdditionsTogether = Quantity("atomic additions together", "ns")
    fileprivate static let twoLinesOverOne = Quantity("128 bytes over 64", "times")
    fileprivate static let line = Quantity("line", "bytes")
}

extension Experiment {
    static let falseSharing = Experiment(
        id: "false-sharing", title: "False sharing: counters that are too close",
        question: "Each lane adds to a counter of its own. How far apart must the counters be?",
        hypothesis:
            "One cache line: closer counters take at least half again as long, and twice the distance brings less than that.",
        figure: .curves(x: "bytes between counters", y: "ns per addition", logX: true, logY: true),
        predict: { profile in
            profile.lanes > 1
                ? [.cliff: Double(profile.lineBytes), .atomicAdditionsApart: profile.atomic] : [:]
        },
        needs: .transfers,
        measure: { lab in
            guard lab.lanes > 1 else { return .notTestable("one processor: lines are not shared with anybody") }
            var observation = Observation()
            let memory = ProbeMemory(byteCount: 1 << 20)
            let steps = lab.isQuick ? 200_000 : 1_000_000
            let paddings = [8, 16, 32, 64, 128, 256]
            func sweep(_ name: String, _ body: @escaping @Sendable (Int, Int) -> Void) -> Series {
                var series = Series(name, unit: "ns")
                for padding in paddings {
                    let times = lab.together(lab.lanes, samples: lab.isQuick ? 7 : 15) { lane in body(lane * padding, lane) }
                    series.add(Double(padding), times.map { $0 / Double(steps) })
                }
                return series
            }
            let plain = sweep("plain additions") { offset, _ in Probe.countPlain(memory, offset, steps) }
            let atomic = sweep("atomic additions") { offset, _ in Probe.countAdd(memory, offset, steps) }
            let reader = sweep("one lane writes, the others read beside it") { offset, lane in
                if lane == 0 { Probe.countAdd(memory, offset, steps) } else { Probe.read(memory, offset, steps) }
            }
            // The cliff: the padding at which atomic additions get faster most.
            let drops = zip(atomic.points, atomic.points.dropFirst()).map { ($1.x, $0.y / $1.y) }
            let cliff = drops.max { $0.1 < $1.1 }!
            observation.series = [plain, atomic, reader]
            observation.numbers = [
                .cliff: cliff.0, .slowerBelowTheCliff: atomic.points[0].y / atomic.points.last!.y,
                .plainAdditionsSlower: plain.points[0].y / plain.points.last!.y,
                .atomicAdditionsApart: atomic.points.last!.y, .atomicAdditionsTogether: atomic.points[0].y,
                .twoLinesOverOne: atomic.points[3].y / atomic.points[4].y, .line: Double(lab.lineBytes),
            ]
            return observation
        },
        judge: { found, facts in
            let (cliff, line, factor) = (found[.cliff]!, found[.line]!, found[.slowerBelowTheCliff]!)
            return (
                cliff == line && factor > 1.5 && (found[.twoLinesOverOne] ?? 1) > 0.67 && (found[.twoLinesOverOne] ?? 1) < 1.5
                    ? .supported : .refuted,
                "Atomic additions on neighbouring counters take \(text(found[.atomicAdditionsTogether]!)) ns each, apart \(text(found[.atomicAdditionsApart]!, 2)) ns: \(text(factor)) times. The largest step comes at \(text(cliff, 0)) bytes; lines have \(text(line, 0)). \(cliff == line && factor > 1.5 ? "Below it the lanes take one line from each other though no number is shared." : facts.pair == .threadsOfOneCore ? "The two lanes are threads of one core and share its first cache: a line need not move." : "") Plain additions take \(text(found[.plainAdditionsSlower]!)) times as long side by side as apart."
            )
        },
        remember: { found, _ in
            found[.slowerBelowTheCliff]! > 1.5
                ? "An atomic addition takes \(text(found[.slowerBelowTheCliff]!)) times as long where counters of different lanes stand closer than \(text(found[.cliff]!, 0)) bytes."
                : "Counters of different lanes side by side take \(text(found[.slowerBelowTheCliff]!)) times as long as apart: here it hardly matters."
        })
}
