import Foundation
import Lanes
import Testing

@testable import LanesExperiments

extension Facts {
    /// A Zen 5 guest of two near cores.
    static let zen5 = Facts(
        lanes: 2, lineBytes: 64, pageBytes: 4096, isGuest: true, hasStreamingStores: true, vectorFloats: 16, cycle: 0.238,
        floatAddition: 0.72, region: 110, transfer: 28, arithmeticOfTwo: 1.98, stolenSeconds: 0)
}

/// Explanations say nothing that the facts of their run contradict, on machines that were recorded and on machines that nobody has.
@Suite struct FactsTests {
    private struct Record: Decodable {
        struct Machine: Decodable { let instructionSet: String, hypervisor: String }
        struct Profile: Decodable {
            let lanes: Int, lineBytes: Int
            let region: Double, transfer: Double, peakOne: Double, peakAll: Double
        }
        struct Finding: Decodable {
            let id: String, verdict: Verdict
            let numbers: [String: Double]
        }
        let machine: Machine, profile: Profile
        let experiments: [Finding]

        var facts: Facts {
            Facts(
                lanes: profile.lanes, lineBytes: profile.lineBytes, pageBytes: 4096,
                isGuest: machine.hypervisor != "none found",
                hasStreamingStores: machine.instructionSet.hasPrefix("avx"),
                vectorFloats: machine.instructionSet == "avx512" ? 16 : 8,
                cycle: 0.365, floatAddition: 0.7, region: profile.region, transfer: profile.transfer,
                arithmeticOfTwo: profile.peakAll / profile.peakOne, stolenSeconds: 0)
        }
    }

    private static let records: [(name: String, record: Record)] = {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Recorded")
        let files = try! FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        return files.filter { $0.pathExtension == "json" }.map {
            ($0.lastPathComponent, try! JSONDecoder().decode(Record.self, from: Data(contentsOf: $0)))
        }
    }()

    /// The same numbers on other machines.
    private static func variants(_ facts: Facts) -> [(String, Facts)] {
        func changed(_ change: (inout Facts) -> Void) -> Facts {
            var facts = facts
            change(&facts)
            return facts
        }
        return [
            ("as recorded", facts),
            (
                "Zen 4",
                changed { ($0.transfer, $0.cycle, $0.floatAddition, $0.vectorFloats) = (33, 0.272, 0.82, 16) }
            ),
            ("bare metal", changed { $0.isGuest = false }),
            ("threads of one core", changed { ($0.arithmeticOfTwo, $0.transfer) = (1.01, 11) }),
            ("undecided", changed { $0.arithmeticOfTwo = 1.45 }),
            (
                "lines of 128 bytes, pages of 16 KiB, NEON",
                changed {
                    ($0.lineBytes, $0.pageBytes, $0.hasStreamingStores, $0.vectorFloats, $0.isGuest) = (
                        128, 16384, false, 4, false
                    )
                }
            ),
            ("no cycle", changed { ($0.cycle, $0.floatAddition) = (nil, nil) }),
            ("far cores", changed { ($0.transfer, $0.region) = (230, 900) }),
        ]
    }

    private func contradictions(_ text: String, _ facts: Facts) -> [String] {
        func said(_ words: String...) -> Bool { words.contains { text.contains($0) } }
        var found: [String] = []
        if !facts.isGuest && said("guest", "hypervisor", "hired") { found.append("a guest") }
        if facts.lineBytes != 64 && said("of 64 bytes", "64 bytes apart") { found.append("lines of 64 bytes") }
        if facts.pageBytes != 4096 && said("of 4 KiB") { found.append("pages of 4 KiB") }
        if facts.pair != .threadsOfOneCore && said("are threads of one core", "are two threads of one core") {
            found.append("threads of one core")
        }
        if facts.pair != .twoCores && said("are two cores (") { found.append("two cores") }
        if !facts.hasStreamingStores && said("moves 12 bytes") {
            found.append("streaming")
        }
        if facts.cycle == nil && said("cycle") { found.append("a cycle") }
        if facts.floatAddition == nil && said("for the one before", "that wait for each other") {
            found.append("the time of an addition")
        }
        // Claims about sizes that nobody measured.
        if said("fraction of a microsecond", "few dozen", "neighbours leave") { found.append("a size that is no number") }
        if said("nan", "inf ") { found.append("no number") }
        return found
    }

