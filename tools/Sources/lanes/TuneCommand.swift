import ArgumentParser
import Foundation
import LanesMeasurement
import LanesParallel
import TextTable

struct TuneCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tune", abstract: "How good the plans of matrix products are on this machine, and what would mend them.",
        discussion: """
            For every shape the plan is timed in turns beside its alternatives: packed or in place, other tiles and blocks,
            other limits of the table of machines. The regret of a plan is its time over the time of the best alternative:
            1 where none is faster beyond noise. Runs on one thread.

            Examples:
              lanes tune
              lanes tune TN:700x700x700 16x1000x512 --seconds 10
              LANES_ISA=avx2 lanes tune --type f64 --json > tune.json
            """)

    @Argument(help: "Shapes as for 'lanes gemm'. Default: a set of \(PlanRegret.typical.count).") var shapes: [String] = []
    @Option(help: "Element type: f32 or f64.") var type = ElementType.f32
    @Option(help: "Seconds for all shapes together, 1 to 180.") var seconds = 120.0
    @Flag(help: "Print one JSON object with every alternative.") var json = false

    func validate() throws {
        guard seconds >= 1 && seconds <= 180 else { throw ValidationError("--seconds is 1 to 180, not \(seconds)") }
        for shape in shapes where Shape(argument: shape) == nil {
            throw ValidationError("'\(shape)' is not a shape such as 64x128x784, NT:64x128x784 or 512x512x512+3")
        }
    }

    func run() throws {
        let list = shapes.isEmpty ? PlanRegret.typical : shapes.map { Shape(argument: $0)!.product }
        Interrupt.watch()
        let regret = PlanRegret.measure(shapes: list, double: type == .f64, seconds: seconds) { done, shape in
            Progress.show("\(done) of \(list.count): \(shape)")
            return !Interrupt.wanted
        }
        Progress.clear()
        if Interrupt.wanted { throw Failure("interrupted; \(regret.rows.count) of \(list.count) shapes were measured") }
        if json { return try printJSON(regret) }
        let machine = regret.machine
        print("plans of \(machine.name)\(machine.isForced ? " (forced)" : ""), \(type.rawValue), one thread\n")
        let table = TextTable<PlanRegret.Row> { row in
            [
                Column(title: "op m x n x k", value: row.shape.description, align: .left),
                Column(title: "GFLOP/s", value: format(row.gflops), align: .right),
                Column(title: "tried", value: "\(row.alternatives.count)", align: .right),
                Column(title: "regret", value: format(row.regret, 3), align: .right),
                Column(title: "faster", value: row.best ?? "", align: .left),
            ]
        }
        print(table.string(for: regret.rows)!)
        let worst = regret.rows.max { $0.regret < $1.regret }!
        print(
            "regret: geometric mean \(format(regret.geometricMean, 3)), worst \(format(regret.worst, 3))"
                + (worst.regret > 1 ? " at \(worst.shape)" : ""))
        if regret.changes.isEmpty {
            print("no other limit in the row of \(machine.name) gains by more than noise without losing somewhere")
        } else {
            print("\nin the row of \(machine.name) (CKernels/cpu/cpu_machine_table.c) these would gain:")
            for change in regret.changes {
                print(
                    "    .\(change.limit) = \(change.value),  // \(format(change.gain, 3)) over \(change.shapes) shape\(change.shapes == 1 ? "" : "s"), least \(format(change.least, 3))"
                )
            }
        }
    }
}
