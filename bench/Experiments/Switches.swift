import Foundation
import LanesParallel
import Measurement
import Synchronization

extension Experiment {
    static let switches = Experiment(
        id: "switches", title: "What the system takes for a switch",
        question:
            "A system call, two threads that wake each other on one processor and on two, and a thread that moves: how long does each take?",
        hypothesis: "Waking a thread costs at least ten system calls, wherever it is.",
        figure: .bars(y: "ns", logY: true),
        predict: { _ in [:] },
        measure: { lab in
            var observation = Observation()
            var bars = Series("one, median", unit: "ns")
            func add(_ label: String, _ times: [Double]) {
                bars.add(Double(bars.points.count), times, label: label)
                observation.numbers["\(label), ns"] = bars.points.last!.y
            }
            add("a system call", lab.time { for _ in 0..<100 { _ = getppid() } }.map { $0 / 100 })
            func wake(_ processors: [Int]) -> [Double] {
                (0..<5).map { _ in pingPong(processors, rounds: lab.isQuick ? 1000 : 5000) }
            }
            add("waking a thread, one processor", wake([lab.processors[0], lab.processors[0]]))
            if lab.lanes > 1 {
                add("waking a thread, two processors", wake([lab.processors[0], lab.processors[1]]))
                let (here, there) = ([lab.processors[0]], [lab.processors[1]])
                add(
                    "moving a thread",
                    lab.time(samples: 5) {
                        for _ in 0..<10 {
                            _ = Machine.bindCurrentThread(to: there)
                            _ = Machine.bindCurrentThread(to: here)
                        }
                    }.map { $0 / 20 })
            }
            lab.bindThisThread()
            observation.series = [bars]
            return observation
        },
        judge: { found, facts in
            let (call, one) = (found["a system call, ns"]!, found["waking a thread, one processor, ns"]!)
            let two = found["waking a thread, two processors, ns"]
            return (
                min(one, two ?? one) > 10 * call ? .supported : .refuted,
                "A system call takes \(text(call, 0)) ns. Waking a thread and going to sleep oneself takes \(text(one / 1000, 1)) µs on one processor\(two.map { ", \(text($0 / 1000, 1)) µs between two" } ?? "")\(found["moving a thread, ns"].map { "; a thread moves to another processor in \(text($0 / 1000, 1)) µs" } ?? "").\(two.map { " Workers that stay awake meet in \(text(facts.region, 0)) ns: \(text($0 / max(1, facts.region), 0)) times as fast." } ?? "")"
            )
        })

    // Nanoseconds for one to wake the other and fall asleep.
    private static func pingPong(_ processors: [Int], rounds: Int) -> Double {
        let turns = [DispatchSemaphore(value: 0), DispatchSemaphore(value: 0)]
        let done = DispatchSemaphore(value: 0)
        let elapsed = Mutex(0.0)
        for side in 0...1 {
            Thread.detachNewThread {
                _ = Machine.bindCurrentThread(to: [processors[side]])
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
        return elapsed.withLock { $0 } / Double(2 * rounds)
    }
}
