import LanesMeasurement
import Synchronization

extension Quantity {
    fileprivate static let idle = Quantity("idle", "ns")
    fileprivate static let busiest = Quantity("busiest", "ns")
    fileprivate static let busiestBandwidth = Quantity("busiest", "GB/s")
    fileprivate static let mostRead = Quantity("most that the others read", "GB/s")
    fileprivate static let slowestBelowHalf = Quantity("slowest while the others read less than half of that", "ns")
    fileprivate static let allLanesRead = Quantity("most that all lanes read", "GB/s")
}

extension Experiment {
    static let loadedLatency = Experiment(
        id: "loaded-latency", title: "Latency while others stream",
        question:
            "One lane follows a chain through memory while the others read as fast as they are allowed: what does a load cost?",
        hypothesis:
            "The latency rises by less than a tenth while the others read half of what they can, and by more when they read all.",
        figure: .curves(x: "GB/s that the others read", y: "ns per load"),
        predict: { profile in profile.lanes > 1 ? [.idle: profile.memoryLatency] : [:] },
        measure: { lab in
            guard lab.lanes > 1 else { return .notTestable("one processor: nobody else can stream") }
            var observation = Observation()
            var curve = Series("dependent load", unit: "ns")
            let chaseMemory = ProbeMemory(byteCount: lab.memoryBytes)
            let chase = Chase(chaseMemory, byteCount: lab.memoryBytes, seed: lab.seed)
            let perLane = max(lab.memoryBytes / 4 / lab.lanes, 262_144)
            let memories = (0..<lab.lanes).map { _ in ProbeMemory(byteCount: 4 * perLane) }
            for memory in memories { memory.fillWithNumbers() }
            let steps = lab.isQuick ? 40_000 : 200_000
            let passes = lab.together(lab.lanes, samples: lab.isQuick ? 5 : 9) {
                Probe.stream(.read, memories[$0], perLane, streaming: false)
            }
            // Pauses between pieces of 256 KiB throttle the streams.
            for pause in [-1, 400_000, 100_000, 40_000, 20_000, 10_000, 5000, 0] {
                var latencies: [Double] = []
                var rates: [Double] = []
                for _ in 0..<(lab.isQuick ? 3 : 7) {
                    let stop = Atomic(false)
                    let latency = ResultBox(count: 1)
                    let rate = ResultBox(count: lab.lanes)
                    _ = lab.each(lab.lanes) { lane in
                        if lane == 0 {
                            let start = Clock.nanoseconds
                            chase.follow(steps)
                            latency.set(0, Double(Clock.nanoseconds - start) / Double(steps))
                            stop.store(true, ordering: .relaxed)
                        } else if pause >= 0 {
                            let start = Clock.nanoseconds
                            var bytes = 0
                            while !stop.load(ordering: .relaxed) {
                                Probe.stream(
                                    .read, memories[lane], 65_536, streaming: false, at: bytes / 4 % (perLane - 65_536))
                                bytes += 262_144
                                if pause > 0 { Probe.aluChain(pause) }
                            }
                            rate.set(lane, Double(bytes) / Double(Clock.nanoseconds - start))
                        }
                    }
                    latencies.append(latency.values[0])
                    rates.append(rate.values.reduce(0, +))
                }
                curve.add(Statistics.median(rates), latencies)
            }
            observation.series = [curve]
            // Not always where most flows.
            let slowest = curve.points.dropFirst().max { $0.y < $1.y }!
            // While the others read less than half of the most that they do.
            let most = curve.points.map(\.x).max()!
            let quiet = curve.points.filter { $0.x < most / 2 }.map(\.y).max()!
            observation.numbers = [
                .idle: curve.points[0].y, .busiest: slowest.y, .busiestBandwidth: slowest.x,
                .mostRead: most, .slowestBelowHalf: quiet, .allLanesRead: Double(4 * perLane * lab.lanes) / passes.min()!,
            ]
            return observation
        },
        judge: { found, facts in
            let (idle, busy) = (found[.idle]!, found[.busiest]!)
            // Readers that never filled memory's road say nothing about a full one.
            let isFull = found[.mostRead].flatMap { most in found[.allLanesRead].map { most > 0.9 * $0 } } ?? true
            return (
                busy > 1.1 * idle
                    ? ((found[.slowestBelowHalf] ?? idle) < 1.1 * idle ? .supported : .refuted)
                    : isFull ? .refuted : .notTestable,
                "A load takes \(text(idle)) ns while nobody else reads and at the slowest \(text(busy)) ns, beside \(text(found[.busiestBandwidth]!)) GB/s: "
                    + (busy > 1.1 * idle
                        ? "\(text(busy - idle)) ns longer, which a load waits for the others'."
                        : "\(text(busy / idle, 2)) times as long.")
                    + (busy > 1.1 * idle || isFull
                        ? ""
                        : " The others read \(text(found[.mostRead]!)) GB/s at most, where all lanes together read \(text(found[.allLanesRead]!)): memory was never busy.")
            )
        },
        remember: { found, facts in
            "While \(facts.lanes == 2 ? "the other lane reads" : "the other lanes read") \(text(found[.busiestBandwidth]!, 0)) GB/s a load from memory takes \(text(found[.busiest]! / found[.idle]!, 2)) times as long."
        })
}
