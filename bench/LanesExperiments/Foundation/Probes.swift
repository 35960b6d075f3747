internal import CKernels
import Foundation
import Lanes
import LanesParallel

/// Memory for probes, which threads write to on purpose.
@safe public final class ProbeMemory: Sendable {
    nonisolated(unsafe) let base: UnsafeMutableRawPointer
    /// Its size.
    public let byteCount: Int
    private let mapped: Int

    /// Zeros that have been written, with or without huge pages.
    public init(byteCount: Int, hugePages: Bool = true) {
        let huge = 2 << 20
        self.byteCount = byteCount
        mapped = (byteCount + huge - 1) / huge * huge + huge
        let memory = unsafe mmap(nil, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)!
        guard unsafe memory != MAP_FAILED else { fatalError("ProbeMemory: the system does not give \(byteCount) bytes") }
        unsafe madvise(memory, mapped, Int32(hugePages ? MADV_HUGEPAGE : MADV_NOHUGEPAGE))
        let start = (huge - Int(bitPattern: memory) % huge) % huge
        unsafe base = memory + start
        unsafe whole = memory
        unsafe memset(base, 0, byteCount)
    }

    nonisolated(unsafe) private let whole: UnsafeMutableRawPointer
    deinit { unsafe munmap(whole, mapped) }

    /// The share of it that the system gave in huge pages; nil where the system does not say.
    var hugeShare: Double? { unsafe HugePages.share(base, byteCount) }

    /// Why small and huge pages cannot be compared in these; nil where they can, or where the system does not say.
    static func complaintAboutPages(small: ProbeMemory, huge: ProbeMemory) -> String? {
        guard let little = small.hugeShare, let much = huge.hugeShare else { return nil }
        if much < 0.9 {
            return
                "the system gave huge pages for \(text(100 * much, 0))% of the memory that should be in them (transparent huge pages are set to '\(Laboratory.record.hugePages)')"
        }
        return little > 0.1 ? "\(text(100 * little, 0))% of the memory that should be in small pages is in huge ones" : nil
    }

    func number(_ offset: Int) -> UnsafeMutablePointer<Int64> {
        guard offset >= 0 && offset + 8 <= byteCount else { fatalError("ProbeMemory: offset \(offset) of \(byteCount)") }
        return unsafe (base + offset).assumingMemoryBound(to: Int64.self)
    }
    func floats(_ offset: Int, _ count: Int) -> UnsafeMutablePointer<Float> {
        guard offset >= 0 && offset + 4 * count <= byteCount else {
            fatalError("ProbeMemory: \(count) floats at \(offset) of \(byteCount)")
        }
        return unsafe (base + offset).assumingMemoryBound(to: Float.self)
    }
    /// The 8-byte number at a byte offset.
    public subscript(offset: Int) -> Int64 {
        get { unsafe number(offset).pointee }
        set { unsafe number(offset).pointee = newValue }
    }

    /// Random numbers between 0 and 1, so that no processor takes a shortcut for zeros.
    public func fillWithNumbers() {
        let numbers = unsafe floats(0, byteCount / 4)
        var state: UInt32 = 1
        for index in 0..<byteCount / 4 {
            state = state &* 1_664_525 &+ 1_013_904_223
            unsafe numbers[index] = Float(state >> 8) / 16_777_216
        }
    }
}

/// The C kernels of the laboratory, with checked memory.
enum Probe {
    static func aluChain(_ steps: Int) { _ = ck_lab_alu_chain(Int64(steps)) }

    static func countPlain(_ memory: ProbeMemory, _ offset: Int, _ steps: Int) {
        unsafe ck_lab_count_plain(memory.number(offset), Int64(steps))
    }
    static func countAdd(_ memory: ProbeMemory, _ offset: Int, _ steps: Int) {
        unsafe ck_lab_count_add(memory.number(offset), Int64(steps))
    }
    static func countExchange(_ memory: ProbeMemory, _ offset: Int, _ steps: Int) {
        unsafe ck_lab_count_exchange(memory.number(offset), Int64(steps))
    }
    static func countSwap(_ memory: ProbeMemory, _ offset: Int, _ steps: Int) -> Int {
        unsafe Int(ck_lab_count_swap(memory.number(offset), Int64(steps)))
    }
    static func countRacing(_ memory: ProbeMemory, _ offset: Int, _ steps: Int) {
        unsafe ck_lab_count_racing(memory.number(offset), Int64(steps))
    }
    static func read(_ memory: ProbeMemory, _ offset: Int, _ steps: Int) {
        unsafe _ = ck_lab_read(memory.number(offset), Int64(steps))
    }
    static func ping(_ memory: ProbeMemory, _ offset: Int, side: Int, rounds: Int) {
        unsafe ck_lab_ping(memory.number(offset), Int32(side), Int64(rounds))
    }

