import Measurement

extension Quantity {
    fileprivate static let largestColumnsOverRows = Quantity("largest, columns over rows")
    fileprivate static let smallestColumnsOverRows = Quantity("smallest, columns over rows")
    fileprivate static let mostColumnsOverRows = Quantity("most, columns over rows")
    fileprivate static let alongRows = Quantity("along rows", "ns")
    fileprivate static let downColumns = Quantity("down columns", "ns")
}

extension Experiment {
    static let memoryLayout = Experiment(
        id: "memory-layout", title: "Rows or columns?",
        question: "The same sum over a row-major matrix, along its rows and down its columns.",
        hypothesis:
            "Down the columns is many times slower once the matrix is larger than the caches, and alike while it is small.",
        figure: .curves(x: "n of n × n", y: "ns per number", logX: true, logY: true),
        predict: { profile in [.largestColumnsOverRows: Double(profile.lineBytes / MemoryLayout<Float>.size)] },
        leavesOut: [
            .largestColumnsOverRows:
                "the bytes of a line over those of a number say what each walk fetches; the additions, prefetching, and rows that share sets of a cache are not in it"
        ],
        needs: .oneLane,
        measure: { lab in
            var observation = Observation()
            var rows = Series("along rows", unit: "ns")
            var columns = Series("down columns", unit: "ns")
            let sizes =
                lab.isQuick ? [32, 64, 128, 256, 512, 1024, 2048, 4096] : [32, 64, 128, 256, 512, 1024, 2048, 4096, 8192]
            let largest = sizes.last!
            let memory = ProbeMemory(byteCount: 4 * largest * largest)
            memory.fillWithNumbers()
            for n in sizes {
                let count = Double(n * n)
                rows.add(Double(n), lab.time { precondition(Probe.sumRows(memory, n, n).isFinite) }.map { $0 / count })
                columns.add(
                    Double(n), lab.time(samples: 5) { precondition(Probe.sumColumns(memory, n, n).isFinite) }.map { $0 / count }
                )
            }
            observation.series = [rows, columns]
            let ratios = zip(columns.points, rows.points).map { $0.y / $1.y }
            observation.numbers = [
                .smallestColumnsOverRows: ratios[0], .largestColumnsOverRows: ratios.last!,
                .mostColumnsOverRows: ratios.max()!,
                .alongRows: rows.points.last!.y, .downColumns: columns.points.last!.y,
            ]
            return observation
        },
        judge: { found, facts in
            let (small, large) = (found[.smallestColumnsOverRows]!, found[.largestColumnsOverRows]!)
            return (
                large > 2 && small < 1.5 ? .supported : .refuted,
                "Down the columns a number of the largest matrix takes \(text(found[.downColumns]!, 2)) ns, along the rows \(text(found[.alongRows]!, 2)): \(text(large)) times (\(text(small, 2)) times for the smallest). Each line of \(facts.lineBytes) bytes holds \(facts.lineBytes / 4) neighbours of a row\(large > 2 ? "; a walk down uses one of them at a time" : "").\(large > 1.3 * Double(facts.lineBytes / 4) ? " That explains \(facts.lineBytes / 4) times; the rest is not taken apart here (the sizes are powers of two, whose rows share sets of a cache)." : "")"
            )
        },
        remember: { found, _ in
            "Walking a large matrix down its columns takes \(text(found[.largestColumnsOverRows]!, 0)) times as long as along its rows."
        })
}
