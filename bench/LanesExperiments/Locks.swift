import Foundation
import LanesMeasurement
import LanesParallel
import Synchronization

extension Quantity {
    fileprivate static func acquisition(_ way: Way, _ crowd: Crowd) -> Quantity {
        Quantity("\(way.name), \(crowd.rawValue)", "ns")
    }
}

private enum Way {
    case lock(Probe.Lock)
    case swiftMutex, localSums
    var name: String {
        switch self {
        case .lock(let lock): lock.rawValue
        case .swiftMutex: "Swift Mutex"
        case .localSums: "local sums, one lock at the end"
        }
    }
}
private enum Crowd: String {
    case fits = "a processor for each worker"
    case twice = "twice as many workers"
}

extension Experiment {
    static let locks = Experiment(
        id: "locks", title: "Locks, and doing without",
        question:
            "Each worker takes the lock again and again, a little work inside: which lock, and what when there are more workers than processors?",
        hypothesis:
            "With a processor for each worker the locks are alike within five times; with twice as many workers, fair locks that spin take half again as long as a mutex or more, for the next in line is not running. Local sums beat all.",
        figure: .bars(y: "ns per acquisition", logY: true),
        predict: { profile in
            guard profile.lanes > 1 else { return [:] }
            guard let cycle = profile.cycle else { return [:] }
            // One after the other: the work inside, and two lines that go to the next, the lock's and the number's.
            let chain = 112 * cycle  // 100 additions, in whole turns of 16
            return [
                .acquisition(.lock(.ticket), .fits): chain + 2 * profile.transfer,
                .acquisition(.localSums, .fits): 2 * chain / Double(profile.lanes),
            ]
        },
        leavesOut: [
            .acquisition(.lock(.ticket), .fits):
                "it has the lock's line and the number's come one after the other; they may come at the same time"
        ],
        needs: .transfers,
        measure: { lab in
            guard lab.lanes > 1 else { return .notTestable("one processor: nobody competes for the lock") }
            var observation = Observation()
            // Long enough for the system to take processors away from workers, where there are more of those.
            let atLeast: Int64 = lab.isQuick ? 10_000_000 : 30_000_000
            let turn = 50
            let memory = ProbeMemory(byteCount: 1 << 16)
            let crowd = lab.makePool(lanes: 2 * lab.lanes)
            for (pool, workers, size) in [
                (lab.pool, lab.lanes, Crowd.fits), (crowd, crowd.lanes, .twice),
            ] {
                var series = Series(size.rawValue, unit: "ns")
                /// A body does a turn of acquisitions, and `merge` what a worker does once, at its end; how many acquisitions there were at
                /// all is the result.
                @discardableResult
                func add(
                    _ way: Way, merge: @escaping @Sendable (Int) -> Void = { _ in }, _ body: @escaping @Sendable () -> Void
                ) -> Int {
                    var (times, all) = ([Double](), 0)
                    for _ in 0..<(lab.isQuick ? 3 : 7) {
                        let turns = Atomic<Int>.Tally()
                        let time = lab.together(workers, samples: 1, on: pool) { _ in
                            let end = Clock.nanoseconds + atLeast
                            var own = 0
                            repeat {
                                body()
                                own += 1
                            } while Clock.nanoseconds < end
                            merge(own)
                            turns.add(own)
                        }[0]
                        times.append(time / Double(turn * turns.total))
                        all += turn * turns.total
                    }
                    series.add(Double(series.points.count), times, label: way.name)
                    observation.numbers[.acquisition(way, size)] = series.points.last!.y
                    return all
                }
                for lock in Probe.Lock.allCases {
                    Probe.initLock(memory, 0)
                    memory[1024] = 0
                    let all = add(.lock(lock)) {
                        Probe.runLock(lock, memory, lock: 0, number: 1024, acquisitions: turn, inside: 100, outside: 100)
                    }
                    // A lock that lets two in at once loses additions.
                    guard memory[1024] == Int64(all) else {
                        throw LaboratoryError("the lock '\(lock.rawValue)' lost additions")
                    }
                }
                let mutex = Mutex(0)
                add(.swiftMutex) {
                    for _ in 0..<turn {
                        mutex.withLock {
                            Probe.aluChain(100)
                            $0 += 1
                        }
                        Probe.aluChain(100)
                    }
                }
                add(.localSums, merge: { turns in mutex.withLock { $0 += turn * turns } }) {
                    var local = 0
                    for _ in 0..<turn {
                        Probe.aluChain(100)
                        local += 1
                        Probe.aluChain(100)
                    }
                    precondition(local == turn)
                }
                observation.series.append(series)
            }
            return observation
        },
        judge: { found, _ in
            func time(_ lock: Probe.Lock, _ crowd: Crowd) -> Double { found[.acquisition(.lock(lock), crowd)]! }
            let locks = Probe.Lock.allCases
            func all(_ crowd: Crowd) -> [Double] {
                locks.map { time($0, crowd) } + [found[.acquisition(.swiftMutex, crowd)]].compactMap { $0 }
            }
            let beatsAll = [Crowd.fits, .twice].allSatisfy { crowd in
                all(crowd).min()! > found[.acquisition(.localSums, crowd)]!
            }
            let areAlike = all(.fits).max()! < 5 * all(.fits).min()!
            let fair = min(time(.ticket, .twice), time(.mcs, .twice))
            let mutex = time(.mutex, .twice)
            let local = found[.acquisition(.localSums, .fits)]!
            let collapses = fair > 1.5 * mutex
            return (
                collapses && beatsAll && areAlike ? .supported : .refuted,
                "With a processor for each worker there is an acquisition of the futex mutex every \(text(time(.mutex, .fits), 0)) ns, of the ticket lock \(text(time(.ticket, .fits), 0)) ns, of MCS \(text(time(.mcs, .fits), 0)) ns; sums of one's own take \(text(local, 0)) ns. With twice as many workers the ticket lock takes \(text(time(.ticket, .twice), 0)) ns, MCS \(text(time(.mcs, .twice), 0)) ns and the mutex \(text(mutex, 0)) ns, where sums of one's own take \(text(found[.acquisition(.localSums, .twice)]!, 0)) ns. The times are those of all workers together, with the hundred additions inside and outside. "
                    + (collapses
                        ? "A fair lock belongs to the next in line even while that one has no processor; a mutex puts waiters to sleep and lets whoever runs take it."
                        : "The fair locks did not collapse here; why is not measured.")
            )
        },
        remember: { found, _ in
            {
                let (mutex, local) = (
                    found[.acquisition(.lock(.mutex), .fits)]!, found[.acquisition(.localSums, .fits)]!
                )
                return
                    "With the futex mutex around each piece of work it takes \(text(mutex / local)) times as long as with a sum for each lane and one lock at the end."
            }()
        })
}
