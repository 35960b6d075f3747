import LanesMeasurement
import Synchronization

extension Quantity {
    fileprivate static let separateLinesAdditions = Quantity("separate lines, additions", "millions")
    fileprivate static let oneLineAdditions = Quantity("one line, additions", "millions")
    fileprivate static let oneLineCompareAndSwap = Quantity("one line, compare-and-swap", "millions")
    fileprivate static let failedCompareAndSwaps = Quantity("failed compare-and-swaps for each that succeeds")
    fileprivate static let slowestLaneOverFastest = Quantity("slowest lane over fastest", "time")
    fileprivate static let oneLaneAlone = Quantity("one lane alone", "millions")
}

extension Experiment {
    static let atomics = Experiment(
        id: "atomics", title: "One counter for all, or one for each?",
        question: "How many atomic operations a second does one line bear, how many do separate lines, and is it fair?",
        hypothesis: "All lanes together do less on one line than one lane alone; separate lines scale with the lanes.",
        figure: .bars(y: "million operations a second, all lanes", logY: true),
        predict: { profile in
            profile.lanes > 1 ? [.separateLinesAdditions: 1000 * Double(profile.lanes) / profile.atomic] : [:]
        },
        needs: .transfers,
        measure: { lab in
            guard lab.lanes > 1 else { return .notTestable("one processor: nobody competes for the line") }
            var observation = Observation()
            let memory = ProbeMemory(byteCount: 1 << 20)
            let steps = lab.isQuick ? 100_000 : 500_000
            var together = Series("one line", unit: "million/s")
            var apart = Series("a line for each lane", unit: "million/s")
            let failed = Atomic<Int>.Tally()
            let operations: [(String, @Sendable (Int) -> Void)] = [
                ("addition", { Probe.countAdd(memory, $0, steps) }), ("exchange", { Probe.countExchange(memory, $0, steps) }),
                ("compare-and-swap", { failed.add(Probe.countSwap(memory, $0, steps)) }),
            ]
            var failures = 0
            for (index, (name, body)) in operations.enumerated() {
                let all = Double(steps * lab.lanes) * 1000
                together.add(Double(index), lab.together(lab.lanes) { _ in body(0) }.map { all / $0 }, label: name)
                if name == "compare-and-swap" { failures = failed.total }
                apart.add(Double(index), lab.together(lab.lanes) { body($0 * 256) }.map { all / $0 }, label: name)
            }
            let shares = lab.each(lab.lanes) { _ in Probe.countAdd(memory, 0, steps) }
            let alone = lab.together(1) { _ in Probe.countAdd(memory, 0, steps) }.min()!
            observation.series = [together, apart]
            observation.numbers = [
                .oneLineAdditions: together.points[0].y, .separateLinesAdditions: apart.points[0].y,
                .oneLineCompareAndSwap: together.points[2].y,
                .failedCompareAndSwaps: Double(failures) / Double(5 * steps * lab.lanes),
                .slowestLaneOverFastest: shares.max()! / shares.min()!,
                .oneLaneAlone: Double(steps) * 1000 / alone,
            ]
            return observation
        },
        judge: { found, facts in
            let (one, many, alone) = (
                found[.oneLineAdditions]!, found[.separateLinesAdditions]!,
                found[.oneLaneAlone]!
            )
            return (
                one < alone && many > 0.75 * Double(facts.lanes) * alone ? .supported : .refuted,
                "One line bears \(text(one, 0)) million additions a second from all lanes; one lane alone does \(text(alone, 0)) million\(one < alone ? ", more than all together" : ""); separate lines bear \(text(many, 0)). Compare-and-swap loops get \(text(found[.oneLineCompareAndSwap]!, 0)) million through\(found[.failedCompareAndSwaps].map { ", with \(text($0, 2)) failed attempts for each that succeeds" } ?? ""). The slowest lane took \(text(found[.slowestLaneOverFastest]!, 2)) times as long as the fastest."
            )
        },
        remember: { found, _ in
            "All lanes together add \(text(found[.oneLineAdditions]!, 0)) million times a second to one line and \(text(found[.separateLinesAdditions]!, 0)) million times to lines of their own."
        })
}
