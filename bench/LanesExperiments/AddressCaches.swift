import Foundation
import LanesMeasurement

extension Quantity {
    fileprivate static let pagesThatAreRemembered = Quantity("pages that are remembered")
    fileprivate static let mostPagesSmallOverHuge = Quantity("most pages, small over huge", "times")
    fileprivate static let worstSmallOverHuge = Quantity("worst number of pages, small over huge", "times")
    fileprivate static let mostPages = Quantity("most pages")
    fileprivate static let countedMisses = Quantity("look-ups a load, most pages, counted by the processor")
    fileprivate static let firstStepSmall = Quantity("first step, small pages")
    fileprivate static let firstStepHuge = Quantity("first step, huge pages")
    fileprivate static let sixteenPages = Quantity("16 pages", "ns")
}

extension Experiment {
    static let addressCaches = Experiment(
        id: "tlb", title: "How many pages does a core remember?",
        question:
            "One line of each page, in random order, in small and in huge pages: from how many pages on do small ones cost more?",
        hypothesis:
            "Up to the reach of the address caches small pages cost nothing more; beyond, a load takes more than a tenth longer in them.",
        figure: .curves(x: "pages of the usual size", y: "ns per load", logX: true, logY: true),
        predict: { _ in
            // A row that LANES_MACHINE chose is another machine's.
            let machine = MachineDescription.current()
            return machine.isForced ? [:] : [.pagesThatAreRemembered: Double(machine.addressCacheEntries)]
        },
        leavesOut: [
            .pagesThatAreRemembered:
                "an entry that is missed costs little as long as the tables themselves are in the caches"
        ],
        needs: .oneLane,
        measure: { lab in
            var observation = Observation()
            var small = Series("\(pageText(lab.pageBytes)) pages", unit: "ns")
            var huge = Series("huge pages", unit: "ns")
            let most = min(lab.memoryBytes / lab.pageBytes, 32_768)
            // A line further in each page, so that the lines do not share sets of the caches.
            let stride = lab.pageBytes + lab.lineBytes
            let memories = [false, true].map { ProbeMemory(byteCount: most * stride, hugePages: $0) }
            if let complaint = ProbeMemory.complaintAboutPages(small: memories[0], huge: memories[1]) {
                return .notTestable(complaint)
            }
            var count = 16.0
            var counted: Double?
            while Int(count) <= most {
                for (index, memory) in memories.enumerated() {
                    let walk = Chase(memory, cells: Int(count), stride: stride, seed: lab.seed)
                    walk.follow(min(4 * Int(count), 100_000))
                    let times = lab.time(seconds: lab.pointSeconds / 2, samples: 5) { walk.follow(5000) }.map { $0 / 5000 }
                    if index == 0 { counted = Counter.addressMisses.count { walk.follow(20_000) }.map { $0 / 20_000 } }
                    if index == 0 { small.add(Double(Int(count)), times) } else { huge.add(Double(Int(count)), times) }
                }
                count *= 2.0.squareRoot()
            }
            observation.series = [small, huge]
            let ratios = zip(small.points, huge.points).map { ($0.x, $0.y / $1.y) }
            observation.numbers = [
                .pagesThatAreRemembered: ratios.last { $0.1 < 1.1 }?.0 ?? ratios[0].0,
                .mostPagesSmallOverHuge: ratios.last!.1, .worstSmallOverHuge: ratios.map(\.1).max()!,
                .mostPages: ratios.last!.0,
                .sixteenPages: small.points[0].y,
            ]
            // Where the time first leaves that of a few pages by half.
            func firstStep(_ series: Series) -> Double? { series.points.first { $0.y > 1.5 * series.points[0].y }?.x }
            observation.numbers[.firstStepSmall] = firstStep(small)
            observation.numbers[.firstStepHuge] = firstStep(huge)
            observation.numbers[.countedMisses] = counted
            observation.notes.append("transparent huge pages are set to '\(Laboratory.record.hugePages)' on this system")
            return observation
        },
        judge: { found, facts in
            let (times, reach) = (found[.mostPagesSmallOverHuge]!, found[.pagesThatAreRemembered]!)
            let worst = found[.worstSmallOverHuge] ?? times
            return (
                worst > 1.1 ? .supported : .refuted,
                (worst > 1.1
                    ? "Up to about \(text(reach, 0)) pages of \(pageText(facts.pageBytes)) a load takes at most a tenth longer than in huge pages; with \(text(found[.mostPages]!, 0)) it takes \(text(times, 2)) times as long\(worst > 1.02 * times ? ", at the worst number \(text(worst, 2)) times" : ""). \(text(reach, 0)) pages are \(text(reach * Double(facts.pageBytes) / 1_048_576, 1)) MiB."
                    : "With \(text(found[.mostPages]!, 0)) pages of \(pageText(facts.pageBytes)) a load takes \(text(times, 2)) times as long as in huge ones: no end of the address caches was seen.")
                    + (found[.firstStepSmall].map { small in
                        " The time of a load first rises by half at \(text(small, 0)) pages\(found[.firstStepHuge] == small ? ", in huge pages as well" : "")."
                    } ?? "")
                    + (found[.countedMisses].map { " The processor counted \(text($0, 2)) look-ups a load there." } ?? "")
            )
        },
        remember: { found, facts in
            (found[.worstSmallOverHuge] ?? found[.mostPagesSmallOverHuge]!) > 1.1
                ? "Beyond \(text(found[.pagesThatAreRemembered]!, 0)) pages, \(text(found[.pagesThatAreRemembered]! * Double(facts.pageBytes) / 1024, 0)) KiB, a load of one line of each page of \(pageText(facts.pageBytes)) takes more than a tenth longer than in huge pages: \(text(found[.mostPagesSmallOverHuge]!, 2)) times as long with \(text(found[.mostPages]!, 0))."
                : "Up to \(text(found[.mostPages]!, 0)) pages, loads in pages of \(pageText(facts.pageBytes)) take \(text(found[.mostPagesSmallOverHuge]!, 2)) times as long as in huge ones."
        })
}
