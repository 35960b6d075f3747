/// SplitMix64 (Steele, Lea and Flood, 2014): small, seedable, and the same numbers everywhere.
public struct SplitMix64: RandomNumberGenerator, Sendable {
    private var state: UInt64

    /// The sequence that begins with a seed.
    public init(seed: UInt64) { state = seed }

    /// A generator for one part of a larger whole: different streams of one seed have nothing in common.
    public init(seed: UInt64, stream: UInt64) {
        var mixer = SplitMix64(seed: seed)
        let first = mixer.next()
        var second = SplitMix64(seed: first ^ stream &* 0x9e37_79b9_7f4a_7c15)
        state = second.next()
    }

    /// The next 64 bits.
    public mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
        return z ^ z >> 31
    }

    /// In 0 ..< bound, all equally likely but for 2⁻⁶⁴ · bound.
    public mutating func below(_ bound: Int) -> Int { Int(next().multipliedFullWidth(by: UInt64(bound)).high) }

    /// In 0 ..< 1, in steps of 2⁻⁵³.
    public mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// Every number of 0 ..< count once, in an order that the seed and the epoch decide (Fisher and Yates).
    public static func shuffled(count: Int, seed: UInt64, epoch: Int) -> [Int64] {
        var order = Array(0..<Int64(count))
        var random = SplitMix64(seed: seed, stream: UInt64(bitPattern: Int64(epoch)) &+ 1)
        for index in stride(from: count - 1, to: 0, by: -1) { order.swapAt(index, random.below(index + 1)) }
        return order
    }
}
