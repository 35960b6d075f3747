internal import CKernels
import Foundation
import Lanes
import LanesParallel
import Synchronization

/// Samples that are ready for a step: numbers and labels.
@safe public final class Batch<Element: LaneElement>: @unchecked Sendable {
    // Written by one thread before it is handed to another; `claim` stops those who do not keep to that.
    /// Numbers of one sample.
    public let inputs: Int
    /// Samples that it holds now.
    public fileprivate(set) var count = 0
    private let memory: Buffer<Element>
    private var labels: [Int32]
    private let isInUse = Atomic(false)

    /// An empty batch with room for `capacity` samples of `inputs` numbers.
    public init(capacity: Int, inputs: Int) {
        self.inputs = inputs
        memory = Buffer(count: capacity * inputs)
        labels = [Int32](repeating: 0, count: capacity)
    }

    // One thread at a time: who fills it while another reads would change what is read.
    internal func claim(_ operation: String) {
        guard !isInUse.exchange(true, ordering: .acquiring) else {
            fatalError("Batch: \(operation) while another thread uses it; give each thread a batch of its own")
        }
    }
    internal func release() { isInUse.store(false, ordering: .releasing) }

    internal var rows: Rows<Element> { unsafe Rows(memory.base, count, inputs) }
    /// The class of a sample.
    public func label(_ row: Int) -> Int32 { labels[row] }

    /// Takes images of a set, scaled by 1/256, and changes them as `augmentation` says.
    public func fill(_ images: ImageSet, indices: ArraySlice<Int64>, augmentation: Augmentation, seed: UInt64) {
        guard indices.count <= labels.count, images.pixelsPerImage == inputs else {
            fatalError("Batch: \(indices.count) images of \(images.pixelsPerImage) pixels into \(labels.count) x \(inputs)")
        }
        claim("fill")
        defer { release() }
        count = indices.count
        for (row, index) in indices.enumerated() { labels[row] = images.labels[Int(index)] }
        let rows = self.rows
        unsafe images.pixels.withUnsafeBufferPointer { pixels in
            unsafe indices.withUnsafeBufferPointer { order in
                unsafe Element.laneKernels.network.pointee.gather(
                    Int64(count), Int64(inputs), pixels.baseAddress!, order.baseAddress!, nil, 1.0 / 256, rows.base,
                    Int64(inputs))
            }
        }
        guard augmentation != .none else { return }
        for (row, index) in indices.enumerated() {
            var random = SplitMix64(seed: seed, stream: UInt64(index))
            let image = unsafe UnsafeMutableBufferPointer(start: rows[row..<row + 1].base, count: inputs)
            unsafe augmentation.apply(image, images.rows, images.columns, &random)
        }
    }
}

/// Small changes to training images, so that a network does not learn them by heart.
public struct Augmentation: Sendable, Equatable {
    /// Pixels that an image moves at most, up, down, left or right.
    public var shift: Int
    /// Pixels change by at most this, either way; they stay between 0 and 1.
    public var noise: Double

    /// Images as they are.
    public static let none = Augmentation(shift: 0, noise: 0)

    /// Shifts of up to `shift` pixels and noise of up to `noise`.
    public init(shift: Int, noise: Double) {
        self.shift = shift
        self.noise = noise
    }

    // Called for every image: other modules would run the unspecialised code.
    @_specialize(where Element == Float)
    @_specialize(where Element == Double)
    internal func apply<Element: LaneElement>(
        _ image: UnsafeMutableBufferPointer<Element>, _ rows: Int, _ columns: Int, _ random: inout SplitMix64
    ) {
        if shift > 0 {
            let down = random.below(2 * shift + 1) - shift
            let right = random.below(2 * shift + 1) - shift
            // Away from where the pixels come from, so that no row is overwritten before it is read.
            for step in 0..<rows {
                let row = down > 0 ? rows - 1 - step : step
                let to = unsafe image.baseAddress! + row * columns
                guard row - down >= 0 && row - down < rows else {
                    unsafe to.update(repeating: 0, count: columns)
                    continue
                }
                let from = unsafe image.baseAddress! + (row - down) * columns
                let kept = max(0, columns - abs(right))
                unsafe memmove(to + max(0, right), from + max(0, -right), kept * MemoryLayout<Element>.stride)
                unsafe (right > 0 ? to : to + kept).update(repeating: 0, count: columns - kept)
            }
        }
        if noise > 0 {
            for position in 0..<rows * columns {
                let changed = unsafe Double(image[position]) + (2 * random.unit() - 1) * noise
                unsafe image[position] = Element(min(1, max(0, changed)))
            }
        }
    }
}

/// Batches of one epoch, made by threads in the background while the trainer computes.
///
/// Every image comes once, in an order that seed and epoch decide; batches come in that order too, whoever made them. At most `depth` batches
/// wait: who is ahead sleeps. Ending the loader, early or not, ends its threads.
///
/// ```swift
/// let loader = BatchLoader<Float>(images, batch: 64, seed: 1, epoch: 0)
/// while let batch = loader.next() { try trainer.step(batch); loader.recycle(batch) }
/// ```
@safe public final class BatchLoader<Element: LaneElement>: Sendable {
    private let queue: Queue

