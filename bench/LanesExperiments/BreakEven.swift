import Lanes
import LanesMeasurement
import LanesParallel

extension Quantity {
    fileprivate static let sizeWhereTwoLanesGain = Quantity("n where two lanes gain a tenth")
    fileprivate static let worstRatio = Quantity("worst ratio")
    fileprivate static let worstSize = Quantity("n of the worst ratio")
    fileprivate static let ratioAtTheLargestSize = Quantity("ratio at the largest size")
}

extension Experiment {
    static let breakEven = Experiment(
        id: "break-even", title: "Which products are worth a second lane?",
        question: "From which size on is a square matrix product faster on two lanes than on one?",
        hypothesis:
            "From the size on whose half takes longer than a parallel region; no product gets slower, for small ones stay on one lane.",
        figure: .curves(x: "n of n × n × n", y: "one lane's time over two lanes'", logX: true),
        predict: { profile in
            guard profile.lanes > 1 else { return [:] }
            // 1.1 = t / (t / 2 + region): t = 2.44 regions. 2n³ operations at two thirds of the rate of a middling product.
            let time = 2.44 * profile.region
            return [.sizeWhereTwoLanesGain: (time * profile.product * 0.67 / 2).power(1.0 / 3)]
        },
        leavesOut: [
            .sizeWhereTwoLanesGain:
                "tiles that two lanes cannot share evenly, and the way of the second lane's operands from the first one's cache, are not in it"
        ],
        needs: .transfers,
        measure: { lab in
            guard lab.lanes > 1 else { return .notTestable("one processor: there is no second lane") }
            var observation = Observation()
            var gain = Series("two lanes over one", unit: "ratio")
            let two = lab.lanes == 2 ? lab.pool : lab.makePool(lanes: 2, processors: lab.processors)
            var first = 0.0
            var worst = Double.infinity
            for n in [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 128, 192, 256, 384] {
                let a = Matrix<Float>(rows: n, columns: n, repeating: 0.5)
                var c = Matrix<Float>(rows: n, columns: n)
                var ratios: [Double] = []
                for _ in 0..<(lab.isQuick ? 5 : 15) {
                    let one = lab.time(seconds: lab.pointSeconds / 3, samples: 5) { multiply(a, a, into: &c) }.min()!
                    let both = lab.time(seconds: lab.pointSeconds / 3, samples: 5) { multiply(a, a, into: &c, on: two) }.min()!
                    ratios.append(one / both)
                }
                gain.add(Double(n), ratios)
                let median = gain.points.last!.y
                // From here on: a larger size that does not gain takes it back.
                if median <= 1.1 { first = 0 } else if first == 0 { first = Double(n) }
                worst = min(worst, median)
            }
            observation.series = [gain]
            observation.numbers = [
                .sizeWhereTwoLanesGain: first, .worstRatio: worst, .worstSize: gain.points.min { $0.y < $1.y }!.x,
                .ratioAtTheLargestSize: gain.points.last!.y,
            ]
            return observation
        },
        judge: { found, facts in
            let (first, worst) = (found[.sizeWhereTwoLanesGain]!, found[.worstRatio]!)
            return (
                first > 0 && worst > 0.9 ? .supported : .refuted,
                first > 0
                    ? "Two lanes gain a tenth from n = \(text(first, 0)) on, and \(text(found[.ratioAtTheLargestSize]!, 2)) times at n = 384; the worst ratio of all sizes is \(text(worst, 2))\(found[.worstSize].map { ", at n = \(text($0, 0))" } ?? "")\(worst > 0.9 ? "" : ": there a product does get slower, against the hypothesis"). An empty region took \(text(facts.region, 0)) ns right before."
                    : "Two lanes never gained a tenth for good. Multiply-adds on both at once reached \(text(facts.arithmeticOfTwo, 2)) times the rate of one right before\(facts.pair == .threadsOfOneCore ? ": the two are threads of one core" : "")."
            )
        },
        remember: { found, _ in
            found[.sizeWhereTwoLanesGain]! > 0
                ? "A product is worth a second lane from about \(text(found[.sizeWhereTwoLanesGain]!, 0)) rows and columns on."
                : "No product up to 384 rows and columns was worth a second lane."
        })
}
