import Foundation
import LanesMeasurement
import Synchronization

/// A library to measure: a name for the table, and a file that exports `cblas_sgemm`, OpenBLAS's `scipy_cblas_sgemm` or
/// oneDNN's `dnnl_sgemm`. Without a file it is this project's own Swift interface.
struct Library: Codable, Hashable {
    var name: String
    var path: String?
    /// What it says that it runs on this processor: OpenBLAS's kernels, a version of the others; nil where it says nothing.
    var kernels: String?
    /// What had to be set for it to use this processor (`OPENBLAS_CORETYPE=Haswell`), or what was set already.
    var helped: String?
    /// It could not share a process with ours.
    var isApart = false

    static let own = Library(name: "lanes", path: nil)

    /// Reads `NAME=PATH`.
    init?(argument: String) {
        guard let equals = argument.firstIndex(of: "="), equals != argument.startIndex else { return nil }
        name = String(argument[..<equals])
        path = String(argument[argument.index(after: equals)...])
        if path!.isEmpty || name == Library.own.name { return nil }
    }

    /// Checks `--peer` arguments: form, names, files. Returns what is wrong with the first bad one.
    static func complaint(about peers: [String]) -> String? {
        var names: Set<String> = [own.name]
        for peer in peers {
            guard let library = Library(argument: peer),
                library.name.allSatisfy({ $0.isLetter || $0.isNumber || "._-".contains($0) })
            else {
                return "'\(peer)' is not NAME=PATH with a name of letters, digits, '.', '_' and '-' other than '\(own.name)'"
            }
            guard names.insert(library.name).inserted else { return "two peers are named '\(library.name)'" }
            guard FileManager.default.fileExists(atPath: library.path!) else {
                return "--peer \(library.name): there is no file '\(library.path!)'"
            }
        }
        return nil
    }

    init(name: String, path: String?) { (self.name, self.path) = (name, path) }

    /// The library with what it says of itself. An OpenBLAS that does not know this processor falls back to kernels of 2004: it is given the
    /// strongest that the processor can run, and the table says so.
    func asked() throws -> Library {
        guard let path else { return self }
        var library = self
        func ask(_ environment: [String: String]) throws -> String? {
            let data = try Worker.run(["gemm-worker", "--library", path, "--describe"], environment: environment)
            let text = String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
            return text.isEmpty ? nil : text
        }
        library.kernels = try ask([:])
        if let set = ProcessInfo.processInfo.environment["OPENBLAS_CORETYPE"], library.kernels?.hasPrefix("kernels ") ?? false {
            library.helped = "OPENBLAS_CORETYPE=\(set)"
        }
        let features = MachineRecord.current().features
        let weak = [
            "Prescott", "Katmai", "Coppermine", "Northwood", "Banias", "Core2", "Penryn", "Dunnington", "Nehalem", "generic",
        ]
        guard features.contains("avx2"), weak.contains(where: { library.kernels == "kernels \($0)" }) else { return library }
        for core in (features.contains("avx512vl") ? ["SkylakeX"] : []) + ["Haswell"] {
            let kernels = try ask(["OPENBLAS_CORETYPE": core])
            guard kernels != library.kernels else { continue }
            library.kernels = kernels
            library.helped = "OPENBLAS_CORETYPE=\(core)"
            break
        }
        return library
    }

    /// "openblas: kernels SkylakeX"; "openblas: kernels Haswell, by OPENBLAS_CORETYPE=Haswell".
    var description: String? {
        let parts = [kernels, helped.map { "by \($0)" }, isApart ? "in a process of its own" : nil].compactMap { $0 }
        return parts.isEmpty ? nil : "\(name): \(parts.joined(separator: ", "))"
    }

    /// What the library needs besides thread counts.
    var environment: [String: String] {
        guard let parts = helped?.split(separator: "=", maxSplits: 1), parts.count == 2 else { return [:] }
        return [String(parts[0]): String(parts[1])]
    }

    /// What tells every library how many threads to use. It must be set before the library is loaded.
    static func environment(threads: Int) -> [String: String] {
        let counts = [
            "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "OMP_NUM_THREADS", "GOTO_NUM_THREADS",
            "LANES_NUM_THREADS",
        ]
        // OpenMP's threads sleep between calls otherwise, which is not what they are compared for.
        return Dictionary(uniqueKeysWithValues: counts.map { ($0, String(threads)) })
            .merging(threads > 1 ? ["OMP_WAIT_POLICY": "active"] : [:]) { $1 }
    }
}

