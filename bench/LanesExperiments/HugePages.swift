import LanesMeasurement

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
        hypothesis:
            "Dependent loads all over a large memory are at least a tenth faster in huge pages, a stream less than that.",
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
            let labels = ["\(pageText(lab.pageBytes)) pages", "huge pages"]
            let (steps, count) = (20_000, bytes / 4)
            let walks = memories.map { Chase($0, byteCount: bytes, seed: lab.seed) }
            let chases = sampleInTurns(seconds: 3 * lab.pointSeconds, walks.map { walk in { walk.follow(steps) } })
            for memory in memories { memory.fillWithNumbers() }
            let passes = sampleInTurns(
                seconds: 5 * lab.pointSeconds,
                memories.map { memory in { Probe.stream(.read, memory, count, streaming: false) } })
            for index in 0...1 {
                loads.add(Double(index), chases[index].map { $0 / Double(steps) }, label: labels[index])
                streams.add(Double(index), passes[index].map { $0 / Double(bytes / 64) }, label: labels[index])
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
                loads > 1.1 && stream < 1.1 ? .supported : .refuted,
                "A dependent load takes \(text(found[.smallPagesLoad]!)) ns in pages of \(pageText(facts.pageBytes)) and \(text(found[.hugePagesLoad]!)) ns in huge ones, \(text(loads, 2)) times; a stream \(text(stream, 2)) times.\(loads > 1.1 ? " A page's address must be looked up before its line can be fetched, and fewer, larger pages need fewer look-ups\(facts.isGuest ? "; a guest's pages have an address of the guest's and one of the host's" : "")." : "")"
            )
        },
        remember: { found, facts in
            "Dependent loads take \(text(found[.loads]!, 2)) times as long in pages of \(pageText(facts.pageBytes)) as in huge ones\(found[.loads]! > 1.1 ? "" : ", which is little")."
        })
}
