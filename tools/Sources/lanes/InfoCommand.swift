import ArgumentParser
import Lanes
import LanesParallel
import Measurement
import TextTable

struct InfoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "info", abstract: "What this processor can do, which kernels run and on how many lanes.",
        discussion: "Examples: lanes info; LANES_ISA=avx2 lanes info; taskset -c 0 lanes info")

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
        let topology: Machine
        let lanes: LaneLimits
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
        if json {
            try printJSON(Output(machine: machine, topology: .current(), lanes: .current(), memory: memory, kernels: kernels))
            return
        }
        print(machineDescription(machine))
        print(topologyPicture(.current()))
        print("lanes of a call  \(LaneLimits.current())")
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
    let caches = machine.caches.map {
        "L\($0.level) \($0.kind) \($0.kibibytes) KiB (\($0.ways) ways, \($0.lineBytes)-byte lines)"
    }
    return """
        processor        \(machine.processor)
        features         \(machine.features.joined(separator: " "))
        instruction set  \(machine.instructionSet)
        processors       \(machine.usableProcessors.count) usable of \(machine.installedProcessors): \(machine.usableProcessors.map(String.init).joined(separator: ","))
        caches           \(caches.joined(separator: "\n                 "))
        memory           \(format(machine.memoryGiB)) GiB, transparent huge pages: \(machine.hugePages)
        hypervisor       \(machine.hypervisor)
        system           \(machine.system)
        """
}
