import ArgumentParser
import Foundation
import LanesExperiments
import LanesMeasurement
import LanesParallel
import Synchronization
import TextTable

/// The clone that this program was built in.
enum Project {
    static func program() throws -> String { try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe") }

    /// The version that is checked out; nil where there is no repository.
    static func commit() -> String? {
        guard let folder = try? folder("CKernels") else { return nil }
        return Command.run(["git", "-C", folder, "describe", "--always", "--dirty"])?.trimmingCharacters(
            in: .whitespacesAndNewlines)
    }

    /// A folder of the project, found upward from where this program lies.
    static func folder(_ name: String) throws -> String {
        var place = URL(fileURLWithPath: try program())
        while place.path != "/" {
            place.deleteLastPathComponent()
            let candidate = place.appendingPathComponent(name).path
            if FileManager.default.fileExists(atPath: candidate) { return candidate }
        }
        throw Failure("there is no \(name) above '\(try program())': run the command from its clone")
    }
}
