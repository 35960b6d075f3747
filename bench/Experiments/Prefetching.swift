import Measurement

extension Experiment {
    static let prefetching = Experiment(
        id: "prefetch", title: "What hardware fetches ahead",
        question:
            "One number of each line of a large memory, and of every second to 64th: forwards and backwards, beside loads in random order.",
        hypothesis:
            "In order a line comes several times as fast as in random order, forwards and backwards alike; beyond a page a stride is no stream.",
        figure: .curves(x: "lines from one load to the next", y: "ns per load", logX: true, logY: true),
        predict: { profile in ["each line, forwards, ns": Double(profile.lineBytes) / profile.memoryBandwidthOne] },
        leavesOut: ["each line, forwards, ns": "the profile's bandwidth is that of a triad, which writes too"],
        usesLanes: false,
        measure: { lab in
            var observation = Observation()
            let memory = ProbeMemory(byteCount: lab.memoryBytes)
            memory.fillWithNumbers()
            var forwards = Series("forwards", unit: "ns")
            var backwards = Series("backwards", unit: "ns")
            for lines in [1, 2, 4, 8, 16, 32, 64, 128] {
                let stride = lines * lab.lineBytes
                let count = lab.memoryBytes / stride
                forwards.add(
                    Double(lines),
                    lab.time(samples: 5) { CoreProbe.sumLines(memory, count: count, stride: stride) }.map { $0 / Double(count) }
                )
                backwards.add(
                    Double(lines),
                    lab.time(samples: 5) { CoreProbe.sumLines(memory, count: count, stride: -stride) }.map {
                        $0 / Double(count)
                    })
            }
            let chase = Chase(memory, byteCount: lab.memoryBytes, chains: 16, seed: lab.seed)
            var random = Series("random order, 16 at once", unit: "ns")
            random.add(1, lab.time { chase.follow(1000) }.map { $0 / 16_000 })
            observation.series = [forwards, backwards, random]
            observation.numbers = [
                "each line, forwards, ns": forwards.points[0].y, "each line, backwards, ns": backwards.points[0].y,
                "every 64th line, forwards, ns": forwards.points[6].y, "random order, 16 at once, ns": random.points[0].y,
                "random over in order, times": random.points[0].y / forwards.points[0].y,
            ]
            return observation
        },
        judge: { found, _ in
            let (forwards, backwards) = (found["each line, forwards, ns"]!, found["each line, backwards, ns"]!)
            let (random, far) = (found["random order, 16 at once, ns"]!, found["every 64th line, forwards, ns"]!)
            return (
                random > 2 * forwards && backwards < 1.5 * forwards && far > 1.5 * forwards ? .supported : .refuted,
                "A line comes every \(text(forwards, 2)) ns forwards, \(text(backwards, 2)) backwards, \(text(far, 2)) where every 64th is read, and \(text(random, 2)) in random order with sixteen loads under way: \(text(random / forwards, 1)) times what it takes in order."
            )
        })
}
