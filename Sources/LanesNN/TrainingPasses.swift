internal import CKernels
import Lanes
import LanesParallel

/// The passes of one step over parts of the batch, each for whatever samples, columns or weights a lane has. They write to parts of the
/// trainer's memory that do not overlap, and the trainer waits for all lanes between them.
///
/// Layer i has inputs(i) inputs and outputs(i) outputs; `outputs[i]` and `deltas[i]`, the gradients of the loss for them, are
/// batch × outputs(i), and the input of layer i is `inputs` or `outputs[i - 1]`.
@safe internal struct TrainingPasses<Element: LaneElement>: @unchecked Sendable {
    /// Samples of the batch.
    let count: Int
    let layers: StandingList<Linear>
    /// The first layer by columns; one block where it is not cut, and is passed as the others are.
    let blocks: StandingList<ColumnBlocks.Block>
    /// A batch that somebody prepared, in place of `inputs`.
    let given: Rows<Element>?
    /// One for each block, with the same numbers.
    let inputs: StandingList<Rows<Element>>  // batch × inputs(0)
    let outputs: StandingList<Rows<Element>>
    let deltas: StandingList<Rows<Element>>
    let parameters: Rows<Element>  // 1 × all of them, and so are the gradient and what the optimizer keeps
    let labels: UnsafePointer<Int32>
    let predictions: UnsafeMutablePointer<Int32>
    /// Sums of squares of outputs and deltas, a pair for each layer, the parts of the batch `squareStride` apart.
    let squares: UnsafeMutablePointer<Double>
    let squareStride: Int
    let dropout: Dropout
    let seed: UInt64
    /// Of the random numbers of this step.
    let stream: UInt64

    var whole: Range<Int> { 0..<count }
    var isCut: Bool { blocks.count > 1 }

    /// The first layer's outputs for the columns of some blocks, of the whole batch.
    @_specialize(where Element == Float)
    @_specialize(where Element == Double)
    func forwardFirstLayer(_ range: Range<Int>, input: Rows<Element>) {
        for block in range {
            blocks[block].layer.forward(input[whole], parameters, into: outputs[0][whole].columns(blocks[block].columns))
        }
    }

    /// Outputs of all layers, and predictions, for some samples: relu(x·W + b), some of them dropped, and log-softmax at the end.
    @_specialize(where Element == Float)
    @_specialize(where Element == Double)
    func forward(_ rows: Range<Int>) {
        var x = (given ?? inputs[0])[rows]
        for index in 0..<layers.count {
            let y = outputs[index][rows]
            if index > 0 || !isCut { layers[index].forward(x, parameters, into: y) }
            if layers[index].isRectified { drop(y, after: index, firstRow: rows.lowerBound) }
            x = y
        }
        LogSoftmax.forward(x, into: x)
        unsafe Element.laneKernels.network.pointee.argmax(
            Int64(rows.count), Int64(x.columns), x.base, Int64(x.leadingDimension), predictions + rows.lowerBound)
    }

    /// Gradients of the mean loss for the outputs of all layers, last to first, for some samples that `forward` has passed.
    @_specialize(where Element == Float)
    @_specialize(where Element == Double)
    func backward(_ rows: Range<Int>) {
        let last = layers.count - 1
        unsafe NegativeLogLikelihood.backward(
            outputs[last][rows], labels + rows.lowerBound, scale: 1 / Double(count), into: deltas[last][rows])
        for index in stride(from: last, to: 0, by: -1) {
            let dx = deltas[index - 1][rows]
            layers[index].backward(deltas[index][rows], parameters, into: dx)
            ReLU.backward(at: outputs[index - 1][rows], dx)
            drop(dx, after: index - 1, firstRow: rows.lowerBound)
        }
    }

    /// The same outputs on the way back as on the way forward: it depends on seed, step, layer and sample alone.
    private func drop(_ y: Rows<Element>, after layer: Int, firstRow: Int) {
        guard dropout.rate > 0 else { return }
        var random = SplitMix64(seed: seed, stream: stream &+ UInt64(layer))
        dropout.apply(y, seed: random.next(), firstRow: firstRow)
    }

