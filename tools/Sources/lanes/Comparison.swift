import Foundation
import Measurement

/// GEMM over shapes, ours beside other libraries: every library in processes of its own, rounds interleaved.
struct Comparison: Codable {
    struct Row: Codable {
        var shape: Shape
        /// Every sample of every round, in nanoseconds per call.
        var nanoseconds: [String: [Double]]
        /// Median over rounds of each round's median.
        var gflops: [String: Double]
        /// Ours over the FMA peak of all threads at once, measured beside it; median over rounds.
        var shareOfPeak: Double
        /// Ours over the fastest other library; nil where there is none.
        var ratio: Double?
    }

    var machine: MachineRecord
    var type: ElementType
    var threads: Int
    var libraries: [Library]
    var rounds: Int
    /// Median over the run; `shareOfPeak` uses the one measured beside each shape.
    var peakGflops: Double
    var stealSeconds: Double?
    var rows: [Row]
    /// Geometric mean of the ratios.
    var geometricMean: Double?

    static func run(
        libraries: [Library], shapes: [Shape], type: ElementType, threads: Int = 1, rounds: Int, seconds: Double
    ) throws -> Comparison {
        let libraries = try libraries.map { try $0.asked() }
        let stealBefore = MachineRecord.stealSeconds()
        var medians: [String: [Shape: [Double]]] = [:]
        var samples: [String: [Shape: [Double]]] = [:]
        var peaks: [Double] = []
        var shares: [Shape: [Double]] = [:]
        let list = try JSONEncoder().encode(shapes)
        for round in 1...rounds {
            // Every library comes first in turn.
            for index in libraries.indices {
                let library = libraries[(index + round) % libraries.count]
                Progress.show("round \(round) of \(rounds): \(library.name), \(shapes.count) shapes")
                var arguments = [
                    "gemm-worker", "--type", type.rawValue, "--seconds", String(seconds), "--threads", String(threads),
                ]
                if let path = library.path { arguments += ["--library", path] }
                let data: Data
                do { data = try Worker.run(arguments, threads: threads, input: list, environment: library.environment) } catch {
                    throw Failure("\(library.name): \(error)")
                }
                for timing in try JSONDecoder().decode([GemmWorker.Timing].self, from: data) {
                    guard timing.errorOverBound <= 1 else {
                        throw Failure(
                            "\(library.name) gives a wrong result for \(timing.shape): \(format(timing.errorOverBound)) times the error bound"
                        )
                    }
                    medians[library.name, default: [:]][timing.shape, default: []].append(Statistics.median(timing.nanoseconds))
                    samples[library.name, default: [:]][timing.shape, default: []] += timing.nanoseconds
                    if let peak = timing.peakGflops {
                        peaks.append(peak)
                        shares[timing.shape, default: []].append(
                            timing.shape.flops / Statistics.median(timing.nanoseconds) / peak)
                    }
                }
            }
        }
        Progress.clear()
        let rows = shapes.map { shape in
            let gflops = Dictionary(
                uniqueKeysWithValues: libraries.map { ($0.name, shape.flops / Statistics.median(medians[$0.name]![shape]!)) })
            let best = gflops.filter { $0.key != Library.own.name }.values.max()
            return Row(
                shape: shape, nanoseconds: samples.mapValues { $0[shape]! }, gflops: gflops,
                shareOfPeak: Statistics.median(shares[shape]!),
                ratio: best.map { gflops[Library.own.name]! / $0 })
        }
        let ratios = rows.compactMap(\.ratio)
        return Comparison(
            machine: .current(), type: type, threads: threads, libraries: libraries, rounds: rounds,
            peakGflops: Statistics.median(peaks),
            stealSeconds: stealBefore.flatMap { before in MachineRecord.stealSeconds().map { $0 - before } }, rows: rows,
            geometricMean: ratios.isEmpty ? nil : Statistics.geometricMean(ratios))
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
