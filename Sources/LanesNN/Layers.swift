internal import CKernels
import Lanes

// The layers, each a forward pass and its derivative. One row for each sample; the shapes stand beside the arguments.

/// y = x·W + b, and relu of it where the layer is a hidden one.
internal struct Linear: Sendable {
    let inputs: Int, outputs: Int
    /// Where W (inputs × outputs, row-major) and b (outputs) begin in the network's parameters.
    let weights: Int, bias: Int
    let isRectified: Bool

    func weights<Element>(_ parameters: Rows<Element>) -> Rows<Element> {
        unsafe Rows(parameters.base + weights, inputs, outputs)
    }

    func bias<Element>(_ parameters: Rows<Element>) -> Rows<Element> { unsafe Rows(parameters.base + bias, 1, outputs) }

    func forward<Element>(
        _ x: Rows<Element>,  // samples × inputs
        _ parameters: Rows<Element>,
        into y: Rows<Element>  // samples × outputs
    ) {
        let bias = unsafe UnsafeBufferPointer(start: bias(parameters).base, count: outputs)
        var result = y.mutableView
        multiply(x.view, weights(parameters).view, into: &result, bias: unsafe bias.span, relu: isRectified)
    }

    /// dx = dy·Wᵀ
    func backward<Element>(
        _ dy: Rows<Element>,  // samples × outputs
        _ parameters: Rows<Element>,
        into dx: Rows<Element>  // samples × inputs
    ) {
        var result = dx.mutableView
        multiply(dy.view, weights(parameters).view.transposed, into: &result)
    }

    /// dW = α·xᵀ·dy + β·dW for some rows of W, which is some inputs. Which rows does not change a bit of theirs.
    func weightGradient<Element>(
        _ x: Rows<Element>,  // samples × inputs
        _ dy: Rows<Element>,  // samples × outputs
        inputs range: Range<Int>, alpha: Element = 1, beta: Element = 0,
        into dw: Rows<Element>  // inputs × outputs
    ) {
        var result = dw[range].mutableView
        multiply(x.columns(range).view.transposed, dy.view, into: &result, alpha: alpha, beta: beta)
    }

    /// db = the column sums of dy, samples in blocks of 256, in ascending order.
    func biasGradient<Element>(
        _ dy: Rows<Element>,  // samples × outputs
        into db: Rows<Element>  // 1 × outputs
    ) {
        unsafe Element.laneKernels.matrix.pointee.reduce_columns(
            CK_SUM, Int64(dy.rows), Int64(dy.columns), dy.base, Int64(dy.leadingDimension), db.base)
    }
}

internal enum ReLU {
    /// dy = y > 0 ? dy : 0, in place; tiny gradients become +0, as in all kernels of the network.
    static func backward<Element>(at y: Rows<Element>, _ dy: Rows<Element>) {
        unsafe Element.laneKernels.network.pointee.rectified_backward(Int64(dy.count), y.base, dy.base, dy.base)
    }
}

/// y = kept ? y / keep : 0 in place, on the way forward and on the way back. Which numbers are kept depends on the seed and on the number
/// of the sample in its batch, not on who computes it.
internal struct Dropout: Sendable {
    let rate: Double

    func apply<Element>(_ y: Rows<Element>, seed: UInt64, firstRow: Int) {
        guard rate > 0 else { return }
        unsafe Element.laneKernels.network.pointee.dropout(
            Int64(y.count), seed, UInt64(firstRow * y.columns), 1 - rate, y.base, y.base)
    }
}

internal enum LogSoftmax {
    /// y = x - log Σ exp(x), in place allowed.
    static func forward<Element>(
        _ x: Rows<Element>,  // samples × classes
        into y: Rows<Element>  // samples × classes
    ) {
        unsafe Element.laneKernels.matrix.pointee.log_softmax(
            Int64(x.rows), Int64(x.columns), x.base, Int64(x.leadingDimension), y.base, Int64(y.leadingDimension))
    }
}

internal enum NegativeLogLikelihood {
    /// -Σ y[label] over samples in ascending order.
    static func forward<Element>(
        _ y: Rows<Element>,  // samples × classes
        _ labels: UnsafePointer<Int32>
    ) -> Double {
        unsafe Element.laneKernels.network.pointee.nll(Int64(y.rows), y.base, Int64(y.leadingDimension), labels)
    }

    /// The gradient of scale · loss for the input of the log-softmax that made y: (exp(y) - 1 at the label) · scale.
    static func backward<Element>(
        _ y: Rows<Element>, _ labels: UnsafePointer<Int32>, scale: Double, into dx: Rows<Element>  // samples × classes
    ) {
        unsafe Element.laneKernels.network.pointee.nll_backward(
            Int64(y.rows), Int64(y.columns), y.base, Int64(y.leadingDimension), labels, scale, dx.base,
            Int64(dx.leadingDimension))
    }
}