    /// Sums of squares for the check of the gradients, of the samples that are part `part` of the batch.
    @_specialize(where Element == Float)
    @_specialize(where Element == Double)
    func noteSquares(_ rows: Range<Int>, part: Int) {
        for index in 0..<layers.count {
            unsafe squares[part * squareStride + 2 * index] = outputs[index][rows].square
            unsafe squares[part * squareStride + 2 * index + 1] = deltas[index][rows].square
        }
    }

    /// Gradients of all parameters from some samples: dW = xᵀ·dy, db = the column sums of dy.
    @_specialize(where Element == Float)
    @_specialize(where Element == Double)
    func gradients(_ rows: Range<Int>, into sums: Rows<Element>) {
        for index in 0..<layers.count {
            let layer = layers[index]
            layer.weightGradient(
                input(of: index, given ?? inputs[0])[rows], deltas[index][rows], inputs: 0..<layer.inputs,
                into: layer.weights(sums))
            layer.biasGradient(deltas[index][rows], into: layer.bias(sums))
        }
    }

    private func input(of layer: Int, _ first: Rows<Element>) -> Rows<Element> { layer == 0 ? first : outputs[layer - 1] }

    /// Gradient and update of a lane's share of the parameters, from the whole batch: its blocks of the first layer, some rows of every other
    /// layer's weights, and the biases of every so many layers.
    @_specialize(where Element == Float)
    @_specialize(where Element == Double)
    func learn(_ learning: Learning<Element>, blocks mine: Range<Int>, lane: Int, of lanes: Int, input: Rows<Element>) {
        if isCut {
            for block in mine {
                let (layer, dy) = (blocks[block].layer, deltas[0][whole].columns(blocks[block].columns))
                learning.weights(layer, input[whole], dy, inputs: 0..<layer.inputs)
                learning.bias(layer, dy)
            }
        }
        for index in (isCut ? 1 : 0)..<layers.count {
            let (layer, dy) = (layers[index], deltas[index][whole])
            let share = LanePool.block(lane, of: lanes, count: (layer.inputs + 7) / 8)
            if !share.isEmpty {
                let rows = share.lowerBound * 8..<min(share.upperBound * 8, layer.inputs)
                learning.weights(layer, self.input(of: index, input)[whole], dy, inputs: rows)
            }
            if index % lanes == lane { learning.bias(layer, dy) }
        }
    }
}

/// Gradients and what an optimizer makes of them, all as long as the parameters.
@safe internal struct Learning<Element: LaneElement>: @unchecked Sendable {
    let update: Update
    let parameters: Rows<Element>
    let gradient: Rows<Element>
    let first: Rows<Element>
    let second: Rows<Element>

    /// Of some rows of a layer's weights.
    @_specialize(where Element == Float)
    @_specialize(where Element == Double)
    func weights(_ layer: Linear, _ x: Rows<Element>, _ dy: Rows<Element>, inputs range: Range<Int>) {
        if let (alpha, beta) = update.asProduct {
            // W = (1 - rate · decay) · W - rate · xᵀ·dy: the update is the product's epilogue.
            layer.weightGradient(
                x, dy, inputs: range, alpha: Element(alpha), beta: Element(beta), into: layer.weights(parameters))
        } else {
            layer.weightGradient(x, dy, inputs: range, into: layer.weights(gradient))
            apply(layer.weights + range.lowerBound * layer.outputs..<layer.weights + range.upperBound * layer.outputs)
        }
    }

    @_specialize(where Element == Float)
    @_specialize(where Element == Double)
    func bias(_ layer: Linear, _ dy: Rows<Element>) {
        layer.biasGradient(dy, into: layer.bias(gradient))
        apply(layer.bias..<layer.bias + layer.outputs)
    }

    /// Of some parameters whose gradients are the sums of `shards` of them, added in their order.
    @_specialize(where Element == Float)
    @_specialize(where Element == Double)
    func shards(_ range: Range<Int>, of accumulators: Rows<Element>) {  // shards × parameters
        let (sums, parts) = (gradient.columns(range), accumulators.columns(range))
        unsafe Element.laneKernels.vector.pointee.copy(Int64(range.count), parts.base, sums.base, false)
        for shard in 1..<max(1, accumulators.rows) {
            unsafe Element.laneKernels.vector.pointee.add(
                Int64(range.count), sums.base, parts[shard..<accumulators.rows].base, sums.base, false)
        }
        apply(range)
    }

    private func apply(_ range: Range<Int>) { update.apply(range, gradient, first, second, parameters) }
}
