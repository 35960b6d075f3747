import LanesMeasurement

extension Quantity {
    fileprivate static let theSame8Bytes = Quantity("the same 8 bytes", "ns")
    fileprivate static let twoStoresOf4ALoadOf8 = Quantity("two stores of 4, a load of 8", "ns")
    fileprivate static let upper4Of8Bytes = Quantity("upper 4 of 8 bytes", "ns")
    fileprivate static let acrossALine = Quantity("across a line", "ns")
    fileprivate static let acrossAPage = Quantity("across a page", "ns")
}

extension Experiment {
    static let storeForwarding = Experiment(
        id: "store-forwarding", title: "A load right after a store",
        question:
            "A number is stored and loaded at once: by the same eight bytes, in halves, and across lines and pages. How long is a turn?",
        hypothesis:
            "A load that takes what one store wrote, or a part of it, gets it on the way; one that needs two stores takes at least twice as long.",
        figure: .bars(y: "ns for a store and the load after it"),
        predict: { profile in
            // At the longest the way through the first cache, and the store.
            profile.cycle.map { [.upper4Of8Bytes: profile.cacheLatency[0] + 3 * $0] } ?? [:]
        },
        leavesOut: [
            .upper4Of8Bytes: "the way from a store to a load need not be that of a load from the cache"
        ],
        needs: .oneLane,
        measure: { lab in
            var observation = Observation()
            let memory = ProbeMemory(byteCount: 2 * lab.pageBytes)
            var bars = Series("a turn", unit: "ns")
            let steps = 10_000
            for (quantity, kind, offset) in [
                (Quantity.theSame8Bytes, CoreProbe.Forward.same, 0), (.upper4Of8Bytes, .wideToNarrow, 0),
                (.twoStoresOf4ALoadOf8, .narrowToWide, 0), (.acrossALine, .same, lab.lineBytes - 4),
                (.acrossAPage, .same, lab.pageBytes - 4),
            ] {
                let times = lab.time { CoreProbe.forward(kind, memory, offset, steps) }.map { $0 / Double(steps) }
                bars.add(Double(bars.points.count), times, label: quantity.name)
                observation.numbers[quantity] = bars.points.last!.y
            }
            observation.series = [bars]
            return observation
        },
        judge: { found, facts in
            let (same, part, mixed) = (found[.theSame8Bytes]!, found[.upper4Of8Bytes]!, found[.twoStoresOf4ALoadOf8]!)
            let forwarded = max(same, part)
            // Less than a cycle: it never went through a load.
            let isRenamed = facts.cycle.map { same < $0 } ?? false
            return (
                mixed > 2 * forwarded ? .supported : .refuted,
                "A store and a load of the same 8 bytes take \(text(same, 2)) ns, of the upper half \(text(found[.upper4Of8Bytes]!, 2)); two stores of 4 bytes and a load of both \(text(mixed, 2)) ns, \(text(mixed / forwarded)) times as long as the slower of those.\(isRenamed ? " The same 8 bytes take less than a cycle, so no step waits for a load of them." : "") Across a line the same 8 bytes take \(text(found[.acrossALine]!, 2)) ns, across a page \(text(found[.acrossAPage]!, 2)).\(mixed > 1.2 * forwarded ? " Write what is read in pieces of the same width\(found[.acrossAPage]! > mixed ? ", and not across a page" : "")." : "")"
            )
        },
        remember: { found, _ in
            "Two narrow stores and one wide load of both take \(text(found[.twoStoresOf4ALoadOf8]!, 1)) ns, a store and a load of the same 8 bytes within a line \(text(found[.theSame8Bytes]!, 2))."
        })
}
