import Lanes
import LanesParallel
import Testing

@Suite struct ParallelVectorTests {
    private func numbers(_ count: Int, _ seed: Int) -> Buffer<Float> {
        Buffer((0..<count).map { Float(($0 * 7919 + seed) % 2003) / 1000 - 1 })
    }

    @Test(arguments: [1, 2, 3, 5], [0, 1, 16384, 40000, 300_001])
    func sameBitsAsOnOneThread(lanes: Int, count: Int) {
        let pool = WorkerPool(lanes: lanes)
        let x = numbers(count, 1)
        let y = numbers(count, 2)
        var z = Buffer<Float>(count: count)
        var expected = Buffer<Float>(count: count)
        #expect(pool.sum(x) == sum(x))
        #expect(pool.dot(x, y) == dot(x, y))
        #expect(pool.maximum(x) == maximum(x))
        pool.exp(x, into: &z)
        exp(x, into: &expected)
        #expect(z.elements == expected.elements)
        pool.axpy(0.5, x, into: &z)
        axpy(0.5, x, into: &expected)
        #expect(z.elements == expected.elements)
        for stores in [Stores.automatic, .cached, .streaming] {
            pool.triad(3, x, y, into: &z, stores: stores)
            #expect(z.elements.indices.allSatisfy { z[$0] == x[$0].addingProduct(3, y[$0]) })
            pool.copy(x, into: &z, stores: stores)
            #expect(z.elements == x.elements)
            pool.scale(2, x, into: &z, stores: stores)
            #expect(z.elements.indices.allSatisfy { z[$0] == 2 * x[$0] })
            pool.add(x, y, into: &z, stores: stores)
            #expect(z.elements.indices.allSatisfy { z[$0] == x[$0] + y[$0] })
            pool.fill(&z, with: 4, stores: stores)
            #expect(z.elements == [Float](repeating: 4, count: count))
        }
        pool.relu(x, into: &z)
        relu(x, into: &expected)
        #expect(z.elements == expected.elements)
        pool.log(x, into: &z)
        log(x, into: &expected)
        #expect(zip(z.elements, expected.elements).allSatisfy { $0 == $1 || $0.isNaN && $1.isNaN })
    }
}
