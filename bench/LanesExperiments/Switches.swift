import Foundation
import LanesMeasurement
import LanesParallel
import Synchronization

extension Quantity {
    fileprivate static let systemCall = Quantity("a system call", "ns")
    fileprivate static let wakingHere = Quantity("waking a thread, one processor", "ns")
    fileprivate static let wakingThere = Quantity("waking a thread, two processors", "ns")
    fileprivate static let moving = Quantity("moving a thread", "ns")
}

extension Experiment {
    static let switches = Experiment(
        id: "switches", title: "What the system takes for a switch",
        question:
            "A system call, two threads that wake each other on one processor and on two, and a thread that moves: how long does each take?",
        hypothesis: "Waking a thread costs at least ten system calls, wherever it is.",
        figure: .bars(y: "ns", logY: true),
        measure: { lab in
            var observation = Observation()
            var bars = Series("one, median", unit: "ns")
            func add(_ quantity: Quantity, _ times: [Double]) {
                bars.add(Double(bars.points.count), times, label: quantity.name)
                observation.numbers[quantity] = bars.points.last!.y
            }
            add(.systemCall, lab.time { for _ in 0..<100 { _ = getppid() } }.map { $0 / 100 })
            func wake(_ processors: [Int]) -> [Double]? {
                let times = (0..<5).compactMap { _ in pingPong(processors, rounds: lab.isQuick ? 1000 : 5000) }
                return times.isEmpty ? nil : times
            }
            let refused = Observation.notTestable("the system does not bind threads to processors here")
            guard let one = wake([lab.processors[0], lab.processors[0]]) else { return refused }
            add(.wakingHere, one)
            if lab.lanes > 1 {
                guard let two = wake([lab.processors[0], lab.processors[1]]) else { return refused }
                add(.wakingThere, two)
                let (here, there) = ([lab.processors[0]], [lab.processors[1]])
                var moved = true
                let times = lab.time(samples: 5) {
                    for _ in 0..<10 {
                        let went = Machine.bindCurrentThread(to: there)
                        let came = Machine.bindCurrentThread(to: here)
                        moved = moved && went && came
                    }
                }
                if moved { add(.moving, times.map { $0 / 20 }) }
            }
            lab.bindThisThread()
            observation.series = [bars]
            return observation
        },
        judge: { found, facts in
            let (call, one, two) = (found[.systemCall]!, found[.wakingHere]!, found[.wakingThere])
            return (
                min(one, two ?? one) > 10 * call ? .supported : .refuted,
                "A system call takes \(text(call, 0)) ns. Waking a thread and going to sleep oneself takes \(text(one / 1000, 1)) µs on one processor\(two.map { ", \(text($0 / 1000, 1)) µs between two" } ?? "")\(found[.moving].map { "; a thread moves to another processor in \(text($0 / 1000, 1)) µs" } ?? "").\(two.map { " There and back between two processors that is \(text(2 * $0 / 1000, 1)) µs; workers that stay awake begin and end a region in \(text(facts.region, 0)) ns." } ?? "")"
            )
        },
        remember: { found, _ in
            "Waking a thread that sleeps takes \(text(found[.wakingHere]! / 1000, 1)) µs on the same processor, as long as \(text(found[.wakingHere]! / found[.systemCall]!, 0)) system calls\(found[.wakingThere].map { ", and \(text($0 / 1000, 1)) µs on another" } ?? "")."
        })

    // Nanoseconds for one to wake the other and fall asleep; nil where a thread is not where it should be.
    private static func pingPong(_ processors: [Int], rounds: Int) -> Double? {
        let turns = [DispatchSemaphore(value: 0), DispatchSemaphore(value: 0)]
        let done = DispatchSemaphore(value: 0)
        let elapsed = Mutex(0.0)
        let isBound = Mutex(true)
        for side in 0...1 {
            Thread.detachNewThread {
                if !Machine.bindCurrentThread(to: [processors[side]]) { isBound.withLock { $0 = false } }
                let start = Clock.nanoseconds
                for _ in 0..<rounds {
                    turns[side].wait()
                    turns[1 - side].signal()
                }
                if side == 0 { elapsed.withLock { $0 = Double(Clock.nanoseconds - start) } }
                done.signal()
            }
        }
        turns[0].signal()
        done.wait()
        done.wait()
        return isBound.withLock { $0 } ? elapsed.withLock { $0 } / Double(2 * rounds) : nil
    }
}
