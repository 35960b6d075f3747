import LanesMeasurement

extension Quantity {
    fileprivate static let linesThatStay = Quantity("lines that stay")
    fileprivate static let waysOfTheFirstCache = Quantity("ways of the first cache")
    fileprivate static let bytesOfAWay = Quantity("bytes of a way")
    fileprivate static let allInOneSet = Quantity("all in one set", "ns")
    fileprivate static let spread = Quantity("spread", "ns")
}

extension Experiment {
    static let associativity = Experiment(
        id: "associativity", title: "Powers of two and the sets of a cache",
        question:
            "Lines whose addresses differ by a multiple of one way of the first cache share one set: how many of them stay?",
        hypothesis:
            "As many as the cache has ways, within a quarter; three times as many miss, at least half again as long as lines that share no set.",
        figure: .curves(x: "lines that share a set", y: "ns per load"),
        predict: { _ in
            Laboratory.firstCacheWays > 0 ? [.linesThatStay: Double(Laboratory.firstCacheWays)] : [:]
        },
        leavesOut: [.linesThatStay: "which line is replaced is the cache's choice, and it need not be the oldest"],
        needs: .oneLane,
        measure: { lab in
            guard let first = lab.machineCaches.first(where: { $0.level == 1 }), first.ways > 0 else {
                return .notTestable("the system does not say how many ways the first cache has")
            }
            var observation = Observation()
            let way = (first.kibibytes << 10) / first.ways
            var alike = Series("a way apart", unit: "ns")
            var apart = Series("a way and a line apart", unit: "ns")
            let most = 3 * first.ways
            let memory = ProbeMemory(byteCount: (most + 1) * (way + first.lineBytes))
            for count in 2...most {
                for spread in [false, true] {
                    let walk = Chase(memory, cells: count, stride: way + (spread ? first.lineBytes : 0), seed: lab.seed)
                    walk.follow(100 * count)
                    let times = lab.time(seconds: lab.pointSeconds / 4, samples: 5) { walk.follow(2000) }.map { $0 / 2000 }
                    if spread { apart.add(Double(count), times) } else { alike.add(Double(count), times) }
                }
            }
            observation.series = [alike, apart]
            let near = alike.points[0].y
            observation.numbers = [
                .linesThatStay: alike.points.last { $0.y < 1.3 * near }!.x, .waysOfTheFirstCache: Double(first.ways),
                .bytesOfAWay: Double(way), .allInOneSet: alike.points.last!.y, .spread: apart.points.last!.y,
            ]
            return observation
        },
        judge: { found, _ in
            let (stay, ways) = (found[.linesThatStay]!, found[.waysOfTheFirstCache]!)
            let (one, spread) = (found[.allInOneSet]!, found[.spread]!)
            return (
                stay >= 0.75 * ways && stay <= 1.1 * ways && one > 1.5 * spread ? .supported : .refuted,
                "\(text(stay, 0)) lines \(text(found[.bytesOfAWay]!, 0)) bytes apart stay in the first cache, which is said to have \(text(ways, 0)) ways. \(text(3 * ways, 0)) such lines take \(text(one)) ns a load, and \(text(spread)) where they are a line further apart: \(text(one / spread)) times. A column of a matrix whose rows are a multiple of \(text(found[.bytesOfAWay]!, 0)) bytes is such a set of lines; rows a line longer are not."
            )
        },
        remember: { found, _ in
            "Of lines that are a multiple of \(text(found[.bytesOfAWay]!, 0)) bytes apart the first cache keeps \(text(found[.linesThatStay]!, 0))."
        })
}
