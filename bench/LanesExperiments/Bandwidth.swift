import LanesMeasurement

extension Quantity {
    fileprivate static func rate(_ stream: Probe.Stream, _ who: Who, streaming: Bool = false) -> Quantity {
        Quantity("\(stream.rawValue)\(streaming ? ", streaming" : ""), \(who.rawValue)", "GB/s")
    }
    fileprivate static func rateWithFetchedLines(_ stream: Probe.Stream, _ who: Who) -> Quantity {
        Quantity("\(stream.rawValue), \(who.rawValue), if each store fetched its line first", "GB/s")
    }
    fileprivate static let streamingOverCachedCopy = Quantity("streaming over cached copy", "times")
    fileprivate static let allLanesOverOneRead = Quantity("all lanes over one, read", "times")
}

private enum Who: String {
    case oneLane = "one lane"
    case allLanes = "all lanes"
}

extension Experiment {
    static let bandwidth = Experiment(
        id: "bandwidth", title: "How much flows from memory?",
        question:
            "Reading, filling, copying, scaling, adding and the triad, with cached and with streaming stores, on one lane and on all.",
        hypothesis:
            "Streaming stores make large copies at least a tenth faster, since a line need not be fetched before it is overwritten.",
        figure: .bars(y: "GB/s, bytes that the program names"),
        predict: { profile in
            var numbers: Numbers = [
                .rate(.triad, .oneLane): profile.memoryBandwidthOne, .rate(.triad, .allLanes): profile.memoryBandwidthAll,
            ]
            // A cached copy of 8 bytes moves 12: the line that is overwritten is fetched first.
            if Facts.streamingStores { numbers[.streamingOverCachedCopy] = 1.5 }
            return numbers
        },
        measure: { lab in
            var observation = Observation()
            let arrays = StreamArrays(lab)
            for lanes in lab.lanes > 1 ? [1, lab.lanes] : [1] {
                let who = lanes == 1 ? Who.oneLane : .allLanes
                for streaming in [false, true] {
                    var series = Series("\(who.rawValue), \(streaming ? "streaming" : "cached") stores", unit: "GB/s")
                    for (index, stream) in Probe.Stream.allCases.enumerated() where !(streaming && stream == .read) {
                        let times = lab.together(lanes, samples: lab.isQuick ? 5 : 15) {
                            arrays.pass(stream, lane: $0, of: lanes, streaming: streaming)
                        }
                        series.add(Double(index), times.map { arrays.bytes(stream) / $0 }, label: stream.rawValue)
                        observation.numbers[.rate(stream, who, streaming: streaming)] = series.points.last!.y
                        if !streaming {
                            observation.numbers[.rateWithFetchedLines(stream, who)] =
                                series.points.last!.y * Double(stream.bytes.withAllocation) / Double(stream.bytes.algorithmic)
                        }
                    }
                    observation.series.append(series)
                }
            }
            observation.numbers[.streamingOverCachedCopy] =
                observation.numbers[.rate(.copy, .oneLane, streaming: true)]! / observation.numbers[.rate(.copy, .oneLane)]!
            observation.numbers[.allLanesOverOneRead] =
                lab.lanes > 1 ? observation.numbers[.rate(.read, .allLanes)]! / observation.numbers[.rate(.read, .oneLane)]! : 1
            return observation
        },
        judge: { found, facts in
            let gain = found[.streamingOverCachedCopy]!
            let all = found[.rate(.copy, .allLanes, streaming: true)].flatMap { streaming in
                found[.rate(.copy, .allLanes)].map { streaming / $0 }
            }
            let others = [Probe.Stream.fill, .add, .triad].map { stream in
                "\(stream.rawValue) \(text(found[.rate(stream, .oneLane, streaming: true)]! / found[.rate(stream, .oneLane)]!, 2))"
            }
            return (
                !facts.hasStreamingStores ? .notTestable : max(gain, all ?? 0) > 1.1 ? .supported : .refuted,
                "One lane copies \(text(found[.rate(.copy, .oneLane)]!)) GB/s with cached and \(text(found[.rate(.copy, .oneLane, streaming: true)]!)) GB/s with streaming stores: \(text(gain, 2)) times\(all.map { "; all lanes together, \(text($0, 2)) times" } ?? "").\(!facts.hasStreamingStores ? " On this instruction set our streaming stores are plain stores, so the two are the same." : " The others on one lane: \(others.joined(separator: ", ")) times. A cached store that first fetches the line which it overwrites moves 12 bytes for the 8 of a copy, so 1.5 times is the most that could be expected\(gain > 1.1 ? "" : "; why a copy on one lane does not gain is not measured").") One lane reads \(text(found[.rate(.read, .oneLane)]!)) GB/s; all lanes read \(text(found[.allLanesOverOneRead]!, 2)) times that."
            )
        },
        remember: { found, _ in
            "One lane copies \(text(found[.rate(.copy, .oneLane)]!, 0)) GB/s of memory; all lanes read \(text(found[.allLanesOverOneRead]!)) times what one reads."
        })
}