/// The functions of a loaded library. Int is 32 bits in CBLAS and 64 in oneDNN.
@safe struct LoadedLibrary {
    typealias SGEMM =
        @convention(c) (
            Int32, Int32, Int32, Int32, Int32, Int32, Float, UnsafePointer<Float>, Int32, UnsafePointer<Float>, Int32, Float,
            UnsafeMutablePointer<Float>, Int32
        ) -> Void
    typealias DGEMM =
        @convention(c) (
            Int32, Int32, Int32, Int32, Int32, Int32, Double, UnsafePointer<Double>, Int32, UnsafePointer<Double>, Int32,
            Double,
            UnsafeMutablePointer<Double>, Int32
        ) -> Void
    typealias DNNL =
        @convention(c) (
            CChar, CChar, Int64, Int64, Int64, Float, UnsafePointer<Float>, Int64, UnsafePointer<Float>, Int64, Float,
            UnsafeMutablePointer<Float>, Int64
        ) -> Int32

    /// "kernels SkylakeX" of an OpenBLAS, the version of MKL or oneDNN.
    private(set) var description: String?
    private(set) var sgemm: SGEMM?
    private(set) var dgemm: DGEMM?
    private(set) var dnnl: DNNL?

    var hasDouble: Bool { unsafe dgemm != nil }

    init(path: String) throws {
        guard let handle = unsafe dlopen(path, RTLD_NOW | RTLD_LOCAL) else {
            throw Failure("cannot load '\(path)': \(unsafe String(cString: dlerror()))")
        }
        if let symbol = unsafe dlsym(handle, "cblas_sgemm") ?? dlsym(handle, "scipy_cblas_sgemm") {
            unsafe sgemm = unsafe unsafeBitCast(symbol, to: SGEMM.self)
        }
        if let symbol = unsafe dlsym(handle, "cblas_dgemm") ?? dlsym(handle, "scipy_cblas_dgemm") {
            unsafe dgemm = unsafe unsafeBitCast(symbol, to: DGEMM.self)
        }
        if let symbol = unsafe dlsym(handle, "dnnl_sgemm") { unsafe dnnl = unsafe unsafeBitCast(symbol, to: DNNL.self) }
        description = unsafe LoadedLibrary.describe(handle)
        guard unsafe sgemm != nil || dnnl != nil else {
            throw Failure("'\(path)' exports neither cblas_sgemm nor scipy_cblas_sgemm nor dnnl_sgemm")
        }
    }

    private static func describe(_ handle: UnsafeMutableRawPointer) -> String? {
        typealias Name = @convention(c) () -> UnsafePointer<CChar>?
        typealias Version = @convention(c) (UnsafeMutablePointer<CChar>, Int32) -> Void
        typealias Numbers = @convention(c) () -> UnsafePointer<Int32>?
        if let symbol = unsafe dlsym(handle, "openblas_get_corename") ?? dlsym(handle, "scipy_openblas_get_corename"),
            let name = unsafe unsafeBitCast(symbol, to: Name.self)()
        {
            return unsafe "kernels \(String(cString: name))"
        }
        if let symbol = unsafe dlsym(handle, "MKL_Get_Version_String") {
            var text = [CChar](repeating: 0, count: 200)
            unsafe unsafeBitCast(symbol, to: Version.self)(&text, 200)
            return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
                .trimmingCharacters(in: .whitespaces)
        }
        if let symbol = unsafe dlsym(handle, "dnnl_version"), let numbers = unsafe unsafeBitCast(symbol, to: Numbers.self)() {
            return unsafe "oneDNN \(numbers[0]).\(numbers[1]).\(numbers[2])"
        }
        return nil
    }

    /// C = op(A)·op(B) + β·C, row-major.
    func multiply(
        _ shape: Shape, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ c: UnsafeMutablePointer<Float>
    ) {
        let lda = shape.storedA.columns + shape.padding
        let ldb = shape.storedB.columns + shape.padding
        let ldc = shape.n + shape.padding
        if let sgemm = unsafe sgemm {
            unsafe sgemm(
                101, shape.transposeA ? 112 : 111, shape.transposeB ? 112 : 111, Int32(shape.m), Int32(shape.n), Int32(shape.k),
                1, a,
                Int32(lda), b, Int32(ldb), Float(shape.beta), c, Int32(ldc))
        } else {
            let letter = { (transposed: Bool) in CChar(bitPattern: UInt8(ascii: transposed ? "T" : "N")) }
            _ = unsafe dnnl!(
                letter(shape.transposeA), letter(shape.transposeB), Int64(shape.m), Int64(shape.n), Int64(shape.k), 1, a,
                Int64(lda), b,
                Int64(ldb), Float(shape.beta), c, Int64(ldc))
        }
    }

    func multiply(
        _ shape: Shape, _ a: UnsafePointer<Double>, _ b: UnsafePointer<Double>, _ c: UnsafeMutablePointer<Double>
    ) {
        unsafe dgemm!(
            101, shape.transposeA ? 112 : 111, shape.transposeB ? 112 : 111, Int32(shape.m), Int32(shape.n), Int32(shape.k), 1,
            a,
            Int32(shape.storedA.columns + shape.padding), b, Int32(shape.storedB.columns + shape.padding), shape.beta, c,
            Int32(shape.n + shape.padding))
    }
}
