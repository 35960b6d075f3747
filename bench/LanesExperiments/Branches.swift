import Foundation
import LanesMeasurement
import LanesNN

extension Quantity {
    fileprivate static let alwaysTheSame = Quantity("always the same", "ns")
    fileprivate static let randomSteps = Quantity("1,048,576 random steps", "ns")
    fileprivate static let longestPatternLearnt = Quantity("longest pattern learnt")
    fileprivate static let countedWrong = Quantity("wrong guesses a random step, counted by the processor")
    fileprivate static let aWrongGuess = Quantity("a wrong guess", "ns")
}

extension Experiment {
    static let branches = Experiment(
        id: "branches", title: "Branches that can be learnt",
        question:
            "A branch follows a random pattern that repeats after 1 to 1,048,576 steps: how long a pattern does the processor learn?",
        hypothesis: "Patterns of hundreds are learnt; a branch that nobody can know beforehand costs several times as much.",
        figure: .curves(x: "length of the pattern", y: "ns per branch", logX: true),
        predict: { _ in [:] },
        needs: .oneLane,
        measure: { lab in
            var observation = Observation()
            var curve = Series("random pattern", unit: "ns")
            var random = SplitMix64(seed: lab.seed)
            var counted: Double?
            for power in 0...20 {
                let pattern = (0..<1 << power).map { _ in UInt8(random.unit() < 0.5 ? 0 : 1) }
                // Always to the end of the pattern.
                let steps = max(65_536, pattern.count)
                for _ in 0..<10 { CoreProbe.branch(pattern, steps) }
                if power == 20 {
                    counted = Counter.branchMisses.count { CoreProbe.branch(pattern, steps) }.map { $0 / Double(steps) }
                }
                curve.add(
                    Double(1 << power),
                    lab.time(seconds: lab.pointSeconds / 2) { CoreProbe.branch(pattern, steps) }.map { $0 / Double(steps) })
            }
            observation.series = [curve]
            let (easy, hard) = (curve.points[0].y, curve.points.last!.y)
            observation.numbers = [
                .alwaysTheSame: easy, .randomSteps: hard,
                .longestPatternLearnt: curve.points.last { $0.y < easy + 0.2 * (hard - easy) }!.x,
                // Where nobody counts, every second one is taken to go wrong.
                .aWrongGuess: (hard - easy) / max(0.05, counted ?? 0.5),
            ]
            observation.numbers[.countedWrong] = counted
            return observation
        },
        judge: { found, facts in
            let (easy, hard, learnt) = (
                found[.alwaysTheSame]!, found[.randomSteps]!, found[.longestPatternLearnt]!
            )
            let wrong = found[.aWrongGuess]!
            return (
                hard > 2 * easy && learnt >= 256 ? .supported : .refuted,
                "A branch that always goes the same way takes \(text(easy, 2)) ns with its loop, one of a random pattern of 1,048,576 steps \(text(hard, 2)) ns. Patterns of up to \(text(learnt, 0)) steps are learnt to four fifths or more. \(hard > 1.2 * easy ? "\(found[.countedWrong].map { "The processor counted \(text($0, 2)) wrong guesses a step at the longest pattern: a" } ?? "If every second guess at the longest pattern is wrong, a") wrong one costs \(text(wrong, 1)) ns\(facts.cycle.map { ", \(text(wrong / $0, 0)) cycles" } ?? "")." : "Even the longest was learnt here.")"
            )
        },
        remember: { found, _ in
            found[.randomSteps]! > 1.2 * found[.alwaysTheSame]!
                ? "A branch that cannot be predicted takes \(text(found[.randomSteps]!, 1)) ns, one that always goes the same way \(text(found[.alwaysTheSame]!, 1))."
                : "All patterns that were tried were learnt: no branch was slow."
        })
}
