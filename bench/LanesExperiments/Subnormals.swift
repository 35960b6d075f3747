import LanesMeasurement

extension Quantity {
    fileprivate static let adamGoneOutOverGoingOn = Quantity("Adam, gradients gone out over going on", "times")
    fileprivate static let subnormalOverNormal = Quantity("subnormal over normal", "times")
    fileprivate static let multiplicationNormal = Quantity("multiplication, normal", "ns")
    fileprivate static let multiplicationSubnormal = Quantity("multiplication, subnormal", "ns")
    fileprivate static let multiplicationSubnormalFlushed = Quantity("multiplication, subnormal, flushed", "ns")
}

extension Experiment {
    static let subnormals = Experiment(
        id: "subnormals", title: "What do subnormal numbers cost?",
        question:
            "A multiplication of a number below 2^-126: as it is, and with flush-to-zero; and does our Adam come across such numbers?",
        hypothesis:
            "A subnormal operand makes a multiplication at least ten times as long; Adam takes the same time after its gradients have gone out.",
        figure: .bars(y: "ns", logY: true),
        predict: { _ in [.adamGoneOutOverGoingOn: 1] },
        needs: .oneLane,
        measure: { lab in
            var observation = Observation()
            var multiplications = Series("multiplications", unit: "ns")
            let steps = 20_000
            for (quantity, number, flush) in [
                (Quantity.multiplicationNormal, Float(0.75), false),
                (.multiplicationSubnormal, Float.leastNormalMagnitude / 4, false),
                (.multiplicationSubnormalFlushed, Float.leastNormalMagnitude / 4, true),
            ] {
                guard CoreProbe.multiply(1, of: number, flush: flush) else {
                    observation.notes.append("this processor cannot flush subnormal numbers to zero")
                    continue
                }
                let times = lab.time { _ = CoreProbe.multiply(steps, of: number, flush: flush) }.map { $0 / Double(8 * steps) }
                multiplications.add(Double(multiplications.points.count), times, label: quantity.name)
                observation.numbers[quantity] = multiplications.points.last!.y
            }
            // Moments of gradients that have gone out decay by a tenth a step: after 1,000 steps they are far below the smallest normal number.
            var adam = Series("Adam, a parameter", unit: "ns")
            let count = 4096
            for (label, later) in [("gradients go on", Float(0.01)), ("gradients gone out", 0)] {
                var mean = [Float](repeating: 0, count: count)
                var variance = mean
                var parameters = mean
                for _ in 0..<10 {
                    CoreProbe.adam(
                        gradient: [Float](repeating: 0.01, count: count), mean: &mean, variance: &variance,
                        parameters: &parameters)
                }
                let gradient = [Float](repeating: later, count: count)
                for _ in 0..<1000 {
                    CoreProbe.adam(gradient: gradient, mean: &mean, variance: &variance, parameters: &parameters)
                }
                let times = lab.time {
                    CoreProbe.adam(gradient: gradient, mean: &mean, variance: &variance, parameters: &parameters)
                }
                adam.add(Double(adam.points.count), times.map { $0 / Double(count) }, label: label)
            }
            observation.series = [multiplications, adam]
            observation.numbers[.subnormalOverNormal] =
                multiplications.points[1].y / multiplications.points[0].y
            observation.numbers[.adamGoneOutOverGoingOn] = adam.points[1].y / adam.points[0].y
            return observation
        },
        judge: { found, _ in
            let (times, adam) = (
                found[.subnormalOverNormal]!, found[.adamGoneOutOverGoingOn]!
            )
            return (
                times >= 10 && adam < 1.2 ? .supported : .refuted,
                "In a stream of independent ones a multiplication takes \(text(found[.multiplicationNormal]!, 2)) ns of a normal number and \(text(found[.multiplicationSubnormal]!, 2)) of a subnormal one: \(text(times, 2)) times.\(found[.multiplicationSubnormalFlushed].map { " With flush-to-zero it takes \(text($0, 2)) ns." } ?? "") \(times < 1.5 ? "Multiplications by 1 do not show them here." : "Where they come in unforeseen, a program gets slower by that.") Adam takes \(text(adam, 2)) times as long on parameters whose gradients have gone out\(times >= 1.5 ? ": our kernels put +0 for moments below 2^-100" : "")."
            )
        },
        remember: { found, _ in
            "A multiplication of a subnormal number takes \(text(found[.subnormalOverNormal]!)) times as long as one of a normal number."
        })
}
