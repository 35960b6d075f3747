import Dispatch
import Foundation
import LanesMeasurement
import LanesParallel
import Synchronization

extension Quantity {
    fileprivate static let poolAwake = Quantity("pool, awake", "ns")
    fileprivate static let taskGroup = Quantity("TaskGroup", "ns")
    fileprivate static let concurrentPerform = Quantity("GCD, concurrentPerform", "ns")
    fileprivate static let openMP = Quantity("OpenMP", "ns")
    fileprivate static let threadsMadeAnew = Quantity("threads made anew", "ns")
    fileprivate static let poolAsleep = Quantity("pool, asleep", "ns")
    /// The 99th percentile, and how many threads took part, of the same regions.
    fileprivate static func tail(of region: Quantity) -> Quantity { Quantity("\(region.name), 99th percentile", "ns") }
    fileprivate static func threads(of region: Quantity) -> Quantity { Quantity("\(region.name), threads") }
}

extension Experiment {
    static let forkJoin = Experiment(
        id: "fork-join", title: "What does an empty parallel region cost?",
        question:
            "How long does it take to start work on every lane and to wait for all of them, in the ways that programs do it?",
        hypothesis:
            "A pool whose workers are awake needs ten transfers of a cache line at most, and a fifth of one more for each lane beyond two; a region that wakes or makes threads needs a microsecond or more.",
        figure: .bars(y: "ns", logY: true),
        predict: { profile in
            // A line to start and one to join; each is taken by who writes it and then by who reads it. And some hundred cycles of both sides' code.
            guard profile.lanes > 1, let cycle = profile.cycle else { return [:] }
            return [.poolAwake: 4 * profile.transfer + 100 * cycle]
        },
        leavesOut: [
            .poolAwake:
                "how often each side looks for the other's line, and what a region does besides, are not in it"
        ],
        needs: .transfers,
        measure: { lab in
            guard lab.lanes > 1 else { return .notTestable("one processor: every region runs alone") }
            var observation = Observation()
            var bars = Series("one region, median", unit: "ns")
            let lanes = lab.lanes
            let count = lab.isQuick ? 200 : 2000
            // Every way tells which threads ran its iterations: a library that runs all of them on the caller would look fast.
            func add(_ quantity: Quantity, rounds: Int, pause: UInt32 = 0, _ region: (ThreadSlots) -> Void) {
                var times: [Double] = []
                var threads = 0
                let slots = ThreadSlots(count: lanes)
                for _ in 0..<rounds {
                    if pause > 0 { usleep(pause) }
                    let start = Clock.nanoseconds
                    region(slots)
                    times.append(Double(Clock.nanoseconds - start))
                    threads += slots.distinct
                }
                add(quantity, times, threads: Double(threads) / Double(rounds))
            }
            func add(_ quantity: Quantity, _ times: [Double], threads mean: Double) {
                bars.add(Double(bars.points.count), times, label: quantity.name)
                observation.numbers[quantity] = Statistics.median(times)
                observation.numbers[.tail(of: quantity)] = times.sorted()[times.count * 99 / 100]
                observation.numbers[.threads(of: quantity)] = mean
                if mean < 0.95 * Double(lanes) {
                    observation.notes.append(
                        "\(quantity.name): on the average \(text(mean, 2)) of \(lanes) threads took part in a region")
                }
            }
            let pool = lab.pool
            for _ in 0..<200 { pool.run { _, _ in } }
            // Awake: many regions in one sample, for one is as short as a look at the clock; who took part is asked apart.
            let batch = 1000
            let hot = lab.time(seconds: 0.05) { for _ in 0..<batch { pool.run { _, _ in } } }.map { $0 / Double(batch) }
            add(.poolAwake, rounds: 500) { slots in pool.run { lane, _ in slots.enter(lane) } }
            bars.points[0] = .init(x: 0, label: Quantity.poolAwake.name, y: Statistics.median(hot), samples: hot)
            observation.numbers[.poolAwake] = Statistics.median(hot)
            add(.poolAsleep, rounds: count / 10, pause: 2000) { slots in
                pool.run { lane, _ in slots.enter(lane) }
            }
            // Threads that are made here inherit the caller's processors: all of them, not the one that it measures on.
            lab.unbound {
                add(.threadsMadeAnew, rounds: count / 4) { slots in
                    let done = DispatchSemaphore(value: 0)
                    for lane in 1..<lanes {
                        Thread.detachNewThread {
                            slots.enter(lane)
                            done.signal()
                        }
                    }
                    slots.enter(0)
                    for _ in 1..<lanes { done.wait() }
                }
                add(.concurrentPerform, rounds: count) { slots in
                    DispatchQueue.concurrentPerform(iterations: lanes) { slots.enter($0) }
                }
                // A group of tasks, timed from inside an asynchronous function.
                let finished = DispatchSemaphore(value: 0)
                let times = Mutex<[Double]>([])
                let slots = ThreadSlots(count: lanes)
                let threads = Atomic<Int>.Tally()
                Task.detached {
                    for _ in 0..<count {
                        let start = Clock.nanoseconds
                        await withTaskGroup(of: Void.self) { group in
                            for lane in 0..<lanes { group.addTask { slots.enter(lane) } }
                        }
                        let elapsed = Double(Clock.nanoseconds - start)
                        times.withLock { $0.append(elapsed) }
                        threads.add(slots.distinct)
                    }
                    finished.signal()
                }
                finished.wait()
                let groups = times.withLock { $0 }
                add(.taskGroup, groups, threads: Double(threads.total) / Double(count))
            }
            if let openMP = openMPRegion(lab) {
                bars.add(Double(bars.points.count), [openMP], label: "OpenMP (libgomp)")
                observation.numbers[.openMP] = openMP
            } else {
                observation.notes.append(
                    "OpenMP was not measured: there is no C compiler with -fopenmp, or no bench/helpers at hand")
            }
            observation.series = [bars]
            return observation
        },
        judge: { found, facts in
            let (hot, thread, asleep) = (found[.poolAwake]!, found[.threadsMadeAnew]!, found[.poolAsleep]!)
            // A library that ran the region on fewer threads handed less over.
            func others(_ region: Quantity, _ name: String) -> String {
                guard let time = found[region] else { return "" }
                let threads = found[.threads(of: region)] ?? Double(facts.lanes)
                return
                    ", \(name) \(text(time / 1000, 2)) µs\(threads < 0.95 * Double(facts.lanes) ? " (with \(text(threads, 2)) of \(facts.lanes) threads on the average)" : "")"
            }
            return (
                hot <= (10 + 0.2 * Double(max(0, facts.lanes - 2))) * facts.transfer && min(thread, asleep) >= 1000
                    ? .supported : .refuted,
                "A region on workers that look for work takes \(text(hot, 0)) ns; two transfers of a cache line, there and back, took \(text(2 * facts.transfer, 0)) ns right before, \(text(200 * facts.transfer / hot, 0))% as long. Making threads takes \(text(thread / 1000)) µs\(others(.taskGroup, "a group of tasks"))\(others(.concurrentPerform, "GCD")), a region that finds the pool asleep \(text(asleep / 1000)) µs.\(found[.threads(of: .poolAsleep)].map { $0 < 1.5 ? " Workers that have to be woken come too late for so short a region: the caller ran it alone (\(text($0, 2)) threads on the average)." : "" } ?? "")"
                    + (found[.openMP].map { " OpenMP's workers wait awake too and need \(text($0, 0)) ns." } ?? "")
            )
        },
        remember: { found, _ in
            "Handing work to all lanes and waiting for them takes \(text(found[.poolAwake]! / 1000, 2)) µs where workers wait awake and \(text(found[.threadsMadeAnew]! / 1000, 0)) µs where threads are made anew."
        })

    // Compiles and starts bench/helpers/openmp.c, in a process of its own: its threads spin.
    private static func openMPRegion(_ lab: Laboratory) -> Double? {
        guard let source = lab.helpers.map({ "\($0)/openmp.c" }), FileManager.default.fileExists(atPath: source) else {
            return nil
        }
        // It is started: nobody else should be able to put another program there.
        guard let folder = try? TemporaryFolder() else { return nil }
        defer { folder.remove() }
        let program = folder.file("openmp").path
        guard lab.ask(["cc", "-O2", "-fopenmp", source, "-o", program]) != nil,
            let output = lab.ask(
                [program], environment: ["OMP_NUM_THREADS": String(lab.lanes), "OMP_WAIT_POLICY": "active"])
        else { return nil }
        return Double(output.trimmingCharacters(in: .whitespacesAndNewlines))
    }
}
