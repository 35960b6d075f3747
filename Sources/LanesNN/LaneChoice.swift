// Small batches gain from more lanes only where cores are near each other, which a program cannot know: now and then a few steps are
// timed on one lane and on all, and the faster way goes on. It changes no bit of the result.
internal struct LaneChoice {
    private static let trials = 6, period = 512
    private var step = 0
    private var isTimed = false
    private var alone = UInt64.max, shared = UInt64.max

    /// How many lanes the next step may use.
    mutating func lanes(rows: Int, of lanes: Int) -> Int {
        isTimed = rows < 32 * lanes
        guard isTimed, lanes > 1 else { return lanes }
        let phase = step % LaneChoice.period
        if phase == 0 { (alone, shared) = (.max, .max) }
        if phase < LaneChoice.trials { return 1 }
        return phase < 2 * LaneChoice.trials || shared <= alone ? lanes : 1
    }

    mutating func took(_ nanoseconds: UInt64) {
        guard isTimed else { return }
        let phase = step % LaneChoice.period
        if phase < LaneChoice.trials {
            alone = min(alone, nanoseconds)
        } else if phase < 2 * LaneChoice.trials {
            shared = min(shared, nanoseconds)
        }
        step += 1
    }
}
