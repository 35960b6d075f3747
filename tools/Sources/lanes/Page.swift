import Foundation
import Measurement
import Synchronization

/// What the pages share: one file, no script, light and dark, legible on a phone and on paper.
enum Page {
    static func html(title: String, body: String) -> String {
        """
        <!doctype html>
        <html lang="en">
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>\(escape(title))</title>
        <style>
        :root { color-scheme: light dark; --ink: #1d1d1f; --paper: #ffffff; --faint: #6e6e73; --line: #d2d2d7; --mark: #0b6bcb; --good: #1a7f37; --bad: #b3261e; }
        @media (prefers-color-scheme: dark) { :root { --ink: #f5f5f7; --paper: #161617; --faint: #a1a1a6; --line: #424245; --mark: #66b2ff; --good: #57c478; --bad: #ff8a80; } }
        body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 56rem; margin: 2rem auto; padding: 0 1rem; }
        h1 { font-size: 1.7rem; margin-bottom: 0; } h2 { font-size: 1.2rem; margin-top: 2.5rem; } h3 { font-size: 1rem; margin-bottom: .3rem; }
        p.lead, figcaption, caption { color: var(--faint); margin-top: .25rem; } caption { text-align: left; padding-bottom: .3rem; }
        p.remember { border-left: 4px solid var(--mark); padding-left: .8rem; font-size: 1.1rem; font-weight: 500; }
        ol.findings { padding-left: 1.6rem; } ol.findings li::marker { font-size: 1.3rem; font-weight: 600; color: var(--mark); } ol.findings p { font-size: 1.3rem; line-height: 1.35; margin-bottom: .4rem; } ol.findings p a { font-size: 1rem; white-space: nowrap; }
        summary { cursor: pointer; color: var(--mark); } :focus-visible { outline: 3px solid var(--mark); outline-offset: 2px; }
        .pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(26rem, 100%), 1fr)); gap: 1rem 2rem; } .pair h3 { margin-top: .3rem; }
        .scroll { overflow-x: auto; } a { color: var(--mark); }
        table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
        th, td { padding: .2rem .9rem .2rem 0; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
        th:first-child { text-align: left; font-weight: 500; } table.facts td, table.facts th { text-align: left; white-space: normal; }
        table.verdicts td, table.verdicts th { text-align: left; white-space: normal; } .supported { color: var(--good); font-weight: 600; } .refuted { color: var(--bad); font-weight: 600; } .notTestable { color: var(--faint); }
        td.best { color: var(--mark); font-weight: 600; } pre { overflow-x: auto; line-height: 1.15; }
        figure { margin: 1rem 0; } svg { width: 100%; height: auto; background: #ffffff; border-radius: 6px; }
        .numbers { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: 1.5rem 2rem; } .numbers b { display: block; font-size: 1.9rem; font-weight: 600; color: var(--mark); }
        @media (max-width: 40rem) {
        table.verdicts tr, table.verdicts th, table.verdicts td { display: block; border: 0; padding: 0; white-space: normal; } table.verdicts tr { padding: .6rem 0; border-bottom: 1px solid var(--line); } table.verdicts tr:first-child { display: none; }
        th:first-child { white-space: normal; } figure { overflow-x: auto; } svg { min-width: 44rem; } figcaption { position: sticky; left: 0; }
        }
        @media print { body { margin: 0; max-width: none; font-size: 11pt; } figure, tr, ol.findings li { break-inside: avoid; } h2, h3, p.remember { break-after: avoid; } details { display: none; } :root { color-scheme: light; --ink: #000000; --paper: #ffffff; --faint: #444444; --line: #999999; --mark: #000000; --good: #000000; --bad: #000000; } }
        </style>
        \(body)
        </html>

        """
    }

    /// A part that may be wider than the page: it can be reached and scrolled by keys, and says what it is.
    static func scrolling(_ name: String, _ content: String) -> String {
        "<div class=scroll tabindex=0 role=region aria-label=\"\(escape(name))\">\n\(content)\n</div>"
    }

    /// Text as it stands between tags or in a quoted attribute.
    static func escape(_ text: String) -> String {
        text.replacingOccurrences(of: "&", with: "&amp;").replacingOccurrences(of: "<", with: "&lt;")
            .replacingOccurrences(of: ">", with: "&gt;").replacingOccurrences(of: "\"", with: "&quot;")
            .replacingOccurrences(of: "'", with: "&#39;")
    }
}

