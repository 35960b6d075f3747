import Foundation
import LanesMeasurement
import Synchronization

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