    @Test func explanationsFollowFromNumbersAndFacts() throws {
        #expect(Self.records.count >= 2)
        var judged = 0
        for (name, record) in Self.records {
            for finding in record.experiments where finding.verdict != .notTestable {
                let experiment = try #require(Experiment.all.first { $0.id == finding.id })
                for (variant, facts) in Self.variants(record.facts) {
                    let numbers = Numbers(record: finding.numbers)
                    let text = experiment.judge(numbers, facts).1 + " " + experiment.remember(numbers, facts)
                    let wrong = contradictions(text, facts)
                    #expect(wrong.isEmpty, "\(name), \(variant), \(finding.id) speaks of \(wrong): \(text)")
                    judged += 1
                }
            }
        }
        #expect(judged >= 2 * 20 * 8)
    }

    /// Where the processors are threads of one core, or stores are plain, a question about cores or streaming has no verdict.
    @Test func whatCannotBeAskedHasNoVerdict() throws {
        let record = try #require(Self.records.first).record
        func verdict(_ id: String, _ facts: Facts) throws -> Verdict {
            let finding = try #require(record.experiments.first { $0.id == id })
            return try #require(Experiment.all.first { $0.id == id }).judge(Numbers(record: finding.numbers), facts).0
        }
        var facts = record.facts
        #expect(try verdict("core-to-core", facts) != .notTestable && verdict("bandwidth", facts) != .notTestable)
        (facts.arithmeticOfTwo, facts.transfer, facts.hasStreamingStores) = (1, 11, false)
        #expect(try verdict("core-to-core", facts) == .notTestable && verdict("bandwidth", facts) == .notTestable)
    }

