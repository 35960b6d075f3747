import Lanes

/// The first layer, by far the largest, as narrower layers side by side: one for each lane, whose weights no other lane touches.
///
/// The weights of a block follow each other without gaps. In the rows of the whole matrix, prefetchers would take lines of other
/// lanes' blocks along, and the lines would be transferred between cores in every step.
internal struct ColumnBlocks: Sendable {
    struct Block: Sendable {
        /// Of the whole layer.
        let columns: Range<Int>
        let layer: Linear
    }
    let blocks: [Block]
    private let whole: Linear

    /// Blocks of a multiple of 16 columns; one block where one lane would have a fifth more than its share.
    init(_ layer: Linear, lanes: Int) {
        whole = layer
        let even = ((layer.outputs + lanes - 1) / lanes + 15) / 16 * 16
        let width = 5 * even * lanes <= 6 * layer.outputs ? even : layer.outputs
        blocks = stride(from: 0, to: layer.outputs, by: width).map { first in
            let columns = first..<min(first + width, layer.outputs)
            return Block(
                columns: columns,
                layer: Linear(
                    inputs: layer.inputs, outputs: columns.count, weights: layer.weights + layer.inputs * first,
                    bias: layer.bias + first, isRectified: layer.isRectified))
        }
    }

    /// Parameters, or what belongs to them one by one, with the layer's weights in blocks.
    func cut<Element>(_ parameters: [Element]) -> [Element] {
        var cut = parameters
        forEachRow { whole, block in cut.replaceSubrange(block, with: parameters[whole]) }
        return cut
    }

    /// The way back.
    func joined<Element>(_ cut: [Element]) -> [Element] {
        var parameters = cut
        forEachRow { whole, block in parameters.replaceSubrange(whole, with: cut[block]) }
        return parameters
    }

    // Where each row of each block stands in the whole and in the block.
    private func forEachRow(_ body: (_ whole: Range<Int>, _ block: Range<Int>) -> Void) {
        for block in blocks {
            for input in 0..<whole.inputs {
                let first = whole.weights + input * whole.outputs + block.columns.lowerBound
                let place = block.layer.weights + input * block.columns.count
                body(first..<first + block.columns.count, place..<place + block.columns.count)
            }
        }
    }
}
