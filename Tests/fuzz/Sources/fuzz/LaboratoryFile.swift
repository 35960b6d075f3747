import Foundation
import LanesExperiments

/// What `lanes lab run --json` printed, read from a file that may come from anywhere.
enum LaboratoryFile {
    static func read(_ file: String) throws -> LaboratoryRecord {
        guard let data = FileManager.default.contents(atPath: file) else { throw Failure("cannot read '\(file)'") }
        let record: LaboratoryRecord
        do { record = try JSONDecoder().decode(LaboratoryRecord.self, from: data) } catch {
            throw Failure("'\(file)' is no result of the laboratory: \(reason(error))")
        }
        return try checked(record, file)
    }

    // A file may come from anywhere. Experiments are those that this program knows, for their names become names of files; and no text holds
    // what would move a terminal's cursor.
    private static func checked(_ record: LaboratoryRecord, _ file: String) throws -> LaboratoryRecord {
        let known = Set(Experiment.all.map(\.id))
        var seen: Set<String> = []
        for finding in record.experiments {
            guard known.contains(finding.id) else {
                throw Failure("'\(file)' holds an experiment that is not known: '\(plain(finding.id))'")
            }
            guard seen.insert(finding.id).inserted else {
                throw Failure("'\(file)' holds the experiment '\(finding.id)' twice")
            }
        }
        var record = record
        let machine = record.machine
        (record.machine.processor, record.machine.instructionSet) = (plain(machine.processor), plain(machine.instructionSet))
        (record.machine.hypervisor, record.machine.hugePages) = (plain(machine.hypervisor), plain(machine.hugePages))
        (record.machine.system, record.machine.compiler) = (plain(machine.system), plain(machine.compiler))
        (record.machine.date, record.machine.commit) = (plain(machine.date), machine.commit.map(plain))
        record.peers = record.peers?.map(plain)
        for index in record.experiments.indices {
            var finding = record.experiments[index]
            (finding.title, finding.question) = (plain(finding.title), plain(finding.question))
            (finding.hypothesis, finding.explanation) = (plain(finding.hypothesis), plain(finding.explanation))
            finding.remember = finding.remember.map(plain)
            finding.notes = finding.notes.map(plain)
            (finding.figure.x, finding.figure.y) = (plain(finding.figure.x), plain(finding.figure.y))
            for number in finding.prediction.indices {
                finding.prediction[number].quantity = plain(finding.prediction[number].quantity)
            }
            finding.series = finding.series.map { series in
                var series = series
                (series.name, series.unit) = (plain(series.name), plain(series.unit))
                for point in series.points.indices { series.points[point].label = series.points[point].label.map(plain) }
                return series
            }
            record.experiments[index] = finding
        }
        return record
    }

    private static func plain(_ text: String) -> String {
        String(text.map { $0.unicodeScalars.contains { $0.properties.generalCategory == .control } ? " " : $0 })
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
