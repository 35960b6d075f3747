import LanesMeasurement

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
            "Down the columns takes at least twice as long in a large matrix, and no more than half again as long in a small one.",
        figure: .curves(x: "n of n × n", y: "ns per number", logX: true, logY: true),
        predict: { profile in
            // Along the rows each addition waits for the one before, while the lines come in order.
            profile.floatAddition.map { [.alongRows: $0, .smallestColumnsOverRows: 1] } ?? [.smallestColumnsOverRows: 1]
        },
        leavesOut: [
            .alongRows: "only the additions are in it: lines that come later than they are needed are not"
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
                "Down the columns a number of the largest matrix takes \(text(found[.downColumns]!, 2)) ns, along the rows \(text(found[.alongRows]!, 2)): \(text(large)) times (\(text(small, 2)) times for the smallest). \(facts.floatAddition.map { found[.alongRows]! < 1.3 * $0 ? "Along the rows an addition that waits for the one before takes \(text($0, 2)) ns, which is nearly all of it: the lines come in time. " : "" } ?? "")Each line of \(facts.lineBytes) bytes holds \(facts.lineBytes / 4) neighbours of a row, and down a column each number is in another line: \(text(Double(facts.lineBytes) / found[.downColumns]!, 0)) GB/s of lines for the \(text(4 / found[.downColumns]!, 1)) of numbers. The sizes are powers of two, whose rows share sets of a cache; how much of it that is, is not taken apart here."
            )
        },
        remember: { found, _ in
            "Walking a large matrix down its columns takes \(text(found[.largestColumnsOverRows]!, 0)) times as long as along its rows."
        })
}