/// Plots, by Debian's gnuplot-nox.
enum Gnuplot {
    /// The picture that a script draws, as SVG to be put into a page, with a title for who cannot see it. Points with a text show it as their
    /// tooltip. Script, picture and messages go through files in a folder that is ours alone: with pipes each side could wait for the other.
    static func svg(_ script: String, title: String) throws -> String {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let (input, output, errors) = (folder.file("plot.gp"), folder.file("plot.svg"), folder.file("messages"))
        try Data(script.utf8).write(to: input)
        for file in [output, errors] { try Data().write(to: file) }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["gnuplot"]
        process.standardInput = try FileHandle(forReadingFrom: input)
        process.standardOutput = try FileHandle(forWritingTo: output)
        process.standardError = try FileHandle(forWritingTo: errors)
        do { try process.run() } catch {
            throw Failure("cannot run gnuplot (install gnuplot-nox): \(error.localizedDescription)")
        }
        process.waitUntilExit()
        let svg = String(decoding: try Data(contentsOf: output), as: UTF8.self)
        guard process.terminationStatus == 0, let start = svg.range(of: "<svg") else {
            let message = String(decoding: try Data(contentsOf: errors), as: UTF8.self)
            throw Failure("gnuplot failed (install gnuplot-nox): \(message.trimmingCharacters(in: .whitespacesAndNewlines))")
        }
        return readable(String(svg[start.lowerBound...]), title: title)
    }

    private static let pictures = Mutex(0)

    // Gnuplot shows the texts of points by a script that a page does not have, names unnamed plots after themselves, and gives all pictures
    // the same ids.
    private static func readable(_ svg: String, title: String) -> String {
        let number = pictures.withLock { count in
            count += 1
            return count
        }
        func replace(_ text: String, _ pattern: String, _ by: String) -> String {
            text.replacingOccurrences(of: pattern, with: by, options: .regularExpression)
        }
        var svg = replace(
            svg,
            #"<g onmousemove="gnuplot_svg\.showHypertext\(evt,'([^"<>]*)'\)" onmouseout="gnuplot_svg\.hideHypertext\(\)"><title> </title>"#,
            "<g><title>$1</title>")
        svg = replace(svg, #" on[a-z]+="[^"]*""#, "")
        svg = replace(svg, "<title>gnuplot_plot_[0-9a-z]*</title>", "")
        svg = replace(svg, #"\bid=(['"])"#, "id=$1p\(number)-")
        svg = replace(svg, #"href=(['"])#"#, "href=$1#p\(number)-")
        svg = replace(svg, #"url\(#"#, "url(#p\(number)-")
        // Plain text: a dollar sign or a backslash would mean something in a replacement.
        let name = Page.escape(plain(title)).replacingOccurrences(of: "$", with: "")
        svg = replace(svg, "<title>Gnuplot</title>", "")
        svg = replace(svg, "<desc>[^<]*</desc>", "")
        return replace(svg, "^<svg", "<svg role=\"img\" aria-label=\"\(name)\"")
    }

    /// Text that ends no string, no line and no data block of gnuplot, and starts no command of its or of the shell's.
    static func plain(_ text: String) -> String {
        let replaced: [Character: Character] = ["&": "+", "'": "’", "\"": "”", "`": "’", "\\": "/", "<": "‹", ">": "›"]
        return String(
            text.prefix(200).map { character in
                character.unicodeScalars.contains { $0.properties.generalCategory == .control || $0.properties.isWhitespace }
                    ? " " : replaced[character] ?? character
            })
    }

    /// Text as gnuplot takes it between single quotes, with nothing that it would take for markup.
    static func quoted(_ text: String) -> String {
        "'" + plain(text).replacingOccurrences(of: "_", with: "\\_") + "'"
    }

    /// Several lines of text as gnuplot takes them between double quotes.
    static func quoted(lines: [String]) -> String {
        "\"" + lines.map { plain($0).replacingOccurrences(of: "_", with: "\\\\_") }.joined(separator: "\\n") + "\""
    }

    /// Told apart by what they are drawn with, too: dashes, points and patterns, for paper without colours.
    static let points = [7, 5, 9, 11, 13, 6]
    static let patterns = [3, 1, 4, 5, 2, 6]
    static let colors = ["#0b6bcb", "#d1590b", "#3a8f4d", "#8a4fbf", "#b5860b", "#c2306b"]

    /// Fails before anything is measured where the plot could not be drawn afterwards.
    static func check() throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["gnuplot", "--version"]
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Failure("gnuplot does not run: install gnuplot-nox") }
    }
}
