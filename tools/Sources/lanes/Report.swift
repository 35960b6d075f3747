import Foundation
import Measurement

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
            ("Hypervisor", machine.hypervisor),
            ("Stolen by the hypervisor", gemm.stealSeconds.map { "\(format($0, 2)) s during the comparison" } ?? "unknown"),
            ("Huge pages", machine.hugePages), ("Measured", machine.date),
        ].map { "<tr><th scope=row>\($0.0)</th><td>\(escape($0.1))</td></tr>" }.joined(separator: "\n")
        return """
            <!doctype html>
            <html lang="en">
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>swift-lanes: a study of this machine</title>
            <style>
            :root { color-scheme: light dark; --ink: #1d1d1f; --paper: #ffffff; --faint: #6e6e73; --line: #d2d2d7; --mark: #0b6bcb; }
            @media (prefers-color-scheme: dark) { :root { --ink: #f5f5f7; --paper: #161617; --faint: #a1a1a6; --line: #424245; --mark: #66b2ff; } }
            body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 56rem; margin: 2rem auto; padding: 0 1rem; }
            h1 { font-size: 1.7rem; margin-bottom: 0; } h2 { font-size: 1.2rem; margin-top: 2.5rem; }
            p.lead { color: var(--faint); margin-top: .25rem; }
            .scroll { overflow-x: auto; }
            table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
            th, td { padding: .2rem .9rem .2rem 0; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
            th:first-child { text-align: left; font-weight: 500; } table.facts td { text-align: left; white-space: normal; }
            td.best { color: var(--mark); font-weight: 600; }
            figure { margin: 1rem 0; } svg { width: 100%; height: auto; background: #ffffff; border-radius: 6px; }
            .numbers { display: flex; flex-wrap: wrap; gap: 1.5rem 3rem; } .numbers b { display: block; font-size: 1.9rem; font-weight: 600; color: var(--mark); }
            @media print { body { margin: 0; max-width: none; } }
            </style>
            <h1>A study of this machine</h1>
            <p class="lead">\(escape(machine.processor)), one thread, single precision, \(escape(machine.instructionSet)) kernels</p>

            <div class="numbers">
            <p><b>\(format(layer.otherWithPasses / layer.ownFused, 2))×</b>a network's first layer, beside \(escape(layer.other)) with two passes</p>
            <p><b>\(gemm.geometricMean.map { format($0, 2) } ?? "–")×</b>the matrix product, beside the fastest other library, geometric mean of \(gemm.rows.count) shapes</p>
            <p><b>\(format(gemm.peakGflops, 0))</b>GFLOP/s: measured peak of the multiply-add pipes</p>
            </div>

            <h2>The matrix product over its size</h2>
            <figure>
            \(try plot(gemm))
            <figcaption>Square products C = A·B in GFLOP/s, median over \(gemm.rounds) interleaved rounds; every library ran alone in processes of its own. The line is the measured peak, which no product can pass.</figcaption>
            </figure>

            <h2>A layer on real images</h2>
            <p>relu(X·W + b) for \(layer.imageCount) images, \(layer.inputCount) inputs, 128 outputs, 64 images at a time. The largest difference between the two libraries' \(layer.outputCount) results is \(format(100 * layer.differenceOverBound, 1))% of what their error bounds allow.</p>
            <div class="scroll"><table>
            <tr><th>µs for a batch</th><th>product alone</th><th>with bias and ReLU</th></tr>
            <tr><th scope=row>lanes, fused</th><td>\(format(layer.ownProduct / 1000, 2))</td><td>\(format(layer.ownFused / 1000, 2))</td></tr>
            <tr><th scope=row>\(escape(layer.other)), two passes</th><td>\(format(layer.otherProduct / 1000, 2))</td><td>\(format(layer.otherWithPasses / 1000, 2))</td></tr>
            </table></div>

            <h2>All shapes</h2>
            <p>GFLOP/s. The letters say which operand is stored transposed. The last columns are our share of the measured peak, and ours over the fastest other library.</p>
            \(table(gemm))
            \(study.gemmTwoThreads.map(twoThreads) ?? "")

            <h2>The machine</h2>
            <table class="facts">
            \(facts)
            </table>
            <p class="lead">Figures are medians and hold for this machine and this run; compare ratios, not runs. Every sample is in study.json beside this page.</p>
            </html>
            """
    }

    private static func twoThreads(_ gemm: Comparison) -> String {
        """

        <h2>Two threads</h2>
        <p>GFLOP/s of every library on two threads, bound to two processors. The peak is that of both at once, \(format(gemm.peakGflops, 0)) GFLOP/s; where it is far below twice the peak of one, the two share a core. The results have the same bits as on one thread.</p>
        \(table(gemm))
        """
    }

    private static func table(_ gemm: Comparison) -> String {
        let header = gemm.libraries.map { "<th>\(escape($0.name))</th>" }.joined()
        let rows = gemm.rows.map { row in
            let best = row.gflops.values.max()
            let cells = gemm.libraries.map { library -> String in
                let value = row.gflops[library.name]!
                return "<td\(value == best ? " class=best" : "")>\(format(value))</td>"
            }.joined()
            return
                "<tr><th scope=row>\(escape(row.shape.description))</th>\(cells)<td>\(format(100 * row.shareOfPeak, 0))%</td><td>\(row.ratio.map { format($0, 2) } ?? "–")</td></tr>"
        }.joined(separator: "\n")
        return """
            <div class="scroll"><table>
            <tr><th>op m × n × k</th>\(header)<th>of peak</th><th>ratio</th></tr>
            \(rows)
            </table></div>
            """
    }

    /// Fails before anything is measured where the plot could not be drawn afterwards.
    static func checkForGnuplot() throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["gnuplot", "--version"]
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Failure("gnuplot does not run: install gnuplot-nox") }
    }

    private static func escape(_ text: String) -> String {
        text.replacingOccurrences(of: "&", with: "&amp;").replacingOccurrences(of: "<", with: "&lt;")
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
            set key center right Left reverse
            set grid back lc '#dddddd'
            set border 3
            set tics nomirror
            """
        for (index, library) in gemm.libraries.enumerated() {
            script += "\n$data\(index) << END\n"
            script += squares.map { "\($0.shape.n) \($0.gflops[library.name]!)" }.joined(separator: "\n")
            script += "\nEND"
        }
        let colors = ["#0b6bcb", "#d1590b", "#3a8f4d", "#8a4fbf", "#b5860b", "#c2306b"]
        let curves = gemm.libraries.enumerated().map { index, library in
            "$data\(index) with linespoints lw \(index == 0 ? 3 : 2) pt 7 ps 0.5 lc '\(colors[index % colors.count])' title '\(library.name.replacingOccurrences(of: "'", with: "").replacingOccurrences(of: "_", with: "\\_"))'"
        }
        script +=
            "\nplot \(gemm.peakGflops) with lines lw 2 dt 2 lc '#555555' title 'measured FMA peak', \(curves.joined(separator: ", "))\n"

        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["gnuplot"]
        let input = Pipe()
        let output = Pipe()
        let errors = Pipe()
        (process.standardInput, process.standardOutput, process.standardError) = (input, output, errors)
        do { try process.run() } catch {
            throw Failure("cannot run gnuplot (install gnuplot-nox): \(error.localizedDescription)")
        }
        input.fileHandleForWriting.write(Data(script.utf8))
        try? input.fileHandleForWriting.close()
        let svg = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0, let start = svg.range(of: "<svg") else {
            let message = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            throw Failure("gnuplot failed (install gnuplot-nox): \(message.trimmingCharacters(in: .whitespacesAndNewlines))")
        }
        return String(svg[start.lowerBound...])
    }
}
