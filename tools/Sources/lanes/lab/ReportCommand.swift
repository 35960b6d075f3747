import ArgumentParser
import Foundation
import LanesExperiments

struct ReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report", abstract: "The laboratory's page from its JSON; of two runs, side by side.",
        discussion: """
            Examples: lanes report machine.json --out report/lab
                      lanes report mine.json yours.json --out report/both
            """)

    @Argument(help: "What `lanes lab run --json` printed, or lab.json of a report; one run, or two to set side by side.")
    var files: [String]
    @Option(help: "Folder for the page, the tables and the plot scripts.") var out = "report/lab"

    func validate() throws {
        guard (1...2).contains(files.count) else { throw ValidationError("expected one run or two, not \(files.count)") }
    }

    func run() throws {
        try Gnuplot.check()
        let records = try files.map { try LaboratoryFile.read($0) }
        if records.count == 1 {
            try LabReport.write(records[0], to: out)
        } else {
            try LabPair.write(records[0], records[1], names: (files[0], files[1]), to: out)
        }
        print("report: \(out)/index.html")
    }
}
