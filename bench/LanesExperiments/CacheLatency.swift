import LanesMeasurement

extension Quantity {
    fileprivate static let memory = Quantity("memory", "ns")
    fileprivate static func end(ofLevel level: Int) -> Quantity { Quantity("end of level \(level)", "KiB") }
    fileprivate static let endOfTheLastLevel8Chains = Quantity("end of the last level, 8 chains", "KiB")
    fileprivate static func size(ofLevel level: Int) -> Quantity { Quantity("size of level \(level)", "KiB") }
    fileprivate static func load(fromLevel level: Int) -> Quantity { Quantity("level \(level)", "ns") }
    fileprivate static let firstCache = Quantity("first cache", "ns")
    fileprivate static let memory8Chains = Quantity("memory, 8 chains", "ns")
    fileprivate static let memorySmallPages = Quantity("memory, small pages", "ns")
}

extension Experiment {
    static let cacheLatency = Experiment(
        id: "cache-latency", title: "How far away is memory?",
        question: "Loads that each need the one before, in ever larger memory: how long does one take?",
        hypothesis:
            "Steps at the sizes of the core's own caches; memory is dozens of times farther than the first cache. Independent chains hide most of it.",
        figure: .curves(x: "bytes", y: "ns per load", logX: true, logY: true),
        predict: { profile in
            var numbers: Numbers = [.memory: profile.memoryLatency]
            for (level, size) in profile.cacheBytes.enumerated() {
                numbers[.end(ofLevel: level + 1)] = Double(size >> 10)
            }
            return numbers
        },
        leavesOut: [
            .end(ofLevel: 3):
                "the system names the whole of the last level; how much of it these loads may use is not known"
        ],
        needs: .oneLane,
        measure: { lab in
            var observation = Observation()
            var small = Series("\(pageText(lab.pageBytes)) pages", unit: "ns")
            var many = Series("8 chains at once, per load", unit: "ns")
            let largest = min(4 * lab.lastLevelBytes, lab.memoryBytes)
            var bytes = 8 << 10
            let memory = ProbeMemory(byteCount: largest)
            let smallPages = ProbeMemory(byteCount: largest, hugePages: false)
            let complaint = ProbeMemory.complaintAboutPages(small: smallPages, huge: memory)
            if let complaint { observation.notes.append(complaint) }
            var huge = Series(complaint == nil ? "huge pages" : "pages of the system's choice", unit: "ns")
            while bytes <= largest {
                func walk(_ memory: ProbeMemory, _ chains: Int) -> [Double] {
                    let chase = Chase(memory, byteCount: bytes, chains: chains, seed: lab.seed)
                    // Small memories are in the caches before the clock runs.
                    chase.follow(min(bytes / 64 / chains, 200_000))
                    let steps = 10_000 / chains
                    return lab.time { chase.follow(steps) }.map { $0 / Double(steps * chains) }
                }
                huge.add(Double(bytes), walk(memory, 1))
                many.add(Double(bytes), walk(memory, 8))
                small.add(Double(bytes), walk(smallPages, 1))
                bytes = bytes * 4 / 3 / 512 * 512
            }
            observation.series = [huge, small, many]
            let first = huge.points[0].y
            observation.numbers[.firstCache] = first
            observation.numbers[.memory] = huge.points.last!.y
            observation.numbers[.memory8Chains] = many.points.last!.y
            if complaint == nil { observation.numbers[.memorySmallPages] = small.points.last!.y }
            // A level ends where the time leaves its plateau for the next one: half way between the two on a logarithmic scale.
            func edge(_ series: Series, _ inside: Double, _ outside: Double) -> Double? {
                guard let near = series.points.last(where: { $0.x <= inside }),
                    let far = series.points.first(where: { $0.x >= outside })
                else { return nil }
                let middle = (near.y * far.y).squareRoot()
                return series.points.first { $0.x > near.x && $0.y >= middle }.map { $0.x / 1024 / 1.15 }
            }
            for (level, cache) in lab.machineCaches.enumerated() {
                let size = Double(cache.kibibytes << 10)
                let before = level == 0 ? size : Double(lab.machineCaches[level - 1].kibibytes << 10)
                let (within, beyond) = (min(0.6 * size, 3 * before), min(2.2 * size, Double(largest) * 0.7))
                guard let inside = huge.points.last(where: { $0.x <= within }) else { continue }
                observation.numbers[.end(ofLevel: level + 1)] = edge(huge, within, beyond)
                if level + 1 == lab.machineCaches.count {
                    observation.numbers[.endOfTheLastLevel8Chains] = edge(many, within, beyond)
                }
                observation.numbers[.load(fromLevel: level + 1)] = inside.y
                observation.numbers[.size(ofLevel: level + 1)] = size / 1024
            }
            let last = lab.machineCaches.count
            if let edge = observation.numbers[.end(ofLevel: last)],
                let size = observation.numbers[.size(ofLevel: last)], edge < 0.6 * size
            {
                observation.notes.append(
                    "the last level is said to have \(text(size / 1024, 0)) MiB, and dependent loads leave it at \(text(edge / 1024)) MiB\(observation.numbers[.endOfTheLastLevel8Chains].map { ", eight chains at once at \(text($0 / 1024)) MiB" } ?? ""); who else uses it is not measured"
                )
            }
            return observation
        },
        judge: { found, facts in
            let (first, memory) = (found[.firstCache]!, found[.memory]!)
            let levels = (1...4).compactMap { level in found[.load(fromLevel: level)].map { "level \(level) \(text($0)) ns" } }
            // The last level of a shared machine is partly others'.
            let ownLevels = (1...2).allSatisfy { level in
                guard let edge = found[.end(ofLevel: level)], let size = found[.size(ofLevel: level)] else {
                    return true
                }
                return max(edge / size, size / edge) < 1.5
            }
            return (
                ownLevels && memory > 24 * first && found[.memory8Chains]! < memory / 2 ? .supported : .refuted,
                "A dependent load takes\(found[.memorySmallPages] == nil ? "" : ", on huge pages,") \(text(first)) ns from the first cache and \(text(memory)) ns from memory (\(levels.joined(separator: ", "))). Eight independent chains take \(text(found[.memory8Chains]!)) ns a load\(found[.memory8Chains]! < 0.7 * memory ? ": a core waits for several lines at once" : "").\(found[.memorySmallPages].map { " In pages of \(pageText(facts.pageBytes)) memory takes \(text($0)) ns\($0 > 1.05 * memory ? ": what the page's address costs to look up comes to that" : "")." } ?? "")"
            )
        },
        remember: { found, _ in
            "A load from memory takes \(text(found[.memory]! / found[.firstCache]!, 0)) times as long as one from the first cache: \(text(found[.memory]!, 0)) ns."
        })
}
