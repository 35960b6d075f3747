import Foundation
import LanesMeasurement
import LanesParallel

extension Quantity {
    fileprivate static let additions = Quantity("40,000 additions", "µs")
    fileprivate static let noiseFloor = Quantity("noise floor", "%")
    fileprivate static let spreadOverTheSeries = Quantity("spread of the additions over the series", "%")
    fileprivate static let tick = Quantity("a tick of the clock, of the additions", "%")
    fileprivate static let timeLostInGaps = Quantity("time lost in gaps", "%")
    fileprivate static let longestGap = Quantity("longest gap", "ms")
    fileprivate static let memorySpread = Quantity("memory's spread", "%")
    fileprivate static let lineFromCoreToCore = Quantity("line from core to core", "ns")
    fileprivate static let stolen = Quantity("stolen by the hypervisor since boot", "s")
}

extension Experiment {
    static let trust = Experiment(
        id: "trust", title: "Can this machine be measured?",
        question: "How far apart are two timings of the same work, and how often is a processor taken away?",
        hypothesis: "Identical work differs by less than 3% in the median, and gaps take less than 1% of the time.",
        figure: .curves(x: "sample", y: "time over the median"),
        predict: { profile in profile.cycle.map { [.additions: 40 * $0] } ?? [:] },
        measure: { lab in
            var observation = Observation()
            // What others do to memory: short bursts of reading, at the beginning, in the middle and at the end.
            let memory = ProbeMemory(byteCount: lab.memoryBytes)
            memory.fillWithNumbers()
            var bursts: [Double] = []
            func burst() {
                bursts.append(
                    Statistics.median(
                        (0..<10).map { _ in
                            lab.together(1, samples: 1) { _ in
                                Probe.stream(.read, memory, lab.memoryBytes / 4, streaming: false)
                            }[0]
                        }))
            }
            burst()
            // A/A: the same chain of additions, each beside the next.
            var ratios: [Double] = []
            var strip = Series("a chain of additions", unit: "ratio")
            for _ in 0..<(lab.isQuick ? 40 : 200) {
                func once() -> Double {
                    let start = Clock.nanoseconds
                    Probe.aluChain(40_000)
                    return Double(Clock.nanoseconds - start)
                }
                let times = [once(), once(), once(), once()]
                ratios += [log(times[0] / times[1]), log(times[2] / times[3])]
                strip.points += times.map { Series.Point(x: 0, label: nil, y: $0, samples: [$0]) }
            }
            burst()
            let times = strip.points.map(\.y).sorted()
            let median = Statistics.median(times)
            for index in strip.points.indices {
                strip.points[index].x = Double(index)
                strip.points[index].y /= median
                strip.points[index].samples = [strip.points[index].y]
            }
            // Gaps: readings of the clock, one after another, on every lane.
            let lost = ResultBox(count: lab.lanes)
            let longest = ResultBox(count: lab.lanes)
            let span: Int64 = lab.isQuick ? 300_000_000 : 2_000_000_000
            _ = lab.each(lab.lanes) { lane in
                let start = Clock.nanoseconds
                var last = start
                var gaps: Int64 = 0
                var worst: Int64 = 0
                while last - start < span {
                    let now = Clock.nanoseconds
                    if now - last > 20_000 {
                        gaps += now - last
                        worst = max(worst, now - last)
                    }
                    last = now
                }
                lost.set(lane, 100 * Double(gaps) / Double(span))
                longest.set(lane, milliseconds(Double(worst)))
            }
            burst()
            observation.series = [strip]
            observation.numbers = [
                .additions: median / 1000,
                .noiseFloor: 100 * Statistics.median(ratios.map(abs)),
                .tick: 100 * Double(Clock.resolution()) / median,
                .spreadOverTheSeries: 100 * (times[times.count * 9 / 10] - times[times.count / 10]) / median,
                .timeLostInGaps: lost.values.max()!,
                .longestGap: longest.values.max()!,
                .memorySpread: 100 * (bursts.max()! - bursts.min()!) / Statistics.median(bursts),
                .lineFromCoreToCore: Profile.meeting(lab).transfer,
                .stolen: MachineRecord.stealSeconds() ?? 0,
            ]
            return observation
        },
        judge: { found, facts in
            let (noise, gaps) = (found[.noiseFloor]!, found[.timeLostInGaps]!)
            let grade = noise < 0.5 && gaps < 0.2 ? "A" : noise < 1.5 && gaps < 1 ? "B" : noise < 3 && gaps < 5 ? "C" : "D"
            return (
                noise < 3 && gaps < 1 ? .supported : .refuted,
                "Grade \(grade) of A to D: two timings of the same 40,000 additions, one right after the other, differ by \(text(noise, 2))% in the median\(found[.tick].map { " (a tick of the clock is \(text($0, 2))%)" } ?? "")\(found[.spreadOverTheSeries].map { ", and eight of ten of a whole series by \(text($0, 1))%" } ?? ""); a processor was away for \(text(gaps, 2))% of the time, \(text(found[.longestGap]!, 2)) ms at the longest. Memory was read three times in the meantime, at rates \(text(found[.memorySpread]!, 0))% apart: \(found[.memorySpread]! > 10 ? "figures of memory will differ as much and more from run to run" : "close together"). \(found[.lineFromCoreToCore]! > 0 ? "A cache-line transfer took \(text(found[.lineFromCoreToCore]!, 0)) ns at the end of it\(facts.isGuest ? "; a hypervisor may move the processors, and then every figure of regions, locks and shared lines moves with them" : ""). " : "")\(pairText(facts))A gap is an interrupt\(facts.isGuest ? ", another thread, or the hypervisor running somebody else" : " or another thread"); differences smaller than the noise floor say nothing here."
            )
        },
        remember: { found, _ in
            "Two timings of the same additions differ by \(text(found[.noiseFloor]!, 2))% in the median here\(found[.spreadOverTheSeries].map { " where one follows the other, by \(text($0, 1))% over a series" } ?? ""), three of memory by \(text(found[.memorySpread]!, 0))%: smaller differences mean nothing."
        })
}

/// What the first two processors are to each other, and what that rests on.
private func pairText(_ facts: Facts) -> String {
    let rate = text(facts.arithmeticOfTwo, 2)
    let grounds = "together \(rate) times the multiply-adds of one, a transfer in \(text(facts.transfer, 0)) ns"
    return switch facts.pair {
    case .one: ""
    case .twoCores: "The first two processors are two cores (\(grounds)). "
    case .threadsOfOneCore: "The first two processors are two threads of one core (\(grounds)). "
    case .unknown: "Whether the first two processors are two cores or threads of one is not clear (\(grounds)). "
    }
}
