import Foundation
import Lanes
import LanesMeasurement

extension Quantity {
    fileprivate static let f32OverF64 = Quantity("f32 over f64", "times")
    fileprivate static let f32 = Quantity("f32", "GFLOP/s")
    fileprivate static let f64 = Quantity("f64", "GFLOP/s")
    fileprivate static let largestError = Quantity("largest error of f32, 2^-24")
    fileprivate static let meanError = Quantity("mean error of f32, 2^-24")
}

extension Experiment {
    static let precision = Experiment(
        id: "precision", title: "What the width of a number brings",
        question: "The same product of 512 × 512 × 512 in f32 and in f64: speed, bytes and error?",
        hypothesis: "Half the bytes are twice the speed; the error is a few units in the last place on the average.",
        figure: .bars(y: "GFLOP/s, one lane"),
        predict: { _ in [.f32OverF64: 2] },
        needs: .oneLane,
        measure: { lab in
            var observation = Observation()
            let n = 512
            var random: UInt64 = lab.seed &+ 88_172_645_463_325_252
            func next() -> Double {
                random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return Double(random >> 40) / 16_777_216
            }
            // Numbers that f32 holds exactly, so that only the arithmetic differs.
            let (a, b) = ((0..<n * n).map { _ in next() }, (0..<n * n).map { _ in next() })
            let wideA = Matrix<Double>(rows: n, columns: n, a)
            let wideB = Matrix<Double>(rows: n, columns: n, b)
            let narrowA = Matrix<Float>(rows: n, columns: n, a.map { Float($0) })
            let narrowB = Matrix<Float>(rows: n, columns: n, b.map { Float($0) })
            var wide = Matrix<Double>(rows: n, columns: n)
            var narrow = Matrix<Float>(rows: n, columns: n)
            var bars = Series("a product of 512", unit: "GFLOP/s")
            let operations = 2 * Double(n * n * n)
            // In turns.
            let times = sampleInTurns(
                seconds: 2 * lab.pointSeconds,
                [{ multiply(narrowA, narrowB, into: &narrow) }, { multiply(wideA, wideB, into: &wide) }])
            bars.add(0, times[0].map { operations / $0 }, label: "f32")
            bars.add(1, times[1].map { operations / $0 }, label: "f64")
            observation.series = [bars]
            let errors = zip(narrow.elements, wide.elements).map { abs(Double($0) - $1) / abs($1) }
            observation.numbers = [
                .f32: bars.points[0].y, .f64: bars.points[1].y,
                .f32OverF64: bars.points[0].y / bars.points[1].y,
                .largestError: errors.max()! * 16_777_216,
                .meanError: errors.reduce(0, +) / Double(errors.count) * 16_777_216,
            ]
            return observation
        },
        judge: { found, _ in
            let times = found[.f32OverF64]!
            let (largest, mean) = (found[.largestError]!, found[.meanError]!)
            return (
                times > 1.7 && times < 2.4 && mean < 8 ? .supported : .refuted,
                "One lane does \(text(found[.f32]!, 0)) GFLOP/s in f32 and \(text(found[.f64]!, 0)) in f64, \(text(times, 2)) times. Against f64 an element of f32 is off by \(text(mean, 1)) times 2^-24 of itself on the average and \(text(largest, 1)) times at most, of the 512 that the error bound of so long a sum allows."
            )
        },
        remember: { found, _ in
            "f32 does \(text(found[.f32OverF64]!, 2)) times the operations of f64, and an element of a product is off by \(text(found[.meanError]!, 1)) times 2^-24 of itself on the average."
        })
}
