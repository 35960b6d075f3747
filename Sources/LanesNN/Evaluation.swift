internal import CKernels
import Lanes
import LanesParallel
import Synchronization

/// How a network does on a set of images.
public struct Evaluation: Sendable, Codable, Equatable {
    /// Images of each class (first index) taken for each class (second index).
    public let confusion: [[Int]]
    /// Mean negative log-likelihood.
    public let loss: Double

    /// Images that were looked at.
    public var count: Int { confusion.joined().reduce(0, +) }
    /// Images whose class was found.
    public var correct: Int { confusion.indices.map { confusion[$0][$0] }.reduce(0, +) }
    /// 0 ... 1.
    public var accuracy: Double { count == 0 ? 0 : Double(correct) / Double(count) }
}

extension Network where Element == Float {
    /// Asks the network about some images of a set: all where `indices` is nil.
    ///
    /// - Parameters:
    ///   - images: of as many pixels as the network has inputs.
    ///   - indices: which of them; all where it is nil.
    ///   - pool: lanes that share the images; the result is the same for any number of them.
    public func evaluate(_ images: ImageSet, indices: [Int64]? = nil, on pool: WorkerPool? = .shared) -> Evaluation {
        guard images.pixelsPerImage == shape.inputs, images.classes <= shape.classes else {
            fatalError(
                "Network.evaluate: images of \(images.pixelsPerImage) pixels and \(images.classes) classes for a network of \(shape.widths)"
            )
        }
        let order = indices ?? Array(0..<Int64(images.count))
        var predictions = [Int32](repeating: 0, count: order.count)
        guard order.allSatisfy({ $0 >= 0 && $0 < images.count }) else {
            fatalError("Network.evaluate: an image is not in 0 ..< \(images.count)")
        }
        // One loss for each sample, added up in order at the end.
        var losses = [Double](repeating: 0, count: order.count)
        unsafe predictions.withUnsafeMutableBufferPointer { predictions in
            unsafe losses.withUnsafeMutableBufferPointer { losses in
                nonisolated(unsafe) let (predictions, losses) = unsafe (predictions, losses)
                forEachBlock(of: order.count, on: pool) { range, work in
                    let x = Buffer<Float>(count: range.count * shape.inputs)
                    let y = Buffer<Float>(count: range.count * shape.classes)
                    let (input, output) = unsafe (
                        Rows(x.base, range.count, shape.inputs), Rows(y.base, range.count, shape.classes)
                    )
                    unsafe images.pixels.withUnsafeBufferPointer { pixels in
                        unsafe order.withUnsafeBufferPointer { order in
                            unsafe ck_network_f32().pointee.gather(
                                Int64(range.count), Int64(shape.inputs), pixels.baseAddress!,
                                order.baseAddress! + range.lowerBound, nil,
                                1.0 / 256, input.base, Int64(shape.inputs))
                        }
                    }
                    forward(input, into: output, work)
                    unsafe ck_network_f32().pointee.argmax(
                        Int64(range.count), Int64(shape.classes), output.base, Int64(shape.classes),
                        predictions.baseAddress! + range.lowerBound)
                    for row in 0..<range.count {
                        let label = Int(images.labels[Int(order[range.lowerBound + row])])
                        unsafe losses[range.lowerBound + row] = -Double(output.base[row * shape.classes + label])
                    }
                }
            }
        }
        var confusion = [[Int]](repeating: [Int](repeating: 0, count: shape.classes), count: shape.classes)
        for (index, image) in order.enumerated() { confusion[Int(images.labels[Int(image)])][Int(predictions[index])] += 1 }
        return Evaluation(confusion: confusion, loss: losses.reduce(0, +) / Double(max(1, order.count)))
    }
}
