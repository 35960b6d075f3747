import Lanes
import LanesMeasurement

extension Quantity {
    fileprivate static let triad = Quantity("triad", "GFLOP/s")
    fileprivate static let product1024 = Quantity("product 1024", "GFLOP/s")
    fileprivate static func rate(of product: String, by peer: ProductPeer? = nil) -> Quantity {
        Quantity((peer.map { "\($0.name), " } ?? "") + product, "GFLOP/s")
    }
    fileprivate static let peak = Quantity("peak", "GFLOP/s")
    fileprivate static let memoryBandwidth = Quantity("memory", "GB/s")
    fileprivate static let ridgeOperationsPerByte = Quantity("ridge, operations per byte")
    fileprivate static let highestOverItsRoof = Quantity("highest over its roof")
    fileprivate static let highestOverTheSlope = Quantity("highest over the slope")
}

extension Experiment {
    static let roofline = Experiment(
        id: "roofline", title: "What is bound by memory, and what by arithmetic?",
        question: "Operations per byte of kernels from a triad to a large product: do they reach the roof above them?",
        hypothesis:
            "A triad in memory runs on the slope, large products near the flat roof; no product is more than a twentieth above it.",
        figure: .curves(x: "operations per byte", y: "GFLOP/s, one lane", logX: true, logY: true),
        predict: { profile in
            [.triad: profile.memoryBandwidthOne / 6, .product1024: 0.93 * profile.peakOne]
        },
        needs: .oneLane,
        measure: { lab in
            var observation = Observation()
            let profile = lab.profile
            var roof = Series("roof of memory", unit: "GFLOP/s")
            for exponent in -4...10 {
                let intensity = 2.0.power(Double(exponent))
                let y = min(profile.peakOne, intensity * profile.memoryBandwidthOne)
                roof.points.append(.init(x: intensity, label: nil, y: y, samples: [y]))
            }
            var points = Series("kernels", unit: "GFLOP/s")
            let arrays = StreamArrays(lab)
            // Two operations for twelve bytes.
            let triad = lab.time(seconds: 6 * lab.pointSeconds) { arrays.pass(.triad, lane: 0, of: 1) }.map {
                arrays.bytes(.triad) / 6 / $0
            }
            points.add(2.0 / 12, triad, label: "triad")
            observation.numbers[.triad] = points.points.last!.y
            let products: [(String, (m: Int, n: Int, k: Int))] = [
                ("product 1 × 4096 × 4096", (1, 4096, 4096)), ("product 8 × 2048 × 2048", (8, 2048, 2048)),
                ("layer 64 × 128 × 784", (64, 128, 784)), ("product 256", (256, 256, 256)),
                (Quantity.product1024.name, (1024, 1024, 1024)),
            ]
            // Where a product stands on the roofline: operations, and operations for a byte that has to move at least once.
            func place(_ m: Int, _ n: Int, _ k: Int) -> (operations: Double, intensity: Double) {
                let operations = 2 * Double(m) * Double(n) * Double(k)
                return (operations, operations / (4 * (Double(m * k) + Double(k * n) + 2 * Double(m * n))))
            }
            for (name, (m, n, k)) in products {
                let a = Matrix<Float>(rows: m, columns: k, repeating: 0.5)
                let b = Matrix<Float>(rows: k, columns: n, repeating: 0.25)
                var c = Matrix<Float>(rows: m, columns: n)
                let (operations, intensity) = place(m, n, k)
                let times = lab.time(seconds: max(3 * lab.pointSeconds, 6e-9 * operations / 100)) { multiply(a, b, into: &c) }
                points.add(intensity, times.map { operations / $0 }, label: name)
                observation.numbers[.rate(of: name)] = points.points.last!.y
            }
            points.points.sort { $0.x < $1.x }
            observation.series = [roof, points]
            for peer in lab.peers {
                var series = Series(peer.name, unit: "GFLOP/s")
                for ((name, (m, n, k)), times) in zip(products, try peer.time(products.map(\.1), 1, 3 * lab.pointSeconds)) {
                    let (operations, intensity) = place(m, n, k)
                    series.add(intensity, times.map { operations / $0 }, label: name)
                    observation.numbers[.rate(of: name, by: peer)] = series.points.last!.y
                }
                series.points.sort { $0.x < $1.x }
                observation.series.append(series)
            }
            observation.numbers[.peak] = profile.peakOne
            observation.numbers[.memoryBandwidth] = profile.memoryBandwidthOne
            observation.numbers[.ridgeOperationsPerByte] = profile.peakOne / profile.memoryBandwidthOne
            observation.numbers[.highestOverTheSlope] = points.points.map { $0.y / ($0.x * profile.memoryBandwidthOne) }.max()!
            observation.numbers[.highestOverItsRoof] = points.points.filter { $0.x > 8 }.map { $0.y / profile.peakOne }
                .max()!
            return observation
        },
        judge: { found, _ in
            let (product, peak, triad, memory) = (
                found[.product1024]!, found[.peak]!, found[.triad]!, found[.memoryBandwidth]!
            )
            return (
                product > 0.8 * peak && (found[.highestOverItsRoof] ?? product / peak) <= 1.05 && triad > 0.7 * memory / 6
                    && triad < 1.4 * memory / 6
                    ? .supported : .refuted,
                "The two roofs meet at \(text(found[.ridgeOperationsPerByte]!, 0)) operations per byte. The triad has a sixth of one and gets \(text(triad)) GFLOP/s, which is \(text(6 * triad, 0)) GB/s beside the \(text(memory, 0)) of the profile; the product of 1024 reuses each number so often that it gets \(text(product, 0)) GFLOP/s, where the peak was \(text(peak, 0)) when the profile was measured\(product > peak ? " (a core's clock is not always the same)" : "").\(found[.highestOverTheSlope].map { $0 > 1.05 ? " The slope is that of a triad and no limit: what only reads, or finds its operands in a cache, stands up to \(text($0, 2)) times as high." : "" } ?? "") Only more operations per byte move a kernel to the right."
            )
        },
        remember: { found, _ in
            "The triad's rate of memory and the peak of arithmetic meet at \(text(found[.ridgeOperationsPerByte]!, 1)) operations for each byte."
        })
}
