import Foundation
import LanesExperiments
import LanesMeasurement

/// The page of `lanes study`: one file, no script, light and dark.
enum Report {
    static func page(_ study: StudyCommand.Output) throws -> String {
        let gemm = study.gemm
        let layer = study.layer
        let machine = study.machine
        let facts = [
            ("Processor", machine.processor), ("Instruction set in use", machine.instructionSet),
            ("Usable processors", "\(machine.usableProcessors.count) of \(machine.installedProcessors)"),
            ("Caches", machine.caches.map { "L\($0.level) \($0.kind) \($0.kibibytes) KiB" }.joined(separator: ", ")),
            ("Compared with", gemm.libraries.filter { $0 != .own }.map { $0.description ?? $0.name }.joined(separator: "; ")),
            ("Hypervisor", machine.hypervisor),
            ("Stolen by the hypervisor", gemm.stealSeconds.map { "\(format($0, 2)) s during the comparison" } ?? "unknown"),
            ("Huge pages", machine.hugePages), ("Measured", machine.date),
        ].map { "<tr><th scope=row>\($0.0)</th><td>\(Page.escape($0.1))</td></tr>" }.joined(separator: "\n")
        return Page.html(
            title: "swift-lanes: a study of this machine",
            body: """
                <h1>A study of this machine</h1>
                <p class="lead">\(Page.escape(machine.processor)), one thread, single precision, \(Page.escape(machine.instructionSet)) kernels</p>

                <div class="numbers">
                <p><b>\(format(layer.otherWithPasses / layer.ownFused, 2))×</b>a network's first layer, beside \(Page.escape(layer.other)) with two passes</p>
                <p><b>\(gemm.geometricMean.map { format($0, 2) } ?? "–")×</b>the matrix product, beside the fastest other library, geometric mean of \(gemm.rows.count) shapes</p>
                <p><b>\(format(gemm.peakGflops, 0))</b>GFLOP/s: measured peak of the multiply-add pipes</p>
                <p><b>\(format(100 * study.training.testAccuracy, 1))%</b>of test images read right after \(format(study.training.seconds, 1)) s of training</p>
                <p><b>\(study.laboratory.experiments.count { $0.verdict == .supported }) of \(study.laboratory.experiments.count)</b>hypotheses of the laboratory supported on this machine</p>
                </div>

                <h2>The matrix product over its size</h2>
                <figure>
                \(try plot(gemm))
                <figcaption>Square products C = A·B in GFLOP/s, median over \(gemm.rounds) rounds; \(gemm.libraries.contains(where: \.isApart) ? "libraries ran in turns in one process, but \(gemm.libraries.filter(\.isApart).map { Page.escape($0.name) }.joined(separator: " and ")), which could not share one" : "libraries ran in turns in one process"). The line is the measured peak, which no product can pass.</figcaption>
                </figure>

                <h2>A layer on real images</h2>
                <p>relu(X·W + b) for \(layer.imageCount) images, \(layer.inputCount) inputs, 128 outputs, 64 images at a time. The largest difference between the two libraries' \(layer.outputCount) results is \(format(100 * layer.differenceOverBound, 1))% of what their error bounds allow.</p>
                <div class="scroll"><table>
                <tr><th>µs for a batch</th><th>product alone</th><th>with bias and ReLU</th></tr>
                <tr><th scope=row>lanes, fused</th><td>\(format(layer.ownProduct / 1000, 2))</td><td>\(format(layer.ownFused / 1000, 2))</td></tr>
                <tr><th scope=row>\(Page.escape(layer.other)), two passes</th><td>\(format(layer.otherProduct / 1000, 2))</td><td>\(format(layer.otherWithPasses / 1000, 2))</td></tr>
                </table></div>

                <h2>All shapes</h2>
                <p>GFLOP/s. The letters say which operand is stored transposed. The last columns are our share of the measured peak, and ours over the fastest other library.</p>
                \(table(gemm))
                \(study.gemmTwoThreads.map(twoThreads) ?? "")

                \(try training(study.training))

                <h2>The machine</h2>
                <table class="facts">
                \(facts)
                </table>
                <p class="lead">Figures are medians and hold for this machine and this run; compare ratios, not runs. Every sample is in study.json beside this page.</p>
                \(try LabReport.body(study.laboratory))
                """)
    }

