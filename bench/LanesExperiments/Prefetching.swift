import LanesMeasurement

extension Quantity {
    fileprivate static let eachLineForwards = Quantity("each line, forwards", "ns")
    fileprivate static let eachLineBackwards = Quantity("each line, backwards", "ns")
    fileprivate static let every64thLineForwards = Quantity("every 64th line, forwards", "ns")
    fileprivate static let randomOrder16AtOnce = Quantity("random order, 16 at once", "ns")
    fileprivate static func streams(_ count: Int) -> Quantity { Quantity("\(count) streams in turn, a line", "ns") }
    fileprivate static let mostStreams = Quantity("most streams within a quarter of one")
    fileprivate static let randomOverInOrder = Quantity("random over in order", "times")
}

extension Experiment {
    static let prefetching = Experiment(
        id: "prefetch", title: "What hardware fetches ahead",
        question:
            "One number of each line of a large memory, and of every second to 64th: forwards and backwards, beside loads in random order.",
        hypothesis:
            "In order a line comes several times as fast as in random order, forwards and backwards alike; one line of each 4 KiB is no stream.",
        figure: .curves(x: "lines from one load to the next; streams at once", y: "ns per load", logX: true, logY: true),
        predict: { profile in [.eachLineForwards: Double(profile.lineBytes) / profile.memoryBandwidthOne] },
        leavesOut: [.eachLineForwards: "the profile's bandwidth is that of a triad, which writes too"],
        needs: .oneLane,
        measure: { lab in
            var observation = Observation()
            let memory = ProbeMemory(byteCount: lab.memoryBytes)
            memory.fillWithNumbers()
            var forwards = Series("forwards", unit: "ns")
            var backwards = Series("backwards", unit: "ns")
            for lines in [1, 2, 4, 8, 16, 32, 64, 128] {
                let stride = lines * lab.lineBytes
                let count = lab.memoryBytes / stride - 1
                // Each pass begins a line further than the one before, so that its lines are not in a cache from that one.
                var pass = 0
                func time(_ stride: Int) -> [Double] {
                    lab.time(samples: 5) {
                        CoreProbe.sumLines(memory, from: pass % lines * lab.lineBytes, count: count, stride: stride)
                        pass += 1
                    }.map { $0 / Double(count) }
                }
                forwards.add(Double(lines), time(stride))
                backwards.add(Double(lines), time(-stride))
            }
            // Several memories read in order, a line of each in turn: a processor follows so many at once and no more.
            var streams = Series("streams in turn, a line", unit: "ns")
            for count in [1, 2, 4, 8, 16, 32, 64] {
                // Not a multiple of what the sets of a cache repeat at.
                let distance = (lab.memoryBytes / count / lab.lineBytes - 5) * lab.lineBytes
                let lines = distance / lab.lineBytes
                let times = lab.time(samples: 5) {
                    CoreProbe.sumStreams(memory, streams: count, distance: distance, step: lab.lineBytes, count: lines)
                }.map { $0 / Double(count * lines) }
                streams.add(Double(count), times)
                observation.numbers[.streams(count)] = streams.points.last!.y
            }
            let chase = Chase(memory, byteCount: lab.memoryBytes, chains: 16, seed: lab.seed)
            var random = Series("random order, 16 at once", unit: "ns")
            random.add(1, lab.time { chase.follow(1000) }.map { $0 / 16_000 })
            observation.series = [forwards, backwards, streams, random]
            let found: Numbers = [
                .eachLineForwards: forwards.points[0].y, .eachLineBackwards: backwards.points[0].y,
                .every64thLineForwards: forwards.points[6].y, .randomOrder16AtOnce: random.points[0].y,
                .randomOverInOrder: random.points[0].y / forwards.points[0].y,
            ]
            for (quantity, value) in found.values { observation.numbers[quantity] = value }
            // The first that is slow ends it: what is beyond is another matter.
            let fast = streams.points.prefix { $0.y < 1.25 * streams.points[0].y }
            observation.numbers[.mostStreams] = fast.last!.x
            return observation
        },
        judge: { found, _ in
            let (forwards, backwards) = (found[.eachLineForwards]!, found[.eachLineBackwards]!)
            let (random, far) = (found[.randomOrder16AtOnce]!, found[.every64thLineForwards]!)
            return (
                random > 2 * forwards && backwards < 1.5 * forwards && far > 1.5 * forwards ? .supported : .refuted,
                "A line comes every \(text(forwards, 2)) ns forwards, \(text(backwards, 2)) backwards, \(text(far, 2)) where every 64th is read, and \(text(random, 2)) in random order with sixteen loads under way: \(text(random / forwards, 1)) times what it takes in order.\(found[.mostStreams].map { " With up to \(text($0, 0)) streams read in turn a line takes at most a quarter more than with one\(found[.streams(64)].map { "; with 64 it takes \(text($0, 2)) ns" } ?? "")." } ?? "")"
            )
        },
        remember: { found, _ in
            "In order a line comes \(text(found[.randomOverInOrder]!)) times as fast as in random order, even with sixteen loads under way."
        })
}
