import ArgumentParser
import Lanes
import LanesMeasurement
import LanesParallel
import Synchronization
import TextTable

struct InfoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "info", abstract: "What this processor can do, which kernels run and on how many lanes.",
        discussion: """
            The description of the machine is what plans of matrix products are made from; behind each figure stands who told
            it. Two lanes are measured at once, for a guest's two processors may be two threads of one core.

            Examples:
              lanes info
              lanes info --json
              LANES_ISA=avx2 lanes info
              LANES_MACHINE=golden-cove lanes info
              taskset -c 0 lanes info
            """)

    @Flag(help: "Print one JSON object.") var json = false

    struct Kernel: Encodable {
        let name: String
        let instructionSet: String
        let requires: [String]
        let available: Bool
        let selected: Bool
    }

    /// What a buffer on the first memory node obtained.
    struct Memory: Encodable {
        let nodes: [Int]
        let obtained: MemoryResidency
    }

    struct Output: Encodable {
        let machine: MachineRecord
        let description: MachineDescription
        let topology: Machine
        let lanes: LaneLimits
        let twoLanes: TwoLanes?
        let memory: Memory
        let kernels: [Kernel]
    }

    func run() throws {
        let machine = MachineRecord.current()
        let memory = try Self.probeMemory()
        let kernels = KernelDescription.catalogue.map {
            Kernel(
                name: $0.name, instructionSet: $0.instructionSet.rawValue, requires: $0.instructionSet.requiredFeatures,
                available: $0.instructionSet.isAvailable, selected: $0.isSelected)
        }
        let description = MachineDescription.current()
        let twoLanes = TwoLanes.measure()
        if json {
            try printJSON(
                Output(
                    machine: machine, description: description, topology: .current(), lanes: .current(), twoLanes: twoLanes,
                    memory: memory, kernels: kernels))
            return
        }
        print(machineDescription(machine))
        print(planningDescription(description))
        print(topologyPicture(.current()))
        print("lanes of a call  \(LaneLimits.current())")
        if let twoLanes { print("two lanes        \(twoLanes)") }
        let mebibytes = memory.obtained.bytesByNode.sorted { $0.key < $1.key }.map { "\($0.value >> 20) MiB on node \($0.key)" }
        print(
            "memory nodes     \(memory.nodes.map(String.init).joined(separator: ", ")); 16 MiB asked for on node \(memory.nodes[0]): "
                + (mebibytes.isEmpty ? "the system does not say where they are" : mebibytes.joined(separator: ", "))
                + ", \(memory.obtained.hugePageBytes >> 20) MiB in huge pages", terminator: "\n\n")
        let table = TextTable<Kernel> {
            [
                Column(title: "kernel", value: $0.name),
                Column(title: "", value: $0.selected ? "in use" : $0.available ? "available" : "not on this processor"),
                Column(title: "requires", value: $0.requires.isEmpty ? "nothing" : $0.requires.joined(separator: " ")),
            ]
        }
        table.print(kernels)
    }

    private static func probeMemory() throws -> Memory {
        var buffer = try Buffer<Float>(count: 4 << 20, placement: .node(MemoryNodes.all[0]))
        for index in stride(from: 0, to: buffer.count, by: 1024) { buffer[index] = 1 }
        return Memory(nodes: MemoryNodes.all, obtained: buffer.residency())
    }
}

/// What two lanes do at once, measured now: a hypervisor may hide that its two processors are two threads of one core.
struct TwoLanes: Encodable, CustomStringConvertible {
    /// Multiply-adds of both at once over those of one alone.
    let arithmetic: Double
    /// An empty parallel region of both, awake; nil where it could not be measured.
    let regionNanoseconds: Int?

    static func measure() -> TwoLanes? {
        let pool = WorkerPool.shared
        guard pool.lanes >= 2 else { return nil }
        let sum = Mutex(0.0)
        var best = (alone: 0.0, together: 0.0)
        // Whoever shares the machine slows down one round or the other: the best of three.
        for _ in 0..<3 {
            best.alone = max(best.alone, Peak.flopsPerSecond(rounds: 2, nanoseconds: 5_000_000))
            sum.withLock { $0 = 0 }
            pool.run(most: 2) { _, _ in
                let lane = Peak.flopsPerSecond(rounds: 2, nanoseconds: 5_000_000)
                sum.withLock { $0 += lane }
            }
            best.together = max(best.together, sum.withLock { $0 })
        }
        return TwoLanes(arithmetic: best.together / best.alone, regionNanoseconds: pool.regionNanoseconds)
    }

    var description: String {
        let meaning =
            arithmetic > 1.7
            ? "two cores at the moment"
            : arithmetic < 1.3
                ? "one core's arithmetic at the moment: two threads of one, or a processor that is busy"
                : "neither one core nor two"
        return
            "together \(format(arithmetic, 2)) times the multiply-adds of one: \(meaning)"
            + (regionNanoseconds.map { "; an empty parallel region takes \($0) ns" } ?? "")
    }
}

func planningDescription(_ machine: MachineDescription) -> String {
    func size(_ bytes: Int) -> String { bytes >= 10 << 20 ? "\(bytes >> 20) MiB" : "\(bytes >> 10) KiB" }
    let caches = machine.caches.map {
        "L\($0.level) \(size($0.byteCount)), \($0.ways) ways, \($0.lineBytes)-byte lines"
            + ($0.processors > 0 ? ", shared by \($0.processors)" : "") + "  (\($0.source))"
    }
    let lines =
        caches + [
            "pages of \(size(machine.pageBytes)) (\(machine.pageSource)) and \(size(machine.hugePageBytes)), \(machine.addressCacheEntries) reached (\(machine.coreSource))",
            "\(machine.multiplyAddBytesPerCycle) bytes of multiply-adds a cycle; \(format(machine.sharedCacheBytesPerCycle)) bytes a cycle from the shared cache  (\(machine.coreSource))",
        ] + (machine.note.isEmpty ? [] : ["note: \(machine.note)"])
    return
        "planned for      \(machine.name)\(machine.isForced ? ", forced by LANES_MACHINE" : "") (\(machine.measured))\n                 "
        + lines.joined(separator: "\n                 ")
        + "\n                 LANES_MACHINE takes \(MachineDescription.names.joined(separator: " "))"
}

/// A line for each last-level cache: its cores, and in brackets the numbers of their processors.
func topologyPicture(_ machine: Machine) -> String {
    let caches = Dictionary(grouping: machine.processors) { [$0.package, $0.node, $0.lastLevelCache] }
    let lines = caches.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map { key, processors in
        let cores = Dictionary(grouping: processors, by: \.core).sorted { $0.key < $1.key }.map { _, threads in
            "[" + threads.map { String($0.index) }.joined(separator: " ") + "]"
        }
        return "package \(key[0])  node \(key[1])  cache \(key[2])  \(cores.joined())"
    }
    return "topology         " + lines.joined(separator: "\n                 ")
        + (machine.isThisSystem ? "" : "\n                 (a description, not this system)")
}

func machineDescription(_ machine: MachineRecord) -> String {
    return """
        processor        \(machine.processor)
        features         \(machine.features.joined(separator: " "))
        instruction set  \(machine.instructionSet)
        processors       \(machine.usableProcessors.count) usable of \(machine.installedProcessors): \(machine.usableProcessors.map(String.init).joined(separator: ","))
        memory           \(format(machine.memoryGiB)) GiB, transparent huge pages: \(machine.hugePages)
        hypervisor       \(machine.hypervisor)
        system           \(machine.system)
        """
}
