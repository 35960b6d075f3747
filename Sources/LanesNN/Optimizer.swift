internal import CKernels
import Lanes

/// How a gradient changes the parameters.
public enum Optimizer: Sendable, Equatable {
    /// Stochastic gradient descent with momentum as in PyTorch.
    case sgd(momentum: Double = 0, decay: Double = 0)
    /// Adam (Kingma and Ba, 2015) with decoupled weight decay.
    case adam(beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8, decay: Double = 0)

    internal var name: String {
        switch self {
        case .sgd: "sgd"
        case .adam: "adam"
        }
    }
}

// One step of an optimizer, the same for all parameters.
internal struct Update: Sendable {
    private enum Kind: Sendable {
        case sgd(rate: Double, momentum: Double, decay: Double)
        case adam(
            rate: Double, beta1: Double, beta2: Double, epsilon: Double, decay: Double, correction1: Double, correction2: Double
        )
    }
    private let kind: Kind

    init(_ optimizer: Optimizer, rate: Double, step: Int, powers: inout (Double, Double)) {
        switch optimizer {
        case .sgd(let momentum, let decay): kind = .sgd(rate: rate, momentum: momentum, decay: decay)
        case .adam(let beta1, let beta2, let epsilon, let decay):
            powers = (powers.0 * beta1, powers.1 * beta2)
            kind = .adam(
                rate: rate, beta1: beta1, beta2: beta2, epsilon: epsilon, decay: decay, correction1: 1 / (1 - powers.0),
                correction2: 1 / (1 - powers.1))
        }
    }

    // α and β of a product that is the whole update; nil where the optimizer needs the gradient by itself.
    var asProduct: (alpha: Double, beta: Double)? {
        guard case .sgd(let rate, momentum: 0, let decay) = kind else { return nil }
        return (-rate, 1 - rate * decay)
    }

    func apply<Element>(
        _ range: Range<Int>, _ gradient: Rows<Element>, _ first: Rows<Element>, _ second: Rows<Element>,
        _ parameters: Rows<Element>
    ) {
        let kernels = unsafe Element.laneKernels.network
        let count = Int64(range.count)
        let (g, p) = unsafe (gradient.base + range.lowerBound, parameters.base + range.lowerBound)
        switch kind {
        case .sgd(let rate, let momentum, let decay):
            let velocity = unsafe first.count == 0 ? nil : first.base + range.lowerBound
            unsafe kernels.pointee.sgd(count, rate, momentum, decay, g, velocity, p)
        case .adam(let rate, let beta1, let beta2, let epsilon, let decay, let correction1, let correction2):
            var step = ck_adam(
                rate: rate, beta1: beta1, beta2: beta2, epsilon: epsilon, decay: decay, correction1: correction1,
                correction2: correction2)
            unsafe kernels.pointee.adam(count, &step, g, first.base + range.lowerBound, second.base + range.lowerBound, p)
        }
    }
}
