import ArgumentParser
import Experiments
import Foundation

struct ReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report", abstract: "The laboratory's page from its JSON.",
        discussion: "Example: lanes report machine.json --out report/lab")

    @Argument(help: "What `lanes lab run --json` printed, or lab.json of a report.") var file: String
    @Option(help: "Folder for the page, the tables and the plot scripts.") var out = "report/lab"

    func run() throws {
        try Gnuplot.check()
        try LabReport.write(try LaboratoryFile.read(file), to: out)
        print("report: \(out)/index.html")
    }
}

enum LaboratoryFile {
    static func read(_ file: String) throws -> LaboratoryRecord {
        guard let data = FileManager.default.contents(atPath: file) else { throw Failure("cannot read '\(file)'") }
        do { return try JSONDecoder().decode(LaboratoryRecord.self, from: data) } catch {
            throw Failure("'\(file)' is no result of the laboratory: \(reason(error))")
        }
    }

    private static func reason(_ error: any Error) -> String {
        switch error as? DecodingError {
        case .keyNotFound(let key, let context):
            "\((context.codingPath + [key]).map(\.stringValue).joined(separator: ".")) is missing"
        case .typeMismatch(_, let context), .valueNotFound(_, let context):
            "\(context.codingPath.map(\.stringValue).joined(separator: ".")) is of another kind"
        default: "it is no JSON object of this kind"
        }
    }
}
