import CKernels
import Foundation
import Testing

/// The kernels of a network beside a reference in Double, on every instruction set of this machine, rows wider than what they hold at once too.
@Suite struct NetworkKernelTests {
    @safe struct Row: @unchecked Sendable {
        let kernels: ck_network_kernels
        let matrix: ck_matrix_kernels
        var byteCount: Int { unsafe Int(kernels.byte_count) }
    }
    static let rows: [Row] = {
        var count: Int32 = 0
        let rows = unsafe ck_network_catalogue(&count)!
        // Both catalogues have the same instruction sets and types in the same order.
        let matrices = unsafe ck_matrix_catalogue(&count)!
        return (0..<Int(count)).map { unsafe Row(kernels: rows[$0]!.pointee, matrix: matrices[$0]!.pointee) }.filter {
            unsafe ck_isa_available($0.kernels.isa)
        }
    }()

    // The element type's kernels; a test of each by its closure.
    private func each<Element: BinaryFloatingPoint & BitwiseCopyable & Sendable>(
        _ type: Element.Type, _ test: (Row) -> [Element]
    ) {
        var first: [Element]?
        for row in Self.rows where row.byteCount == MemoryLayout<Element>.size {
            let result = test(row)
            // The same bits on every instruction set.
            if let first { #expect(first.elementsEqual(result) { $0 == $1 && $0.sign == $1.sign || $0.isNaN && $1.isNaN }) }
            first = first ?? result
        }
        #expect(first != nil)
    }

    private func numbers<Element: BinaryFloatingPoint>(_ count: Int) -> [Element] {
        (0..<count).map { Element(($0 * 7919 + 13) % 4001) / 200 - 10 }
    }

    private func logSoftmax<Element: BinaryFloatingPoint & BitwiseCopyable & Sendable>(_ type: Element.Type, _ columns: Int) {
        let (rows, stride) = (3, columns + 5)
        let x: [Element] = numbers(rows * stride)
        let labels: [Int32] = [0, Int32(columns - 1), Int32(min(columns - 1, 1024))]
        var expected: [[Double]] = []
        for line in 0..<rows {
            let numbers = x[line * stride..<line * stride + columns].map(Double.init)
            let largest = numbers.max()!
            let sum = numbers.reduce(0) { $0 + exp($1 - largest) }
            expected.append(numbers.map { $0 - largest - log(sum) })
        }
        // A sum of n terms in ascending order, its logarithm, and differences of numbers up to 20.
        let bound = Double(columns + 60) * Double(Element.ulpOfOne)
        each(type) { row in
            var y = [Element](repeating: 77, count: rows * stride)
            unsafe row.matrix.log_softmax(Int64(rows), Int64(columns), x, Int64(stride), &y, Int64(stride))
            for line in 0..<rows {
                for column in 0..<columns { #expect(abs(Double(y[line * stride + column]) - expected[line][column]) < bound) }
                #expect(y[line * stride + columns..<(line + 1) * stride].allSatisfy { $0 == 77 })
            }
            var gradient = [Element](repeating: 77, count: rows * stride)
            unsafe row.kernels.nll_backward(
                Int64(rows), Int64(columns), y, Int64(stride), labels, 0.25, &gradient, Int64(stride))
            for line in 0..<rows {
                for column in 0..<columns {
                    let one = Int32(column) == labels[line] ? 1.0 : 0
                    let right = (exp(expected[line][column]) - one) / 4
                    #expect(abs(Double(gradient[line * stride + column]) - right) < bound)
                }
            }
            return y + gradient
        }
    }

    @Test(arguments: [1, 2, 10, 1023, 1024, 1025, 2500]) func logSoftmaxOfRowsOfAnyWidth(columns: Int) {
        logSoftmax(Float.self, columns)
        logSoftmax(Double.self, columns)
    }

    @Test func theLargestColumnIsTheFirstAndNeverNaNWhereThereIsANumber() {
        let nan = Float.nan
        let cases: [([Float], Int32)] = [
            ([1, 2, 2, 0], 1), ([nan, 3, 1, 3], 1), ([nan, nan, -5, nan], 2), ([nan, nan, nan, nan], 0), ([2, nan, 1, nan], 0),
            ([-0.0, 0, 0, -1], 0), ([-.infinity, nan, -.infinity, -.infinity], 0), ([nan, -.infinity, nan, .infinity], 3),
        ]
        for row in Self.rows where row.byteCount == 4 {
            for (x, expected) in cases {
                var column: Int32 = -1
                unsafe row.kernels.argmax(1, Int64(x.count), x, Int64(x.count), &column)
                #expect(column == expected, "\(x)")
            }
        }
    }

    @Test(arguments: [0, 1, 1023, 1024, 1025, 3000]) func gradientsPassWhereTheResultIsPositive(count: Int) {
        let y: [Float] = (0..<count).map { $0 % 3 == 0 ? 0 : Float($0 % 5) - 1 }
        let dy: [Float] = numbers(count)
        each(Float.self) { row in
            var (apart, inPlace) = ([Float](repeating: 77, count: count + 1), dy)
            unsafe row.kernels.rectified_backward(Int64(count), y, dy, &apart)
            unsafe inPlace.withUnsafeMutableBufferPointer {
                unsafe row.kernels.rectified_backward(Int64(count), y, UnsafeRawPointer($0.baseAddress), $0.baseAddress)
            }
            #expect(apart[count] == 77 && Array(apart.dropLast()) == inPlace)
            for index in 0..<count { #expect(apart[index] == (y[index] > 0 ? dy[index] : 0)) }
            return apart
        }
    }
}
