internal import CKernels
import Foundation
import LanesMeasurement

/// The C kernels of the laboratory that measure one core, with checked memory.
enum CoreProbe {
    /// Eight multiplications by 1, `steps` times; false where the processor cannot flush.
    static func multiply(_ steps: Int, of number: Float, flush: Bool = false) -> Bool {
        var numbers = [Float](repeating: number, count: 8)
        return unsafe ck_lab_multiply(Int64(steps), 1, &numbers, flush)
    }

    enum Forward: CaseIterable {
        case same, narrowToWide, wideToNarrow
        var kind: ck_lab_forward_kind {
            switch self {
            case .same: CK_LAB_FORWARD_SAME
            case .narrowToWide: CK_LAB_FORWARD_NARROW_TO_WIDE
            case .wideToNarrow: CK_LAB_FORWARD_WIDE_TO_NARROW
            }
        }
    }
    static func forward(_ kind: Forward, _ memory: ProbeMemory, _ offset: Int, _ steps: Int) {
        unsafe _ = ck_lab_forward(kind.kind, Int64(steps), memory.bytes(offset, 8))
    }

    /// Loads at an offset and three strides further.
    static func load(_ memory: ProbeMemory, _ offset: Int, stride: Int, _ steps: Int) {
        unsafe ck_lab_load_at(Int64(steps), memory.bytes(offset, 3 * stride + 8), Int64(stride))
    }

    static func copyNumbers(_ memory: ProbeMemory, from: Int, to: Int, count: Int) {
        unsafe ck_lab_copy_numbers(Int64(count), memory.floats(from, count), memory.floats(to, count))
    }

    static func branch(_ pattern: [UInt8], _ steps: Int) {
        unsafe _ = ck_lab_branch(Int64(steps), pattern, Int64(pattern.count))
    }

    /// One number of each `stride` bytes, from the first to the last or, where the stride is negative, back.
    static func sumLines(_ memory: ProbeMemory, from offset: Int = 0, count: Int, stride: Int) {
        let first = offset + (stride < 0 ? -(count - 1) * stride : 0)
        unsafe _ = memory.bytes(offset, (count - 1) * abs(stride) + 8)
        unsafe _ = ck_lab_sum_lines(memory.bytes(first, 8), Int64(count), Int64(stride))
    }

    /// One number of each `step` bytes of several memories, one of each in turn.
    static func sumStreams(_ memory: ProbeMemory, streams: Int, distance: Int, step: Int, count: Int) {
        unsafe _ = ck_lab_sum_streams(
            memory.bytes(0, (streams - 1) * distance + step * (count - 1) + 8), Int64(streams), Int64(distance), Int64(step),
            Int64(count))
    }

    /// Kinds of vector instructions that are started side by side.
    struct Issue: OptionSet {
        let rawValue: UInt32
        static let multiplyAdd = Issue(rawValue: UInt32(CK_LAB_ISSUE_MULTIPLY_ADD))
        static let load = Issue(rawValue: UInt32(CK_LAB_ISSUE_LOAD))
        static let shuffle = Issue(rawValue: UInt32(CK_LAB_ISSUE_SHUFFLE))
    }
    /// Twelve of each kind in a turn, loads from the beginning of a line; false where this processor has none of them.
    static func issue(_ kinds: Issue, turns: Int, from memory: ProbeMemory) -> Bool {
        unsafe ck_lab_issue(kinds.rawValue, Int64(turns), memory.floats(0, 8))
    }

    /// One step of Adam on the calling thread.
    static func adam(gradient: [Float], mean: inout [Float], variance: inout [Float], parameters: inout [Float]) {
        var step = ck_adam()
        (step.rate, step.beta1, step.beta2, step.epsilon) = (0.001, 0.9, 0.999, 1e-8)
        (step.correction1, step.correction2) = (1, 1)
        unsafe ck_network_f32().pointee.adam(Int64(gradient.count), &step, gradient, &mean, &variance, &parameters)
    }
}

/// Events of the calling thread that the processor or the system counts. Experiments use them where they are there, and say nothing where
/// they are not, as in most guests.
enum Counter {
    case cycles, instructions, branchMisses, addressMisses, pageFaults

    /// How many while `body` runs; nil where they are not counted here.
    func count(_ body: () -> Void) -> Double? {
        let kind =
            switch self {
            case .cycles: CK_LAB_CYCLES
            case .instructions: CK_LAB_INSTRUCTIONS
            case .branchMisses: CK_LAB_BRANCH_MISSES
            case .addressMisses: CK_LAB_ADDRESS_MISSES
            case .pageFaults: CK_LAB_PAGE_FAULTS
            }
        let descriptor = ck_lab_open_counter(kind)
        guard descriptor >= 0 else { return nil }
        defer { ck_lab_close_counter(descriptor) }
        let before = ck_lab_read_counter(descriptor)
        body()
        let after = ck_lab_read_counter(descriptor)
        return before >= 0 && after >= before ? Double(after - before) : nil
    }
}

extension ProbeMemory {
    func bytes(_ offset: Int, _ count: Int) -> UnsafeMutablePointer<CChar> {
        guard offset >= 0 && offset + count <= byteCount else {
            fatalError("ProbeMemory: \(count) bytes at \(offset) of \(byteCount)")
        }
        return unsafe (base + offset).assumingMemoryBound(to: CChar.self)
    }
}
