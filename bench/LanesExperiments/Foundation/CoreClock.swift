internal import CKernels
import LanesMeasurement

/// Dependent operations on registers, nanoseconds of a step: what the length of a cycle is taken from.
public struct CoreClock: Codable, Sendable, Equatable {
    /// Addition of registers.
    public var addition: Double
    /// Multiplication of integers in registers.
    public var multiplication: Double
    /// Addition of floats.
    public var floatAddition: Double
    /// Multiply-add of doubles; nil where this processor has none.
    public var multiplyAdd: Double?

    /// Nanoseconds of one cycle: an addition of registers, where multiplications (three or four cycles) and multiply-adds (three to five) agree
    /// with it; nil where they do not, for then one of them was not what it was taken for. A sixth more or less is for the loop around the
    /// chain and for a clock that changes between them.
    public var cycle: Double? {
        func takes(_ cycles: ClosedRange<Double>, _ time: Double) -> Bool {
            let measured = time / addition
            return measured >= cycles.lowerBound * 5 / 6 && measured <= cycles.upperBound * 7 / 6
        }
        guard addition > 0, addition.isFinite, takes(3...4, multiplication) else { return nil }
        if let multiplyAdd, !takes(3...5, multiplyAdd) { return nil }
        return addition
    }

    /// Times that were measured elsewhere.
    public init(addition: Double, multiplication: Double, floatAddition: Double, multiplyAdd: Double?) {
        (self.addition, self.multiplication) = (addition, multiplication)
        (self.floatAddition, self.multiplyAdd) = (floatAddition, multiplyAdd)
    }

    /// Measures on the calling thread: the chains in turns, the shortest of some.
    static func measure(seconds: Double = 0.02) -> CoreClock {
        let steps = 16_000
        let chain = { (kind: ck_lab_chain_kind) in { _ = ck_lab_chain(kind, Int64(steps)) } }
        let hasMultiplyAdd = ck_lab_chain(CK_LAB_CHAIN_MULTIPLY_ADD, 16)
        let times = sampleInTurns(
            seconds: seconds,
            [
                { Probe.aluChain(steps) }, chain(CK_LAB_CHAIN_MULTIPLY), chain(CK_LAB_CHAIN_FLOAT_ADD),
                chain(CK_LAB_CHAIN_MULTIPLY_ADD),
            ]
        ).map { $0.min()! / Double(steps) }
        return CoreClock(
            addition: times[0], multiplication: times[1], floatAddition: times[2],
            multiplyAdd: hasMultiplyAdd ? times[3] : nil)
    }
}
