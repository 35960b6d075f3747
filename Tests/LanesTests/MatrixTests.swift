import Lanes
import Testing

@Suite struct MatrixTests {
    /// Types keep matrices by being noncopyable, or classes.
    private struct Layer: ~Copyable {
        var weights = Matrix<Float>(rows: 2, columns: 2, repeating: 1)
    }

    @Test func isAValue() {
        var a = Matrix<Float>([[1, 2, 3], [4, 5, 6]])
        let b = a.copy()
        #expect(Bool(a == b))
        a[1, 2] = 7
        #expect(a != b && b[1, 2] == 6 && a.description == "2 x 3 [[1.0, 2.0, 3.0], [4.0, 5.0, 7.0]]")
        #expect(Bool(Matrix<Float>(rows: 3, columns: 2, b.elements) != b))
        #expect(Bool(Matrix<Double>(rows: 2, columns: 1, repeating: .nan) != Matrix(rows: 2, columns: 1, repeating: .nan)))
        let large = Matrix<Float>(rows: 100, columns: 100)
        #expect(large.description.count < 500 && large.description.hasPrefix("100 x 100 [[0.0, 0.0, 0.0, …, 0.0, 0.0], "))
        #expect(
            Matrix<Float>([]).description == "0 x 0 []" && Matrix<Float>(rows: 2, columns: 0) != Matrix(rows: 3, columns: 0))
        var layer = Layer()
        layer.weights[0, 0] = 2
        #expect(sum(layer.weights) == 5)
    }

    @Test func takesTheMemoryOfABuffer() {
        let m = Matrix(rows: 2, columns: 2, buffer: Buffer<Double>([1, 2, 3, 4]))
        #expect(Bool(m == Matrix([[1, 2], [3, 4]])))
    }

    @Test func rowsAndBlocks() {
        var a = Matrix<Float>(rows: 4, columns: 3, (0..<12).map(Float.init))
        #expect(a.row(2)[1] == 7 && a.withRow(3) { $0[0] } == 9)
        a.withMutableRow(1) { row in for index in row.indices { row[index] = -1 } }
        var row = a.mutableRow(0)
        row[2] = 20
        #expect(a.elements == [0, 1, 20, -1, -1, -1, 6, 7, 8, 9, 10, 11])
        #expect(a[rows: 2..<4].elements == [6, 7, 8, 9, 10, 11] && a[columns: 2..<3].elements == [20, -1, 8, 11])
        #expect(Bool(a[rows: 2..<4, columns: 0..<2].copy() == Matrix([[6, 7], [9, 10]])))
        #expect(a[rows: 1..<3][1, 2] == 8 && a.view.row(2)[0] == 6 && a[rows: 1..<4][rows: 1..<2].elements == [6, 7, 8])
        var view = a.mutableView()
        view[3, 0] = 5
        var part = view.part(rows: 3..<4, columns: 1..<3)
        var last = part.row(0)
        last[1] = 6
        #expect(a.row(3)[0] == 5 && a[3, 2] == 6)
        let numbers: [Float] = [1, 2, 3, 4, 5, 6, 7]
        #expect(columnSums(MatrixView(numbers.span, rows: 2, columns: 2, leadingDimension: 4)).elements == [6, 8])
    }

    private func message(_ result: ExitTest.Result?) -> String {
        String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    }

    @Test func misuse() async {
        let ragged = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            _ = Matrix<Float>([[1, 2], [3]])
        }
        #expect(message(ragged).contains("Matrix: row 1 has 1 elements, row 0 has 2"))
        let block = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            let a = Matrix<Float>(rows: 2, columns: 2)
            _ = a[rows: 1..<3].rows
        }
        #expect(message(block).contains("rows 1..<3 and columns 0..<2 are not inside 2 x 2"))
        #expect(message(block).contains("MatrixTests.swift:"))
        let short = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            let numbers: [Float] = [1, 2, 3]
            _ = MatrixView(numbers.span, rows: 2, columns: 2).rows
        }
        #expect(message(short).contains("2 x 2 with leading dimension 2 are more than 3 elements"))
        let buffer = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            _ = Matrix(rows: 2, columns: 2, buffer: Buffer<Float>(count: 3))
        }
        #expect(message(buffer).contains("3 elements do not fill 2 x 2"))
    }
}
