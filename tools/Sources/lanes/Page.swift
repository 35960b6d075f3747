import Foundation
import LanesMeasurement
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
