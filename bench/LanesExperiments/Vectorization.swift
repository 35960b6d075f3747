import Foundation
import Lanes
import LanesMeasurement
import LanesParallel

extension Quantity {
    fileprivate static let allLanesLarge = Quantity("all lanes, large", "GFLOP/s")
    fileprivate static func rate(_ rung: Rung, _ m: Int, _ n: Int, _ k: Int) -> Quantity {
        Quantity("\(rung.name), \(m) x \(n) x \(k)", "GFLOP/s")
    }
    /// Of the layer that the judgement is about.
    fileprivate static func layer(_ rung: Rung) -> Quantity { rate(rung, 64, 128, 784) }
    fileprivate static let lastRungOverFirst = Quantity("last rung over first")
}

private enum Rung {
    case python
    case loops(Probe.Rung)
    case tiles, packed, allLanes
    case peer(String, threads: Int)
    var name: String {
        switch self {
        case .python: "Python loops"
        case .loops(let rung): rung.rawValue
        case .tiles: "tiles in registers"
        case .packed: "packed beforehand"
        case .allLanes: "all lanes"
        case .peer(let name, let threads): "\(name), \(threads == 1 ? "one thread" : "\(threads) threads")"
        }
    }
}

extension Experiment {
    static let vectorization = Experiment(
        id: "vectorization", title: "From an interpreter's loop to the peak",
        question: "The same product, written in the ways that people write it: what does each step bring, and why?",
        hypothesis:
            "Exchanged loops, vectors, tiles in registers and lanes are each at least a fifth faster than the rung before, and an interpreter is more than a thousand times slower than the last.",
        figure: .bars(y: "GFLOP/s", logY: true),
        predict: { profile in
            var numbers: Numbers = [.allLanesLarge: 0.9 * profile.peakAll]
            // Each addition waits for the one before, and each step down a column of B brings a line of it from the second cache: two operations in
            // the time of both, one after the other.
            if let addition = profile.floatAddition, profile.cacheBandwidth.count > 1 {
                numbers[.layer(.loops(.textbook))] = 2 / (addition + Double(profile.lineBytes) / profile.cacheBandwidth[1])
            }
            return numbers
        },
        leavesOut: [
            .allLanesLarge: "nine tenths of the peak are a rule; lanes that wait for each other and for memory are not in it",
            .layer(.loops(.textbook)):
                "where the columns of B fit another cache than the second, or their lines come while additions wait, it is another time",
        ],
        measure: { lab in
            var observation = Observation()
            let large = lab.isQuick ? 512 : 1024
            var (fastest, growth) = (0.0, 0.0)
            for (m, n, k) in [(100, 256, 512), (64, 128, 784), (large, large, large)] {
                let name = "\(m) x \(n) x \(k)"
                var bars = Series(name, unit: "GFLOP/s")
                let operations = 2 * Double(m) * Double(n) * Double(k)
                func add(_ rung: Rung, _ nanoseconds: [Double]) {
                    bars.add(Double(bars.points.count), nanoseconds.map { operations / $0 }, label: rung.name)
                    observation.numbers[.rate(rung, m, n, k)] = bars.points.last!.y
                }
                let memory = ProbeMemory(byteCount: 4 * (m * k + k * n + m * n))
                memory.fillWithNumbers()
                // A twentieth of the rows is enough for a rate of the slow ones.
                let few = max(1, m / 20)
                let share = Double(m) / Double(few)
                if m == 64, let python = interpreted(lab, few, n, k) {
                    add(.python, [python * share])
                }
                for rung in Probe.Rung.allCases {
                    let isSlow = rung != .vectorized
                    let times = lab.time(seconds: lab.pointSeconds, samples: 5) {
                        Probe.gemm(rung, isSlow ? few : m, n, k, memory)
                    }
                    add(.loops(rung), times.map { $0 * (isSlow ? share : 1) })
                }
                let a = Matrix<Float>(rows: m, columns: k, repeating: 0.5)
                let b = Matrix<Float>(rows: k, columns: n, repeating: 0.25)
                var c = Matrix<Float>(rows: m, columns: n)
                add(.tiles, lab.time(seconds: 2 * lab.pointSeconds) { multiply(a, b, into: &c) })
                let packed = PackedMatrix(b)
                add(.packed, lab.time(seconds: 2 * lab.pointSeconds) { multiply(a, packed, into: &c) })
                if lab.lanes > 1 {
                    add(.allLanes, lab.time(seconds: 2 * lab.pointSeconds) { multiply(a, b, into: &c, on: lab.pool) })
                }
                // Ours, before other libraries come.
                fastest = bars.points.last!.y
                if m == 64 { growth = bars.points.map(\.y).max()! / bars.points[0].y }
                for peer in lab.peers {
                    for threads in lab.lanes > 1 ? [1, lab.lanes] : [1] {
                        add(
                            .peer(peer.name, threads: threads),
                            try peer.time([(m, n, k)], threads, 2 * lab.pointSeconds)[0])
                    }
                }
                observation.series.append(bars)
            }
            observation.numbers[.allLanesLarge] = fastest
            let first = observation.series[1].points[0]
            observation.numbers[.lastRungOverFirst] = growth
            if first.label != Rung.python.name {
                observation.notes.append("python3 was not found, so the ladder begins with compiled loops")
            }
            return observation
        },
        judge: { found, facts in
            func rung(_ rung: Rung) -> Double { found[.layer(rung)] ?? .nan }
            let (textbook, exchanged, compiler, tiles) = (
                rung(.loops(.textbook)), rung(.loops(.exchanged)), rung(.loops(.vectorized)), rung(.tiles)
            )
            let climbs =
                [rung(.loops(.textbook)), exchanged, compiler, tiles] + (rung(.allLanes).isNaN ? [] : [rung(.allLanes)])
            let eachIsFaster = zip(climbs, climbs.dropFirst()).allSatisfy { 1.2 * $0 < $1 }
            let interpreterIsSlow = rung(.python).isNaN || 1000 * rung(.python) < climbs.last!
            return (
                eachIsFaster && interpreterIsSlow ? .supported : .refuted,
                "From the first rung to the fastest of ours the rate grows about \(about(found[.lastRungOverFirst] ?? .nan)) times (the slow ones are scaled from a twentieth of the rows). "
                    + (rung(.python).isNaN
                        ? "An interpreter was not measured. "
                        : "Python's loops reach \(text(1000 * rung(.python), 1)) MFLOP/s. ")
                    + "Textbook loops reach \(text(textbook, 2)) GFLOP/s\(facts.floatAddition.map { 2 / textbook >= $0 && 2 / textbook < 2 * $0 ? ": \(text(2 / textbook, 2)) ns an addition, of which \(text($0, 2)) are the wait for the one before" : "; additions that wait for each other, \(text($0, 2)) ns each, would give \(text(2 / $0, 2))" } ?? ""). With the loops exchanged (\(text(exchanged, 2))) every step loads and stores C. Vectors take \(facts.vectorFloats) numbers at once (\(text(compiler, 0))), but still load and store C in every step; tiles keep it in registers (\(text(tiles, 0)))\(rung(.allLanes).isNaN ? "" : "; all lanes together reach \(text(rung(.allLanes), 0))")."
            )
        },
        remember: { found, _ in
            "The same product is about \(about(found[.lastRungOverFirst] ?? .nan)) times as fast in its fastest form as in its first\(found[.layer(.python)] == nil ? "" : ", Python's loops"), on the same machine."
        })

    // Nanoseconds of a product by Python's loops over lists.
    private static func interpreted(_ lab: Laboratory, _ m: Int, _ n: Int, _ k: Int) -> Double? {
        let program = """
            import time
            a = [[0.5] * \(k) for _ in range(\(m))]
            b = [[0.25] * \(n) for _ in range(\(k))]
            c = [[0.0] * \(n) for _ in range(\(m))]
            start = time.perf_counter_ns()
            for i in range(\(m)):
                for j in range(\(n)):
                    s = 0.0
                    for p in range(\(k)):
                        s += a[i][p] * b[p][j]
                    c[i][j] = s
            print(time.perf_counter_ns() - start)
            """
        return lab.ask(["python3", "-c", program]).flatMap { Double($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
    }
}
