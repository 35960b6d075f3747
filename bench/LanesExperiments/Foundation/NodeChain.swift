internal import CKernels
import Lanes
import LanesParallel

/// A chain of loads through memory of one node.
@safe final class NodeChain: Sendable {
    private let buffer: Buffer<Double>
    private let node: Int
    nonisolated(unsafe) private let base: UnsafeMutableRawPointer

    init(node: Int, byteCount: Int, seed: UInt64) throws {
        buffer = try Buffer<Double>(count: byteCount / 8, placement: .node(node))
        self.node = node
        unsafe base = UnsafeMutableRawPointer(buffer.base)
        unsafe ck_lab_make_chase(base, Int64(byteCount / 64), 64, seed)
        unsafe position = unsafe UnsafeRawPointer(base)
    }

    // Used by one thread at a time.
    nonisolated(unsafe) private var position: UnsafeRawPointer?

    func follow(_ steps: Int) { unsafe ck_lab_chase(1, Int64(steps), &position) }

    /// Of the bytes whose place the system tells, those on the node that was asked for.
    var shareOnNode: Double {
        let bytes = buffer.residency().bytesByNode
        let all = bytes.values.reduce(0, +)
        return all == 0 ? 0 : Double(bytes[node] ?? 0) / Double(all)
    }
}