    enum Lock: String, CaseIterable, Sendable {
        case testAndSet = "test-and-set"
        case backOff = "with back-off"
        case ticket
        case mcs = "MCS"
        case mutex = "futex mutex"
        var kind: ck_lab_lock_kind {
            switch self {
            case .testAndSet: CK_LAB_TAS
            case .backOff: CK_LAB_TTAS
            case .ticket: CK_LAB_TICKET
            case .mcs: CK_LAB_MCS
            case .mutex: CK_LAB_MUTEX
            }
        }
    }
    static func initLock(_ memory: ProbeMemory, _ offset: Int) { unsafe ck_lab_lock_init(memory.number(offset)) }
    static func runLock(
        _ lock: Lock, _ memory: ProbeMemory, lock place: Int, number: Int, acquisitions: Int, inside: Int, outside: Int
    ) {
        unsafe ck_lab_lock_run(
            lock.kind, memory.number(place), memory.number(number), Int64(acquisitions), Int64(inside), Int64(outside))
    }

    enum Rung: String, CaseIterable, Sendable {
        case textbook = "textbook loops"
        case exchanged = "loops exchanged"
        case vectorized = "left to the compiler"
    }
    static func gemm(_ rung: Rung, _ m: Int, _ n: Int, _ k: Int, _ memory: ProbeMemory) {
        let (a, b, c) = unsafe (
            memory.floats(0, m * k), memory.floats(4 * m * k, k * n), memory.floats(4 * (m * k + k * n), m * n)
        )
        switch rung {
        case .textbook: unsafe ck_lab_gemm_textbook(Int64(m), Int64(n), Int64(k), a, b, c)
        case .exchanged: unsafe ck_lab_gemm_exchanged(Int64(m), Int64(n), Int64(k), a, b, c)
        case .vectorized: unsafe ck_lab_gemm_vectorized(Int64(m), Int64(n), Int64(k), a, b, c)
        }
    }

    static func squarePlusSin(_ memory: ProbeMemory, _ index: Int) {
        unsafe memory.floats(memory.byteCount / 2, index + 1)[index] = ck_lab_square_plus_sin(
            memory.floats(0, index + 1)[index])
    }
    static func squaresPlusSin(_ memory: ProbeMemory, _ range: Range<Int>) {
        unsafe ck_lab_squares_plus_sin(
            Int64(range.count), memory.floats(4 * range.lowerBound, range.count),
            memory.floats(memory.byteCount / 2 + 4 * range.lowerBound, range.count))
    }

    static func sumRows(_ memory: ProbeMemory, _ rows: Int, _ columns: Int) -> Float {
        unsafe ck_lab_sum_rows(Int64(rows), Int64(columns), memory.floats(0, rows * columns))
    }
    static func sumColumns(_ memory: ProbeMemory, _ rows: Int, _ columns: Int) -> Float {
        unsafe ck_lab_sum_columns(Int64(rows), Int64(columns), memory.floats(0, rows * columns))
    }

