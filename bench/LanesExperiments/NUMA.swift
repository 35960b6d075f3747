import LanesMeasurement
import LanesParallel

extension Quantity {
    fileprivate static func load(from: Int, to: Int) -> Quantity { Quantity("from node \(from) to node \(to)", "ns") }
    fileprivate static let near = Quantity("near", "ns")
    fileprivate static let far = Quantity("far", "ns")
    fileprivate static let bytesWhereAsked = Quantity("bytes where asked", "share")
}

extension Experiment {
    static let numa = Experiment(
        id: "numa", title: "Near and far memory",
        question: "How much slower is memory that belongs to another node?",
        hypothesis: "Farther nodes have a higher latency and less bandwidth; pages are where they were first touched.",
        figure: .bars(y: "ns per load"),
        measure: { lab in
            let nodes = MemoryNodes.all
            guard nodes.count > 1 else {
                return .notTestable(
                    "one memory node (\(nodes[0])): there is no far memory to compare with. A machine with two sockets would show it."
                )
            }
            var observation = Observation()
            // Memory on each node, loads from the first processor of each node.
            for to in nodes {
                var series = Series("memory of node \(to)", unit: "ns")
                for (index, from) in nodes.enumerated() {
                    guard let processor = lab.machine.processors.first(where: { $0.node == from })?.index else { continue }
                    let pool = lab.makePool(lanes: 2, processors: [lab.processors[0], processor].uniqued())
                    let chain = try NodeChain(node: to, byteCount: lab.memoryBytes / 2, seed: lab.seed)
                    let steps = 20_000
                    let times = (0..<5).map { _ in
                        lab.each(pool.lanes, on: pool) { lane in if lane == pool.lanes - 1 { chain.follow(steps) } }.last!
                            / Double(steps)
                    }
                    series.add(Double(index), times, label: "processor of node \(from)")
                    observation.numbers[.load(from: from, to: to)] = series.points.last!.y
                    if from == to {
                        observation.numbers[.near] = series.points.last!.y
                    } else {
                        observation.numbers[.far] = max(observation.numbers[.far] ?? 0, series.points.last!.y)
                    }
                    observation.numbers[.bytesWhereAsked] = chain.shareOnNode
                }
                observation.series.append(series)
            }
            return observation
        },
        judge: { found, _ in
            let (near, far) = (found[.near] ?? 0, found[.far] ?? 0)
            return (
                far > 1.1 * near ? .supported : .refuted,
                "A load takes \(text(near)) ns from the processor's own node and up to \(text(far)) ns from another: the line crosses the link between the nodes. \(text(100 * (found[.bytesWhereAsked] ?? 0), 0))% of the sampled pages lie where they were asked for."
            )
        },
        remember: { found, _ in
            found[.far].flatMap { far in
                found[.near].map {
                    "A load from another node takes \(text(far / $0, 2)) times as long as one from the own node."
                }
            } ?? "No node has both processors and memory: near and far could not be told apart."
        })
}
