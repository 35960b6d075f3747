import ArgumentParser
import Foundation
import LanesMeasurement
import LanesParallel
import TextTable

struct GemmCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gemm", abstract: "The matrix product beside OpenBLAS or any library with CBLAS.",
        discussion: """
            On one thread the libraries share a process and take turns of a millisecond, so that all run under the same conditions; one
            that cannot share is named as apart. On more threads every library has processes of its own, bound to as many
            processors, rounds interleaved: threads that spin disturb others. Every element of a result is checked before
            anything is timed. The figures are GFLOP/s, medians over rounds; ours / best other is the smallest median of the
            quotients of turns. Only ratios within one run mean much.

            Products keep subnormal numbers (below 2^-126 in f32, 2^-1022 in f64), which some processors multiply slowly;
            --subnormals shows what they cost here. A thread that has set flush-to-zero or denormals-are-zero has its products
            done in that mode, on every lane, and its mode is left as it was.

            Examples:
              lanes gemm
              lanes gemm 64x128x784 NT:500x500x500 512x512x512+512
              lanes gemm --shapes shapes.txt --rounds 5 --peer mkl=/opt/mkl/libmkl_rt.so --peer blis=/usr/lib/libblis.so.4
              lanes gemm --type f64 --json > f64.json
              lanes gemm --threads 2 128x128x128 1024x1024x1024
              lanes gemm --subnormals 256x256x256
              lanes gemm --explain TN:700x700x700
              LANES_MACHINE=golden-cove lanes gemm --explain TN:700x700x700
            """)

    @Argument(
        help: "Shapes MxNxK, NT:MxNxK (transposed operands), MxNxK+PAD (longer leading dimensions). Default: a set of 23.")
    var shapes: [String] = []

    @Option(name: .customLong("shapes"), help: "A file of lines 'NN m n k [padding] [beta]'.") var file: String?
    @Option(help: "Element type: f32 or f64.") var type = ElementType.f32
    @Option(name: .customLong("peer"), help: "A library to compare with, NAME=PATH; may be repeated. Default: OpenBLAS.")
    var peers: [String] = []
    @Flag(help: "Measure without other libraries.") var noPeers = false
    @Option(help: "Threads of each library.") var threads = 1
    @Option(help: "Rounds over all libraries.") var rounds = 3
    @Option(help: "Seconds for each shape and round.") var seconds = 0.05
    @Flag(help: "Fill A with subnormal numbers, to see what they cost.") var subnormals = false
    @Flag(help: "Say how each product is planned on this machine, and why, instead of timing it.") var explain = false
    @Flag(help: "Print one JSON object with every sample.") var json = false

    func validate() throws {
        let usable = MachineRecord.current().usableProcessors.count
        guard threads >= 1 && threads <= usable else {
            throw ValidationError(
                "--threads is between 1 and the \(usable) processors that this process may use, not \(threads)")
        }
        guard rounds >= 1 else { throw ValidationError("--rounds is at least 1, not \(rounds)") }
        guard seconds > 0 && seconds <= 60 else { throw ValidationError("--seconds is above 0 and at most 60, not \(seconds)") }
        guard !noPeers || peers.isEmpty else { throw ValidationError("--no-peers and --peer exclude each other") }
        guard file == nil || shapes.isEmpty else { throw ValidationError("give shapes as arguments or by --shapes, not both") }
        for shape in shapes where Shape(argument: shape) == nil {
            throw ValidationError(
                "'\(shape)' is not a shape such as 64x128x784, NT:64x128x784 or 512x512x512+3, of matrices up to 2 GiB")
        }
        if let complaint = Library.complaint(about: peers) { throw ValidationError(complaint) }
    }

    func run() throws {
        let list =
            try file.map { try Shape.list(file: $0) } ?? (shapes.isEmpty ? Shape.defaults : shapes.map { Shape(argument: $0)! })
        if explain { return try printExplanations(list) }
        let others = noPeers ? [] : peers.isEmpty ? [try findOpenBLAS()] : peers.map { Library(argument: $0)! }
        let comparison = try Comparison.run(
            libraries: [.own] + others, shapes: list, type: type, threads: threads, rounds: rounds, seconds: seconds,
            subnormals: subnormals)
        if json {
            try printJSON(comparison)
        } else {
            print(comparisonTable(comparison))
        }
    }
}

extension GemmCommand {
    struct Explanation: Encodable {
        let shape: Shape
        let decisions: [String: String]
    }

    fileprivate func printExplanations(_ shapes: [Shape]) throws {
        let pool = WorkerPool.shared
        let note = MachineDescription.current().note
        let texts = shapes.map { shape in
            shape.product.explanation(
                double: type == .f64, lanes: pool.lanes, regionNanoseconds: Double(pool.regionNanoseconds ?? 0))
        }
        guard json else {
            if !note.isEmpty { print("note      \(note)\n") }
            for (shape, text) in zip(shapes, texts) { print("\(shape)\n\(text)") }
            return
        }
        try printJSON(
            zip(shapes, texts).map { shape, text in
                let lines = text.split(separator: "\n").map { $0.split(separator: " ", maxSplits: 1) }
                return Explanation(
                    shape: shape,
                    decisions: Dictionary(
                        uniqueKeysWithValues: lines.map {
                            (String($0[0]), $0[1].trimmingCharacters(in: .whitespaces))
                        }))
            })
    }
}

func comparisonTable(_ comparison: Comparison) -> String {
    let table = TextTable<Comparison.Row> { row in
        [Column(title: "op m x n x k", value: row.shape.description, align: .left)]
            + comparison.libraries.map { Column(title: $0.name, value: format(row.gflops[$0.name]!), align: .right) }
            + [
                Column(title: "of peak", value: format(100 * row.shareOfPeak, 0) + "%", align: .right),
                Column(title: "ours / best other", value: row.ratio.map { format($0, 3) } ?? "–", align: .right),
            ]
    }
    var text =
        "GFLOP/s, \(comparison.type.rawValue), \(comparison.threads == 1 ? "one thread" : "\(comparison.threads) threads"), \(comparison.machine.instructionSet) on \(comparison.machine.processor)\n"
    if comparison.subnormals { text += "A holds subnormal numbers\n" }
    text += "measured FMA peak \(format(comparison.peakGflops)) GFLOP/s"
    if let steal = comparison.stealSeconds { text += "; stolen by the hypervisor during the run: \(format(steal, 2)) s" }
    for line in comparison.libraries.compactMap(\.description) { text += "\n\(line)" }
    text += "\n\n" + table.string(for: comparison.rows)!
    if let summary = comparison.summary { text += "\n" + summary }
    return text
}