    private static func training(_ training: TrainCommand.Output) throws -> String {
        var loss = Series("loss", unit: "")
        var accuracy = Series("right in training", unit: "%")
        var validation = Series("right of 128 test images", unit: "%")
        for epoch in training.epochs {
            loss.add(Double(epoch.epoch), [epoch.loss])
            accuracy.add(Double(epoch.epoch), [100 * epoch.accuracy])
            validation.add(Double(epoch.epoch), [100 * epoch.validationAccuracy])
        }
        let terminal =
            "set terminal svg size 860,330 dynamic enhanced font 'sans-serif,13' background '#ffffff'\nset multiplot layout 1,2\n"
        let curves =
            terminal + LabFigure.panel([loss], .curves(x: "epoch", y: "loss")) + "reset\n"
            + LabFigure.panel([accuracy, validation], .curves(x: "epoch", y: "%"), range: "set yrange [*:100]\n")
            + "unset multiplot\n"
        let classes = training.confusion.indices
        let rows = training.confusion.enumerated().map { actual, row in
            "<tr><th scope=row>\(actual)</th>"
                + row.enumerated().map { "<td\($0 == actual ? " class=best" : "")>\($1)</td>" }.joined() + "</tr>"
        }
        return """
            <h2>Training on real images</h2>
            <p>784 → 128 → 64 → \(classes.count) on \(Page.escape(training.origin)): \(training.epochs.count) epochs in \(format(training.seconds, 2)) s on \(training.threads) thread(s), \(Int(training.samplesPerSecond)) images a second, \(format(100 * training.shareOfPeak, 0))% of the measured peak. \(format(100 * training.testAccuracy, 2))% of the test images are read right. The model has the same bytes for any number of threads and on any instruction set.</p>
            <figure>
            \(try Gnuplot.svg(curves, title: "Loss and accuracy of each epoch"))
            <figcaption>Loss and accuracy of each epoch.</figcaption>
            </figure>
            <h3>Of each class (rows), taken for each class (columns)</h3>
            <div class="scroll"><table>
            <tr><th></th>\(classes.map { "<th>\($0)</th>" }.joined())</tr>
            \(rows.joined(separator: "\n"))
            </table></div>
            """
    }

    private static func twoThreads(_ gemm: Comparison) -> String {
        """

        <h2>Two threads</h2>
        <p>GFLOP/s of every library on two threads in processes of its own, bound to two processors. The peak is that of both at once, \(format(gemm.peakGflops, 0)) GFLOP/s; where it is far below twice the peak of one, the two share a core. The results have the same bits as on one thread.</p>
        \(table(gemm))
        """
    }

    private static func table(_ gemm: Comparison) -> String {
        let header = gemm.libraries.map { "<th>\(Page.escape($0.name))</th>" }.joined()
        let rows = gemm.rows.map { row in
            let best = row.gflops.values.max()
            let cells = gemm.libraries.map { library -> String in
                let value = row.gflops[library.name]!
                return "<td\(value == best ? " class=best" : "")>\(format(value))</td>"
            }.joined()
            return
                "<tr><th scope=row>\(Page.escape(row.shape.description))</th>\(cells)<td>\(format(100 * row.shareOfPeak, 0))%</td><td>\(row.ratio.map { format($0, 2) } ?? "–")</td></tr>"
        }.joined(separator: "\n")
        return """
            <div class="scroll"><table>
            <tr><th>op m × n × k</th>\(header)<th>of peak</th><th>ratio</th></tr>
            \(rows)
            </table></div>
            """
    }

    /// GFLOP/s over size as SVG, drawn by gnuplot.
    private static func plot(_ gemm: Comparison) throws -> String {
        let squares = gemm.rows.filter { $0.shape.isSquare }
        var script = """
            set terminal svg size 860,430 dynamic enhanced font 'sans-serif,13' background '#ffffff'
            set logscale x 2
            set xlabel 'n of an n × n × n product'
            set ylabel 'GFLOP/s'
            set xrange [\(squares.map(\.shape.n).min() ?? 1):\(squares.map(\.shape.n).max() ?? 2)]
            set yrange [0:\(gemm.peakGflops * 1.12)]
            set key bottom right Left reverse
            set grid back lc '#dddddd'
            set border 3
            set tics nomirror
            """
        for (index, library) in gemm.libraries.enumerated() {
            script += "\n$data\(index) << END\n"
            script += squares.map { "\($0.shape.n) \($0.gflops[library.name]!)" }.joined(separator: "\n")
            script += "\nEND"
        }
        let curves = gemm.libraries.enumerated().map { index, library in
            "$data\(index) with linespoints lw \(index == 0 ? 3 : 2) dt \(index + 1) pt \(Gnuplot.points[index % Gnuplot.points.count]) ps 0.6 lc '\(Gnuplot.colors[index % Gnuplot.colors.count])' title \(Gnuplot.quoted(library.name))"
        }
        script +=
            "\nplot \(gemm.peakGflops) with lines lw 2 dt 2 lc '#555555' title 'measured FMA peak', \(curves.joined(separator: ", "))\n"

        return try Gnuplot.svg(script, title: "The matrix product over its size")
    }
}
