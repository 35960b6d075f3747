import LanesMeasurement
import LanesParallel

extension Quantity {
    fileprivate static let speedUpQuarterSerial = Quantity("speed-up, a quarter serial")
    fileprivate static let speedUpNothingSerial = Quantity("speed-up, nothing serial")
    fileprivate static let allTheWorkOnOneLane = Quantity("all the work on one lane", "µs")
    fileprivate static let largestDeviationFromTheLaw = Quantity("largest deviation from the law", "%")
}

extension Experiment {
    static let amdahl = Experiment(
        id: "amdahl", title: "Amdahl's law",
        question: "A part of the work is serial: how much do the lanes bring, for parts from none to all?",
        hypothesis: "1 / (s + (1 - s) / lanes), within a tenth.",
        figure: .curves(x: "serial share of the work", y: "speed-up"),
        predict: { profile in
            let lanes = Double(profile.lanes)
            return profile.lanes > 1
                ? [.speedUpQuarterSerial: 1 / (0.25 + 0.75 / lanes), .speedUpNothingSerial: lanes] : [:]
        },
        measure: { lab in
            guard lab.lanes > 1 else { return .notTestable("one processor: the speed-up is 1 for every share") }
            var observation = Observation()
            var found = Series("measured", unit: "times")
            var alone: [Double] = []
            var law = Series("Amdahl's law", unit: "times")
            let work = lab.isQuick ? 4_000_000 : 20_000_000
            let lanes = Double(lab.lanes)
            for eighth in 0...8 {
                let share = Double(eighth) / 8
                let serial = Int(share * Double(work))
                var ratios: [Double] = []
                for _ in 0..<(lab.isQuick ? 7 : 15) {
                    let start = Clock.nanoseconds
                    Probe.aluChain(work)
                    let middle = Clock.nanoseconds
                    Probe.aluChain(serial)
                    lab.pool.run { _, lanes in Probe.aluChain((work - serial) / lanes) }
                    alone.append(Double(middle - start))
                    ratios.append(Double(middle - start) / Double(Clock.nanoseconds - middle))
                }
                found.add(share, ratios)
                let y = 1 / (share + (1 - share) / lanes)
                law.points.append(.init(x: share, label: nil, y: y, samples: [y]))
            }
            observation.series = [found, law]
            observation.numbers = [
                .allTheWorkOnOneLane: Statistics.median(alone) / 1000,
                .speedUpNothingSerial: found.points[0].y, .speedUpQuarterSerial: found.points[2].y,
                .largestDeviationFromTheLaw: zip(found.points, law.points).map { 100 * abs($0.y / $1.y - 1) }.max()!,
            ]
            return observation
        },
        judge: { found, facts in
            let deviation = found[.largestDeviationFromTheLaw]!
            return (
                deviation < 10 ? .supported : .refuted,
                "With nothing serial the lanes bring \(text(found[.speedUpNothingSerial]!, 2)) times, with a quarter serial \(text(found[.speedUpQuarterSerial]!, 2)) times; the measured speed-ups lie within \(text(deviation))% of the law."
                    + (deviation < 10
                        ? found[.allTheWorkOnOneLane].map {
                            " A region of \(text(facts.region, 0)) ns is too little to be seen beside \(text($0, 0)) µs of work."
                        } ?? ""
                        : " More than a tenth off: the law counts \(facts.lanes) lanes, and \(facts.pair == .threadsOfOneCore ? "the first two are threads of one core, with" : "multiply-adds on two of them at once reached") \(text(facts.arithmeticOfTwo, 2)) times the rate of one right before.")
            )
        },
        remember: { found, _ in
            "With a quarter of the work serial the lanes bring \(text(found[.speedUpQuarterSerial]!, 2)) times, with none of it \(text(found[.speedUpNothingSerial]!, 2)) times."
        })
}
