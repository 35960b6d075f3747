import Foundation
import LanesMeasurement

/// GEMM over shapes, ours beside other libraries. On one thread the libraries share a process and take turns of a millisecond or so, for
/// ratios that hold while the machine drifts; a library that cannot share a process, and every library on more threads (many of them spin),
/// has processes of its own.
struct Comparison: Codable {
    struct Row: Codable {
        var shape: Shape
        /// Every sample of every round, in nanoseconds per call.
        var nanoseconds: [String: [Double]]
        /// Median over rounds of each round's median.
        var gflops: [String: Double]
        /// Ours over the FMA peak of all threads at once, measured beside it; median over rounds.
        var shareOfPeak: Double
        /// Ours over each other library: where they take turns, the median over turns of the quotient of their times, else the
        /// quotient of the medians.
        var ratios: [String: Double]
        /// The smallest of them, which is ours over the fastest other library; nil where there is none.
        var ratio: Double?
    }

    var machine: MachineRecord
    var type: ElementType
    var threads: Int
    var libraries: [Library]
    var rounds: Int
    /// A held subnormal numbers.
    var subnormals: Bool
    /// Median over the run; `shareOfPeak` uses the one measured beside each shape.
    var peakGflops: Double
    var stealSeconds: Double?
    var rows: [Row]
    /// Geometric mean of the ratios.
    var geometricMean: Double?

    static func run(
        libraries: [Library], shapes: [Shape], type: ElementType, threads: Int = 1, rounds: Int, seconds: Double,
        subnormals: Bool = false
    ) throws -> Comparison {
        var libraries = try libraries.map { try $0.asked() }
        let groups = threads > 1 ? libraries.map { [$0] } : try groups(&libraries, type: type)
        let stealBefore = MachineRecord.stealSeconds()
        var medians: [String: [Shape: [Double]]] = [:]
        var samples: [String: [Shape: [Double]]] = [:]
        var quotients: [String: [Shape: [Double]]] = [:]
        var peaks: [Double] = []
        var shares: [Shape: [Double]] = [:]
        for round in 1...rounds {
            // Every group comes first in turn.
            for index in groups.indices {
                let group = groups[(index + round) % groups.count]
                Progress.show(
                    "round \(round) of \(rounds): \(group.map(\.name).joined(separator: ", ")), \(shapes.count) shapes")
                for timing in try GemmWorker.run(
                    group, shapes: shapes, type: type, threads: threads, seconds: seconds, subnormals: subnormals)
                {
                    for (library, (times, error)) in zip(group, zip(timing.nanoseconds, timing.errorOverBound)) {
                        guard error <= 1 else {
                            throw Failure(
                                "\(library.name) gives a wrong result for \(timing.shape): \(format(error)) times the error bound"
                            )
                        }
                        medians[library.name, default: [:]][timing.shape, default: []].append(Statistics.median(times))
                        samples[library.name, default: [:]][timing.shape, default: []] += times
                        if group[0] == .own && library != .own {
                            quotients[library.name, default: [:]][timing.shape, default: []] +=
                                zip(times, timing.nanoseconds[0]).map { $0 / $1 }
                        }
                    }
                    if let peak = timing.peakGflops {
                        peaks.append(peak)
                        shares[timing.shape, default: []].append(
                            timing.shape.flops / Statistics.median(timing.nanoseconds[0]) / peak)
                    }
                }
            }
        }
        Progress.clear()
        let rows = shapes.map { shape in
            let gflops = Dictionary(
                uniqueKeysWithValues: libraries.map { ($0.name, shape.flops / Statistics.median(medians[$0.name]![shape]!)) })
            let ratios = Dictionary(
                uniqueKeysWithValues: libraries.filter { $0 != .own }.map { other in
                    (
                        other.name,
                        quotients[other.name]?[shape].map(Statistics.median) ?? gflops[Library.own.name]! / gflops[other.name]!
                    )
                })
            return Row(
                shape: shape, nanoseconds: samples.mapValues { $0[shape]! }, gflops: gflops,
                shareOfPeak: Statistics.median(shares[shape]!), ratios: ratios, ratio: ratios.values.min())
        }
        let ratios = rows.compactMap(\.ratio)
        return Comparison(
            machine: .current(), type: type, threads: threads, libraries: libraries, rounds: rounds, subnormals: subnormals,
            peakGflops: Statistics.median(peaks),
            stealSeconds: stealBefore.flatMap { before in MachineRecord.stealSeconds().map { $0 - before } }, rows: rows,
            geometricMean: ratios.isEmpty ? nil : Statistics.geometricMean(ratios))
    }

    // Libraries that share a process, ours first in every group. What a library needs of the environment is set for its whole group, so
    // libraries that need different things are apart. Whether they can share one is tried.
    private static func groups(_ libraries: inout [Library], type: ElementType) throws -> [[Library]] {
        func share(_ group: [Library]) -> Bool {
            let tiny = [Shape(m: 4, n: 4, k: 4), Shape(m: 70, n: 70, k: 70)]
            return (try? GemmWorker.run(group, shapes: tiny, type: type, threads: 1, seconds: 0.001)) != nil
        }
        let others = libraries.filter { $0 != .own }
        var groups: [[Library]] = []
        for environment in Set(others.map(\.environment)) {
            let group = [.own] + others.filter { $0.environment == environment }
            if share(group) {
                groups.append(group)
                continue
            }
            for other in group.dropFirst() {
                if group.count > 2 && share([.own, other]) {
                    groups.append([.own, other])
                } else {
                    groups.append([other])
                    libraries[libraries.firstIndex(of: other)!].isApart = true
                }
            }
        }
        return groups.contains { $0[0] == .own } ? groups : [[.own]] + groups
    }

    /// "geometric mean 1.20, worst 1.01 at NN 192x192x192, below 1.00 at 0 of 23".
    var summary: String? {
        guard let mean = geometricMean, let worst = rows.min(by: { $0.ratio! < $1.ratio! }) else { return nil }
        let below = rows.count { $0.ratio! < 1 }
        return
            "ours / best other: geometric mean \(format(mean, 3)), worst \(format(worst.ratio!, 3)) at \(worst.shape), below 1.00 at \(below) of \(rows.count)"
    }
}

/// OpenBLAS as Debian installs it.
func findOpenBLAS() throws -> Library {
    #if arch(arm64)
        let folder = "/usr/lib/aarch64-linux-gnu"
    #else
        let folder = "/usr/lib/x86_64-linux-gnu"
    #endif
    let candidates = [
        "\(folder)/openblas-pthread/libopenblas.so.0", "\(folder)/libopenblas.so.0", "/usr/lib64/libopenblas.so.0",
    ]
    guard let path = candidates.first(where: FileManager.default.fileExists(atPath:)) else {
        throw Failure("OpenBLAS is not installed: install libopenblas0, name a library by --peer NAME=PATH, or use --no-peers")
    }
    return Library(name: "openblas", path: path)
}