    /// The streams: what moves how many bytes for an element of four.
    enum Stream: String, CaseIterable, Sendable {
        case read, fill, copy, scale, add, triad
        /// Bytes that the program names, and bytes that move where a store first fetches its line.
        var bytes: (algorithmic: Int, withAllocation: Int) {
            switch self {
            case .read: (4, 4)
            case .fill: (4, 8)
            case .copy, .scale: (8, 12)
            case .add, .triad: (12, 16)
            }
        }
        /// Arrays that it touches.
        var arrays: Int { self == .read || self == .fill ? 1 : self == .copy || self == .scale ? 2 : 3 }
    }
    /// One pass over `count` elements of each array from its element `first` on; arrays begin `distance` elements apart, or one after another.
    static func stream(
        _ stream: Stream, _ memory: ProbeMemory, _ count: Int, streaming: Bool, at first: Int = 0, distance: Int? = nil
    ) {
        let kernels = unsafe ck_vector_f32()!
        let n = Int64(count)
        func array(_ index: Int) -> UnsafeMutablePointer<Float> {
            unsafe memory.floats(4 * (first + (index < stream.arrays ? index : 0) * (distance ?? count)), count)
        }
        let (x, y, z) = unsafe (array(0), array(1), array(2))
        switch stream {
        case .read: precondition(unsafe kernels.pointee.sum(n, x).isFinite)
        case .fill: unsafe kernels.pointee.fill(n, 0.5, x, streaming)
        case .copy: unsafe kernels.pointee.copy(n, x, y, streaming)
        case .scale: unsafe kernels.pointee.scale(n, 0.5, x, y, streaming)
        case .add: unsafe kernels.pointee.add(n, x, y, z, streaming)
        case .triad: unsafe kernels.pointee.triad(n, 0.5, x, y, z, streaming)
        }
    }
}

/// Lines for ping-pong, each 4096 bytes and a line from the next. How long a transfer takes depends on the line: between the same two cores of a Zen 5
/// some took 24 ns and some 70, each about the same every time.
struct TransferLines: Sendable {
    private static let count = 16
    private let memory = ProbeMemory(byteCount: count * (4096 + 64), hugePages: false)

    /// Nanoseconds one way for each line: half a round trip. `sides` says for each lane which side it plays; -1 looks on.
    func oneWay(_ lab: Laboratory, sides: [Int], rounds: Int, on pool: WorkerPool? = nil) -> [Double] {
        (0..<TransferLines.count).map { index in
            let place = index * (4096 + 64)
            memory[place] = 0
            return lab.together(sides.count, samples: 1, on: pool) { lane in
                if sides[lane] >= 0 { Probe.ping(memory, place, side: sides[lane], rounds: rounds) }
            }[0] / Double(2 * rounds)
        }
    }
}

/// Three arrays for streams that come from memory: each is twice as large as all last-level caches of the lanes together, as far as
/// `memoryBytes` allows: one and a half times of it. One lane goes through all of them, several share each.
struct StreamArrays: Sendable {
    private let memory: ProbeMemory
    private let count: Int
    private let distance: Int

    init(_ lab: Laboratory) {
        count = lab.memoryBytes / 2 / 4
        // The three begin 1408 bytes apart modulo a page of 4 KiB: no load follows a store to the same place of one.
        distance = count + 352
        memory = ProbeMemory(byteCount: 4 * 3 * distance)
        memory.fillWithNumbers()
    }

    /// Bytes of a pass of all lanes together that the program names.
    func bytes(_ stream: Probe.Stream) -> Double { Double(stream.bytes.algorithmic * count) }

    /// A lane's part of one pass.
    func pass(_ stream: Probe.Stream, lane: Int, of lanes: Int, streaming: Bool = false) {
        let (start, end) = (count * lane / lanes / 16 * 16, count * (lane + 1) / lanes / 16 * 16)
        Probe.stream(stream, memory, end - start, streaming: streaming, at: start, distance: distance)
    }
}

/// Walks through a random cycle of cells in memory, where each load needs the one before. A walk goes on where it stopped.
@safe final class Chase: @unchecked Sendable {
    // Used by one thread at a time.
    private let memory: ProbeMemory
    private var positions = unsafe [UnsafeRawPointer?](repeating: nil, count: 16)
    private let chains: Int

    /// Cells in all lines of 64 bytes.
    convenience init(_ memory: ProbeMemory, byteCount: Int, chains: Int = 1, seed: UInt64) {
        self.init(memory, cells: byteCount / 64, stride: 64, chains: chains, seed: seed)
    }

    init(_ memory: ProbeMemory, cells: Int, stride: Int, chains: Int = 1, seed: UInt64) {
        precondition(
            stride >= 8 && stride % 8 == 0 && cells * stride <= memory.byteCount && cells >= chains
                && [1, 2, 4, 8, 16].contains(chains))
        self.memory = memory
        self.chains = chains
        unsafe ck_lab_make_chase(memory.base, Int64(cells), Int64(stride), seed)
        unsafe ck_lab_start_chase(memory.base, Int64(cells), Int64(stride), Int32(chains), &positions)
    }

    func follow(_ steps: Int) { unsafe ck_lab_chase(Int32(chains), Int64(steps), &positions) }
}
