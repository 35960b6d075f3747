import Foundation
import LanesMeasurement
import LanesParallel
import Synchronization
import Testing

@testable import LanesExperiments

@Suite(.serialized) struct ExperimentTests {
    /// A laboratory on a thread of its own, as the command makes it.
    private func inLaboratory<Result: Sendable>(_ body: @escaping @Sendable (Laboratory) throws -> Result) throws -> Result {
        let box = Mutex<Swift.Result<Result, any Error>?>(nil)
        let done = DispatchSemaphore(value: 0)
        let thread = Thread {
            let outcome = Swift.Result {
                let lab = Laboratory(isQuick: true)
                lab.bindThisThread()
                return try body(lab)
            }
            box.withLock { $0 = outcome }
            done.signal()
        }
        thread.stackSize = 8 << 20
        thread.start()
        done.wait()
        return try box.withLock { $0! }.get()
    }

    /// One file is one experiment, and each is in the list.
    @Test func everyFileIsInTheList() throws {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
            "../../bench/LanesExperiments")
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter {
            $0.hasSuffix(".swift") && $0 != "All.swift"
        }
        #expect(Experiment.all.count == files.count)
        #expect(Set(Experiment.all.map(\.id)).count == files.count)
        for experiment in Experiment.all {
            #expect(!experiment.title.isEmpty && !experiment.title.hasSuffix("."))
            #expect(experiment.question.hasSuffix("?") || experiment.question.hasSuffix("."))
            #expect(experiment.hypothesis.hasSuffix("."))
        }
    }

    /// Every experiment once, in its quick form: what it finds is finite, drawn, and judged in the same way when it is read back.
    @Test func everyExperimentRuns() throws {
        let record = try inLaboratory { lab in
            LaboratoryRecord(
                machine: .current(), profile: lab.profile, isQuick: true, seed: 1, stealSeconds: nil, peers: [],
                experiments: try Experiment.all.map { try lab.run($0) })
        }
        #expect(record.experiments.count == Experiment.all.count)
        #expect(record.profile.cycle.map { $0 > 0.1 && $0 < 2 } ?? true)
        #expect(record.profile.cacheLatency.allSatisfy { $0 > 0 })
        for (finding, experiment) in zip(record.experiments, Experiment.all) {
            #expect(
                !finding.explanation.isEmpty && !finding.explanation.contains("nan"), "\(finding.id): \(finding.explanation)")
            if finding.verdict == .notTestable { continue }
            #expect(!finding.series.isEmpty && finding.series.allSatisfy { !$0.points.isEmpty }, "\(finding.id)")
            for point in finding.series.flatMap(\.points) {
                #expect(point.y.isFinite && point.y >= 0 && !point.samples.isEmpty, "\(finding.id): \(point)")
            }
            #expect(finding.numbers.values.allSatisfy { $0.isFinite }, "\(finding.id)")
            for prediction in finding.prediction {
                #expect(prediction.predicted.isFinite && prediction.predicted > 0, "\(finding.id): \(prediction.quantity)")
                // A number that is predicted under one name and measured under another would never be compared.
                #expect(prediction.measured != nil, "\(finding.id) predicts '\(prediction.quantity)' and does not measure it")
            }
            let again = experiment.judge(Numbers(record: finding.numbers), finding.facts!)
            #expect(again.0 == finding.verdict && again.1 == finding.explanation)
            let sentence = try #require(finding.remember, "\(finding.id)")
            #expect(sentence.hasSuffix(".") && sentence.count < 240 && !sentence.contains("nan"), "\(finding.id): \(sentence)")
        }
        let data = try JSONEncoder().encode(record)
        let read = try JSONDecoder().decode(LaboratoryRecord.self, from: data)
        #expect(read.experiments.map(\.id) == record.experiments.map(\.id))
    }

    private func verdict(_ id: String, _ numbers: [String: Double]) -> Verdict {
        Experiment.all.first { $0.id == id }!.judge(Numbers(record: numbers), .zen5).0
    }

    /// Verdicts on recorded numbers: those that a hypothesis wants, and those that refute it.
    @Test func verdictsFollowTheNumbers() {
        var sharing = [
            "cliff, bytes": 64, "line, bytes": 64, "slower below the cliff, times": 2.9, "atomic additions together, ns": 15,
            "atomic additions apart, ns": 5, "plain additions slower, times": 6.4,
        ]
        #expect(verdict("false-sharing", sharing) == .supported)
        sharing["cliff, bytes"] = 128
        #expect(verdict("false-sharing", sharing) == .refuted)
        sharing["line, bytes"] = 128
        #expect(verdict("false-sharing", sharing) == .supported)
        sharing["slower below the cliff, times"] = 1.1
        #expect(verdict("false-sharing", sharing) == .refuted)

        func trust(_ noise: Double, _ gaps: Double) -> (Verdict, String) {
            Experiment.trust.judge(
                Numbers(record: [
                    "noise floor, %": noise, "time lost in gaps, %": gaps, "longest gap, ms": 1, "memory's spread, %": 4,
                    "line from core to core, ns": 28,
                ]), .zen5)
        }
        #expect(trust(0.1, 0.1).1.hasPrefix("Grade A") && trust(0.1, 0.1).0 == .supported)
        #expect(trust(1, 0.5).1.hasPrefix("Grade B"))
        #expect(trust(2, 3).1.hasPrefix("Grade C") && trust(2, 3).0 == .refuted)
        #expect(trust(9, 0.1).1.hasPrefix("Grade D") && trust(9, 0.1).0 == .refuted)

        #expect(
            verdict(
                "amdahl",
                ["largest deviation from the law, %": 5, "speed-up, nothing serial": 1.9, "speed-up, a quarter serial": 1.5])
                == .supported)
        #expect(
            verdict(
                "amdahl",
                ["largest deviation from the law, %": 35, "speed-up, nothing serial": 1.3, "speed-up, a quarter serial": 1.1])
                == .refuted)
        #expect(verdict("adjacent-line", ["one pair, ns": 5, "different pairs, ns": 5, "difference, %": -0.3]) == .supported)
        #expect(verdict("adjacent-line", ["one pair, ns": 9, "different pairs, ns": 5, "difference, %": 80]) == .refuted)
        #expect(
            verdict(
                "gradient-accumulation",
                [
                    "one lock for all, ns": 800, "sums of one's own, padded, ns": 400,
                    "an atomic for each parameter, ns": 90_000,
                    "a lock for 64 parameters, ns": 6000, "shards, ns": 700, "lost by the race, share": 0.4,
                    "lost by atomic additions, share": 0,
                ]) == .supported)
        #expect(
            verdict(
                "data-loader",
                [
                    "loading, ms": 2, "training, ms": 9, "one after the other, ms": 11, "overlapped, ms": 9.4,
                    "overlapped over the longer part": 1.04,
                ]) == .supported)
        #expect(
            verdict(
                "data-loader",
                [
                    "loading, ms": 2, "training, ms": 9, "one after the other, ms": 11, "overlapped, ms": 20,
                    "overlapped over the longer part": 2.2,
                ]) == .refuted)
        #expect(
            verdict(
                "memory-layout",
                [
                    "smallest, columns over rows": 1, "largest, columns over rows": 13, "down columns, ns": 7,
                    "along rows, ns": 0.5,
                ]) == .supported)
        #expect(
            verdict(
                "oversubscription",
                [
                    "product, twice as many lanes, times": 1.2, "product, four times as many lanes, times": 9,
                    "product beside a neighbour, times": 1.9,
                ]) == .refuted)
    }

    @Test func predictionsAreCloseWithinAFactorOfOneAndAHalf() {
        #expect(Prediction(quantity: "x", predicted: 10, measured: 14.9).isClose)
        #expect(!Prediction(quantity: "x", predicted: 10, measured: 15.1).isClose)
        #expect(Prediction(quantity: "x", predicted: 10, measured: 6.7).isClose)
        #expect(!Prediction(quantity: "x", predicted: 10, measured: 6.6).isClose)
        #expect(!Prediction(quantity: "x", predicted: 10, measured: nil).isClose)
    }

    @Test func locksLetOneInAtATime() throws {
        let sums = try inLaboratory { lab -> [Int64] in
            let crowd = lab.makePool(lanes: 4)
            return Probe.Lock.allCases.map { lock in
                let memory = ProbeMemory(byteCount: 4096)
                Probe.initLock(memory, 0)
                _ = lab.together(4, samples: 2, on: crowd) { _ in
                    Probe.runLock(lock, memory, lock: 0, number: 1024, acquisitions: 500, inside: 16, outside: 16)
                }
                return memory[1024]
            }
        }
        #expect(sums == [Int64](repeating: 4000, count: Probe.Lock.allCases.count))
    }

    /// What is said to be left out of a prediction is said of a number that is predicted.
    @Test func leftOutNumbersArePredicted() throws {
        let predicted = try inLaboratory { lab in
            Dictionary(uniqueKeysWithValues: Experiment.all.map { ($0.id, Set($0.predict(lab.profile).values.keys)) })
        }
        for experiment in Experiment.all where !predicted[experiment.id]!.isEmpty {
            // The last level need not be the third, and there may be one only.
            let named = Set(experiment.leavesOut.keys).subtracting([
                Quantity("end of level 3", "KiB"), Quantity("textbook loops, 64 x 128 x 784", "GFLOP/s"),
            ])
            #expect(named.isSubset(of: predicted[experiment.id]!), "\(experiment.id): \(named)")
        }
    }

    /// A measurement that no machine can make is no verdict.
    @Test func impossibleSpeedHasNoVerdict() throws {
        let broken = Experiment(
            id: "broken", title: "", question: "", hypothesis: "", figure: .bars(y: "GFLOP/s"),
            measure: { _ in
                var observation = Observation()
                var series = Series("nothing", unit: "GFLOP/s")
                series.add(0, [1e9])
                observation.series = [series]
                return observation
            }, judge: { _, _ in (.supported, "") }, remember: { _, _ in "" })
        let finding = try inLaboratory { try $0.run(broken) }
        #expect(finding.verdict == .notTestable && finding.explanation.contains("beyond what this machine can do"))
    }

    /// A library beside ours stands in the series of both experiments on products.
    @Test func peersAreMeasured() throws {
        let peer = ProductPeer(name: "slow") { products, threads, _ in
            products.map { [2 * Double($0.m) * Double($0.n) * Double($0.k) / Double(threads)] }  // one GFLOP/s a thread
        }
        let findings = try inLaboratory { lab in
            let beside = Laboratory(isQuick: true, peers: [peer])
            beside.bindThisThread()
            return [try beside.run(.roofline), try beside.run(.vectorization)]
        }
        #expect(findings[0].series.first { $0.name == "slow" }?.points.map(\.y) == [1, 1, 1, 1, 1])
        #expect(findings[0].numbers["slow, product 256, GFLOP/s"] == 1)
        #expect(findings[1].numbers["slow, one thread, 64 x 128 x 784, GFLOP/s"] == 1)
    }
}
