import ArgumentParser
import Foundation
import LanesExperiments
import LanesMeasurement
import LanesParallel
import Synchronization
import TextTable

/// Experiments on a thread of their own that is bound to the first lane's processor.
enum LaboratoryRun {
    static func run(
        _ experiments: [Experiment], isQuick: Bool, seed: UInt64, peers: [Library],
        finished: @escaping @Sendable (Finding) -> Void
    ) throws -> LaboratoryRecord {
        Interrupt.watch()
        let result = Mutex<Result<LaboratoryRecord, any Error>?>(nil)
        let done = DispatchSemaphore(value: 0)
        let thread = Thread {
            let outcome = Result { try runHere(experiments, isQuick: isQuick, seed: seed, peers: peers, finished: finished) }
            result.withLock { $0 = outcome }
            done.signal()
        }
        thread.stackSize = 8 << 20
        thread.start()
        done.wait()
        return try result.withLock { $0! }.get()
    }

    private static func runHere(
        _ experiments: [Experiment], isQuick: Bool, seed: UInt64, peers: [Library], finished: (Finding) -> Void
    ) throws -> LaboratoryRecord {
        let helpers = try? Project.folder("bench/helpers")
        let peers = try peers.map { try $0.asked() }
        let lab = Laboratory(isQuick: isQuick, seed: seed, helpers: helpers, peers: peers.map(productPeer))
        lab.bindThisThread()
        let steal = MachineRecord.stealSeconds()
        Progress.show("measuring the machine's profile")
        let profile = lab.profile
        var findings: [Finding] = []
        let start = Clock.nanoseconds
        for (number, experiment) in experiments.enumerated() {
            if Interrupt.wanted { break }
            let elapsed = Double(Clock.nanoseconds - start) * 1e-9
            let left = number == 0 ? "" : ", about \(Int(elapsed / Double(number) * Double(experiments.count - number))) s left"
            Progress.show("\(number + 1) of \(experiments.count): \(experiment.id)\(left)")
            let finding: Finding
            do { finding = try lab.run(experiment) } catch { throw Failure("experiment \(experiment.id): \(error)") }
            Progress.clear()
            finished(finding)
            findings.append(finding)
        }
        let stolen = MachineRecord.stealSeconds().flatMap { now in steal.map { now - $0 } }
        var machine = MachineRecord.current()
        machine.commit = Project.commit()
        return LaboratoryRecord(
            machine: machine, profile: profile, isQuick: isQuick, seed: seed, stealSeconds: stolen,
            peers: peers.map { $0.description ?? $0.name }, experiments: findings)
    }

    // Times a library's products as `lanes gemm` does, and checks them.
    private static func productPeer(_ library: Library) -> ProductPeer {
        ProductPeer(name: library.name) { products, threads, seconds in
            let shapes = products.map { Shape(m: $0.m, n: $0.n, k: $0.k) }
            return try GemmWorker.run([library], shapes: shapes, type: .f32, threads: threads, seconds: seconds).map { timing in
                guard timing.errorOverBound[0] <= 1 else {
                    throw Failure("\(library.name) gives a wrong result for \(timing.shape)")
                }
                return timing.nanoseconds[0]
            }
        }
    }

    static func describe(_ finding: Finding) -> String {
        let verdict = ["supported": "supported", "refuted": "refuted", "notTestable": "not testable here"][
            finding.verdict.rawValue]!
        let predictions = finding.prediction.map {
            "\n  predicted \($0.quantity): \(LabReport.number($0.predicted)), measured \($0.measured.map(LabReport.number) ?? "–")"
        }.joined()
        return "\(finding.id): \(verdict)\n  \(finding.explanation)\(predictions)"
            + finding.notes.map { "\n  note: \($0)" }.joined()
    }
}