    /// - Parameters:
    ///   - images: where samples come from.
    ///   - batch: samples of a full batch; the last one may have fewer.
    ///   - seed: of the order and of the augmentation.
    ///   - epoch: decides the order together with the seed.
    ///   - augmentation: what is done to every image.
    ///   - depth: batches that may wait.
    ///   - threads: that make batches.
    ///   - processors: the threads are bound to these in turn; free where it is empty.
    public init(
        _ images: ImageSet, batch: Int, seed: UInt64, epoch: Int, augmentation: Augmentation = .none, depth: Int = 8,
        threads: Int = 1, processors: [Int] = []
    ) {
        guard batch >= 1, depth >= 1, threads >= 1 else {
            fatalError("BatchLoader: batch \(batch), depth \(depth), \(threads) threads")
        }
        queue = Queue(
            images: images, batch: batch, seed: seed, epoch: epoch, augmentation: augmentation, depth: depth, threads: threads)
        for thread in 0..<threads {
            let queue = queue
            Thread.detachNewThread {
                if !processors.isEmpty { _ = Machine.bindCurrentThread(to: [processors[thread % processors.count]]) }
                queue.work()
            }
        }
    }

    deinit { queue.stop() }

    /// The next batch; waits for it. Nil after the last one.
    public func next() -> Batch<Element>? { queue.take() }

    /// Gives a batch's memory back.
    public func recycle(_ batch: Batch<Element>) { queue.recycle(batch) }

    /// Seconds that ``next()`` waited, and seconds of work of all threads.
    public var times: (waited: Double, worked: Double) { queue.times }

    private final class Queue: @unchecked Sendable {
        // All below the condition is used under its lock.
        private let images: ImageSet
        private let batch: Int
        private let seed: UInt64
        private let augmentation: Augmentation
        private let order: [Int64]
        private let depth: Int
        private let low: Int  // who rests is woken when no more than so many batches are made and not taken
        private let batches: Int
        private let condition = NSCondition()
        private var claimed = 0, taken = 0, running: Int, stopped = false
        private var resting = 0, awaiting = 0
        private var ready: [Int: Batch<Element>] = [:]
        private var spare: [Batch<Element>] = []
        private var waited = 0.0, worked = 0.0

        init(images: ImageSet, batch: Int, seed: UInt64, epoch: Int, augmentation: Augmentation, depth: Int, threads: Int) {
            self.images = images
            self.batch = batch
            self.augmentation = augmentation
            self.depth = depth
            low = max(depth / 2, min(depth - 1, threads))
            self.seed = seed &+ UInt64(epoch) &* 0x9e37_79b9
            order = SplitMix64.shuffled(count: images.count, seed: seed, epoch: epoch)
            batches = (images.count + batch - 1) / batch
            running = threads
        }

        func work() {
            condition.lock()
            while !stopped && claimed < batches {
                // A batch is claimed only when there is room for it: that is the back-pressure.
                // Who found none rests until half of the queue is empty, or every thread has room: to be woken for each batch would cost the trainer a system call each.
                guard claimed < taken + depth else {
                    resting += 1
                    while !stopped && claimed > taken + low { condition.wait() }
                    resting -= 1
                    continue
                }
                let number = claimed
                claimed += 1
                let made = spare.popLast() ?? Batch(capacity: batch, inputs: images.pixelsPerImage)
                condition.unlock()
                let start = DispatchTime.now().uptimeNanoseconds
                made.fill(
                    images, indices: order[number * batch..<min((number + 1) * batch, order.count)], augmentation: augmentation,
                    seed: seed)
                let elapsed = Double(DispatchTime.now().uptimeNanoseconds - start) * 1e-9
                condition.lock()
                worked += elapsed
                ready[number] = made
                if awaiting > 0 { condition.broadcast() }
            }
            running -= 1
            condition.broadcast()
            condition.unlock()
        }

        func take() -> Batch<Element>? {
            condition.lock()
            defer { condition.unlock() }
            let start = DispatchTime.now().uptimeNanoseconds
            awaiting += 1
            while taken < batches && ready[taken] == nil { condition.wait() }
            awaiting -= 1
            waited += Double(DispatchTime.now().uptimeNanoseconds - start) * 1e-9
            guard taken < batches else { return nil }
            taken += 1
            if resting > 0 && claimed <= taken + low { condition.broadcast() }
            return ready.removeValue(forKey: taken - 1)
        }

        func recycle(_ batch: Batch<Element>) {
            condition.lock()
            spare.append(batch)
            condition.unlock()
        }

        func stop() {
            condition.lock()
            stopped = true
            condition.broadcast()
            while running > 0 { condition.wait() }
            condition.unlock()
        }

        var times: (waited: Double, worked: Double) {
            condition.lock()
            defer { condition.unlock() }
            return (waited, worked)
        }
    }
}
