import Measurement

extension Experiment {
    static let bandwidth = Experiment(
        id: "bandwidth", title: "How much flows from memory?",
        question:
            "Reading, filling, copying, scaling, adding and the triad, with cached and with streaming stores, on one lane and on all.",
        hypothesis:
            "Streaming stores are faster for large copies, since a line need not be fetched before it is overwritten; a few lanes saturate memory.",
        figure: .bars(y: "GB/s, bytes that the program names"),
        predict: { profile in
            var numbers = [
                "triad, one lane, GB/s": profile.memoryBandwidthOne, "triad, all lanes, GB/s": profile.memoryBandwidthAll,
            ]
            // A cached copy of 8 bytes moves 12: the line that is overwritten is fetched first.
            if Facts.streamingStores { numbers["streaming over cached copy, times"] = 1.5 }
            return numbers
        },
        measure: { lab in
            var observation = Observation()
            let perLane = lab.memoryBytes / 3 / 4 / lab.lanes
            let memories = (0..<lab.lanes).map { _ in ProbeMemory(byteCount: 12 * perLane) }
            for memory in memories { memory.fillWithNumbers() }
            for lanes in lab.lanes > 1 ? [1, lab.lanes] : [1] {
                let who = lanes == 1 ? "one lane" : "all lanes"
                for streaming in [false, true] {
                    var series = Series("\(who), \(streaming ? "streaming" : "cached") stores", unit: "GB/s")
                    for (index, stream) in Probe.Stream.allCases.enumerated() where !(streaming && stream == .read) {
                        let bytes = Double(stream.bytes.algorithmic * perLane * lanes)
                        let times = lab.together(lanes, samples: lab.isQuick ? 5 : 15) {
                            Probe.stream(stream, memories[$0], perLane, streaming: streaming)
                        }
                        series.add(Double(index), times.map { bytes / $0 }, label: stream.rawValue)
                        let name = "\(stream.rawValue)\(streaming ? ", streaming" : ""), \(who), GB/s"
                        observation.numbers[name] = series.points.last!.y
                        if !streaming {
                            observation.numbers["\(stream.rawValue), \(who), with the lines that stores fetch, GB/s"] =
                                series.points.last!.y * Double(stream.bytes.withAllocation) / Double(stream.bytes.algorithmic)
                        }
                    }
                    observation.series.append(series)
                }
            }
            observation.numbers["streaming over cached copy, times"] =
                observation.numbers["copy, streaming, one lane, GB/s"]! / observation.numbers["copy, one lane, GB/s"]!
            observation.numbers["all lanes over one, read, times"] =
                lab.lanes > 1 ? observation.numbers["read, all lanes, GB/s"]! / observation.numbers["read, one lane, GB/s"]! : 1
            return observation
        },
        judge: { found, facts in
            let gain = found["streaming over cached copy, times"]!
            return (
                !facts.hasStreamingStores ? .notTestable : gain > 1.1 ? .supported : .refuted,
                "One lane copies \(text(found["copy, one lane, GB/s"]!)) GB/s with cached and \(text(found["copy, streaming, one lane, GB/s"]!)) GB/s with streaming stores: \(text(gain, 2)) times.\(!facts.hasStreamingStores ? " On this instruction set our streaming stores are plain stores, so the two are the same." : gain > 1.1 ? " A cached store that first fetches the line which it overwrites moves 12 bytes for 8 named, which is 1.5 times as many." : " Streaming stores do not pay here; why is not measured.") One lane reads \(text(found["read, one lane, GB/s"]!)) GB/s; all lanes read \(text(found["all lanes over one, read, times"]!, 2)) times that."
            )
        })
}
