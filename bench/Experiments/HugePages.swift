import Measurement

extension Quantity {
    fileprivate static let hugePagesLoad = Quantity("huge pages, load", "ns")
    fileprivate static let smallPagesLoad = Quantity("small pages, load", "ns")
    fileprivate static let loads = Quantity("loads", "times")
    fileprivate static let stream = Quantity("stream", "times")
}

extension Experiment {
    static let hugePages = Experiment(
        id: "huge-pages", title: "What do huge pages bring?",
        question: "The same loads from the same amount of memory, in pages of the usual size and in huge ones.",
        hypothesis: "Dependent loads all over a large memory are at least a tenth faster; a stream hardly notices.",
        figure: .bars(y: "ns: per load, or per 64 bytes of a stream"),
        predict: { profile in [.hugePagesLoad: profile.memoryLatency] },
        needs: .oneLane,
        measure: { lab in
            var observation = Observation()
            var loads = Series("dependent loads", unit: "ns")
            var streams = Series("reading in order, 64 bytes", unit: "ns")
            let bytes = lab.memoryBytes
            let memories = [false, true].map { ProbeMemory(byteCount: bytes, hugePages: $0) }
            if let complaint = ProbeMemory.complaintAboutPages(small: memories[0], huge: memories[1]) {
                return .notTestable(complaint)
            }
            for (index, memory) in memories.enumerated() {
                let walk = Chase(memory, byteCount: bytes, seed: lab.seed)
                let steps = 20_000
                let chase = lab.time(seconds: 3 * lab.pointSeconds) { walk.follow(steps) }
                let label = index == 1 ? "huge pages" : "\(pageText(lab.pageBytes)) pages"
                loads.add(Double(index), chase.map { $0 / Double(steps) }, label: label)
                memory.fillWithNumbers()
                let count = bytes / 4
                let stream = lab.time(seconds: 5 * lab.pointSeconds) { Probe.stream(.read, memory, count, streaming: false) }
                streams.add(Double(index), stream.map { $0 / Double(bytes / 64) }, label: label)
            }
            observation.series = [loads, streams]
            observation.numbers = [
                .smallPagesLoad: loads.points[0].y, .hugePagesLoad: loads.points[1].y,
                .loads: loads.points[0].y / loads.points[1].y,
                .stream: streams.points[0].y / streams.points[1].y,
            ]
            observation.notes.append("transparent huge pages are set to '\(Laboratory.record.hugePages)' on this system")
            return observation
        },
        judge: { found, facts in
            let (loads, stream) = (found[.loads]!, found[.stream]!)
            return (
                loads > 1.1 ? .supported : .refuted,
                "A dependent load takes \(text(found[.smallPagesLoad]!)) ns in pages of \(pageText(facts.pageBytes)) and \(text(found[.hugePagesLoad]!)) ns in huge ones, \(text(loads, 2)) times; a stream \(text(stream, 2)) times.\(loads > 1.1 ? " A page's address must be looked up before its line can be fetched, and fewer, larger pages need fewer look-ups\(facts.isGuest ? "; a guest's pages have an address of the guest's and one of the host's" : "")." : "")"
            )
        },
        remember: { found, facts in
            "Dependent loads take \(text(found[.loads]!, 2)) times as long in pages of \(pageText(facts.pageBytes)) as in huge ones\(found[.loads]! > 1.1 ? "" : ", which is little")."
        })
}
