import ArgumentParser
import Foundation

/// One line on standard error that is overwritten by the next, where standard error is a terminal.
enum Progress {
    static let isShown = isatty(2) == 1

    static func show(_ text: String) {
        guard isShown else { return }
        FileHandle.standardError.write(Data("\r\u{1B}[K\(text)".utf8))
    }

    static func clear() { show("") }
}