    /// A mechanism that is named says how much of the number it accounts for: 745 ns are not two transfers of 65.
    @Test func aRegionIsNotExplainedByTwoTransfers() {
        var facts = Facts.zen5
        (facts.region, facts.transfer) = (745, 65)
        let numbers = [
            "pool, awake, ns": 745.0, "threads made anew, ns": 20_000, "TaskGroup, ns": 9000, "pool, asleep, ns": 12_000,
        ]
        let text = Experiment.forkJoin.judge(Numbers(record: numbers), facts).1
        #expect(
            text.contains("two transfers of a cache line, there and back, took 130 ns right before, 17% as long"), "\(text)")
    }

    /// What a core keeps in a register never went through a load, and is no measure of what does.
    @Test func aRenamedStoreIsNotAForwardedOne() {
        var numbers = [
            "the same 8 bytes, ns": 0.115, "upper 4 of 8 bytes, ns": 2.02, "two stores of 4, a load of 8, ns": 3.16,
            "across a line, ns": 0.2, "across a page, ns": 6.9,
        ]
        let (verdict, text) = Experiment.storeForwarding.judge(Numbers(record: numbers), .zen5)
        #expect(verdict == .refuted && text.contains("less than a cycle"), "\(text)")
        numbers["the same 8 bytes, ns"] = 1.2
        numbers["upper 4 of 8 bytes, ns"] = 1.3
        #expect(Experiment.storeForwarding.judge(Numbers(record: numbers), .zen5).0 == .supported)
    }

    /// Readers that do not fill memory say nothing about a full one; ways that are alike have no winner.
    @Test func whatWasNotReachedIsNotJudged() {
        let idle = [
            "idle, ns": 150.0, "busiest, ns": 158, "busiest, GB/s": 40, "most that the others read, GB/s": 41,
            "most that all lanes read, GB/s": 90,
        ]
        #expect(Experiment.loadedLatency.judge(Numbers(record: idle), .zen5).0 == .notTestable)
        let alike = [
            "one lane, µs": 190.0, "lanes inside each product, µs": 102.8, "a pipeline of two stages, µs": 103.8,
            "samples shared, all layers, µs": 100.7,
        ]
        let (verdict, text) = Experiment.sequentialChain.judge(Numbers(record: alike), .zen5)
        #expect(verdict == .refuted && text.contains("within a twentieth"), "\(text)")
    }

    @Test func interpolatedNumbersHaveTwoDigits() {
        #expect(about(38_801) == "39,000" && about(1_250_000) == "1,300,000" && about(96) == "96" && about(3.14) == "3.1")
    }

    @Test func theCycleIsEstablishedOrSaidToBeUnknown() {
        func cycle(_ addition: Double, _ multiplication: Double, _ multiplyAdd: Double?) -> Double? {
            CoreClock(addition: addition, multiplication: multiplication, floatAddition: 0.7, multiplyAdd: multiplyAdd).cycle
        }
        // Golden Cove: additions of registers, and of a constant, several of which it does in a cycle.
        #expect(cycle(0.371, 1.01, 1.37) == 0.371)
        #expect(cycle(0.097, 1.01, 1.37) == nil)
        #expect(cycle(0.064, 1.01, 1.37) == nil)
        // Zen 5; a core without multiply-adds; one that multiplies in five cycles is not known.
        #expect(cycle(0.238, 0.715, 0.953) == 0.238)
        #expect(cycle(0.4, 1.6, nil) == 0.4)
        #expect(cycle(0.4, 2.4, nil) == nil)
        #expect(cycle(0.4, 1.2, 4.0) == nil)
        #expect(cycle(0, 0, 0) == nil && cycle(.nan, 1, 1) == nil)
    }

    @Test func pairsAreDecidedByArithmeticAndTransfer() {
        func pair(_ lanes: Int, _ arithmetic: Double, _ transfer: Double) -> Facts.Pair {
            var facts = Facts.zen5
            (facts.lanes, facts.arithmeticOfTwo, facts.transfer) = (lanes, arithmetic, transfer)
            return facts.pair
        }
        #expect(pair(1, 1, 0) == .one)
        #expect(pair(2, 1.98, 28) == .twoCores && pair(2, 1.9, 230) == .twoCores && pair(2, 1.95, 62) == .twoCores)
        #expect(pair(2, 1.02, 11) == .threadsOfOneCore)
        // The arithmetic of one and a line that takes long: a neighbour, or a processor that was away.
        #expect(pair(2, 1.02, 62) == .unknown && pair(2, 1.45, 11) == .unknown)
        var facts = Facts.zen5
        facts.transfer = 100
        #expect(facts.moved(since: .zen5, needed: .transfers) && !Facts.zen5.moved(since: .zen5, needed: .transfers))
        #expect(facts.moved(since: .zen5, needed: .cores) && !facts.moved(since: .zen5, needed: .oneLane))
        // Within one chip: what asks for transfers only minds.
        facts.transfer = 50
        #expect(facts.moved(since: .zen5, needed: .transfers) && !facts.moved(since: .zen5, needed: .cores))
        // A neighbour that takes some of the arithmetic is no move.
        (facts.transfer, facts.arithmeticOfTwo) = (28, 1.58)
        #expect(!facts.moved(since: .zen5, needed: .transfers))
    }

    /// The probe that flushes puts the thread's own setting back.
    @Test func flushingIsUndone() {
        #expect(CoreProbe.multiply(100, of: .leastNormalMagnitude / 4))
        _ = CoreProbe.multiply(100, of: .leastNormalMagnitude / 4, flush: true)
        let half = Double.random(in: 0.5...0.5)
        #expect(Float.leastNormalMagnitude * Float(half) != 0)
    }

    /// A walk through a ring meets every cell, and branches, loads and stores of the probes stay within their memory.
    @Test func probesOfOneCore() {
        let memory = ProbeMemory(byteCount: 1 << 16)
        Chase(memory, cells: 15, stride: 4096 + 64, seed: 3).follow(15 * 1000)
        for kind in CoreProbe.Forward.allCases { CoreProbe.forward(kind, memory, memory.byteCount - 8, 100) }
        CoreProbe.load(memory, memory.byteCount - 8 - 3 * 64, stride: 64, 80)
        CoreProbe.branch([1, 0, 1], 1000)
        CoreProbe.sumLines(memory, count: 1024, stride: -64)
        CoreProbe.sumLines(memory, count: 1024, stride: 64)
        #if arch(x86_64)
            #expect(
                CoreProbe.issue([.multiplyAdd, .load, .shuffle], turns: 10, from: memory)
                    || !Processor.features.contains("avx2"))
        #endif
    }

    /// What is counted is counted right, and nothing is said where nobody counts.
    @Test func countersCountOrSayNothing() {
        var memory: [UInt8] = []
        if let faults = Counter.pageFaults.count({ memory = [UInt8](repeating: 1, count: 64 << 20) }) {
            #expect(faults >= 1 && faults < 100_000, "\(faults)")
        }
        #expect(memory.count == 64 << 20)
        if let instructions = Counter.instructions.count({ Probe.aluChain(1_000_000) }) {
            #expect(instructions > 1_000_000 && instructions < 4_000_000, "\(instructions)")
        }
    }

    /// On the machine at hand the cycle agrees with the processor's own ratio of multiplications.
    @Test func theChainsOfThisMachine() {
        // A neighbour may disturb one try, not all.
        let tries = (0..<5).lazy.map { _ in CoreClock.measure() }
        #expect(
            tries.contains { clock in
                clock.addition > 0.1 && clock.addition < 2 && clock.multiplication > 2 * clock.addition
                    && clock.floatAddition > 1.2 * clock.addition
            })
    }
}
