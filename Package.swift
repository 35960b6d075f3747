// swift-tools-version: 6.2
import PackageDescription

// Kernels, and the thin Swift calls above them, are optimised in every configuration, so that a client's debug build runs them
// at full speed. Instruction sets are switched on inside the files.
let optimizedC: CSetting = .unsafeFlags(["-O3"])
let optimizedSwift: SwiftSetting = .unsafeFlags(["-O"], .when(configuration: .debug))
// Warnings are errors in this project's own tests: a client's flags or a newer compiler may bring others.
let isOurTest = Context.environment["LANES_WARNINGS_ARE_ERRORS"] != nil
let strictC: [CSetting] = isOurTest ? [.treatAllWarnings(as: .error)] : []
let strictSwift: [SwiftSetting] = isOurTest ? [.treatAllWarnings(as: .error)] : []
let swiftSettings: [SwiftSetting] =
    strictSwift + [
        .swiftLanguageMode(.v6), .strictMemorySafety(),
        // Views that cannot outlive what they show: `@_lifetime` on functions that return one.
        .enableExperimentalFeature("Lifetimes"),
    ]

let package = Package(
    name: "swift-lanes",
    products: [
        .library(name: "Lanes", targets: ["Lanes"]),
        // The same on several lanes: the pool of workers and parallel operations.
        .library(name: "LanesParallel", targets: ["LanesParallel"]),
        // Arrays in files of PyTorch and NumPy.
        .library(name: "LanesFiles", targets: ["LanesFiles"]),
        // A small network trained and used on lanes: layers, optimisers, data, checkpoints.
        .library(name: "LanesNN", targets: ["LanesNN"]),
        // The C and Fortran interface, for every other language.
        .library(name: "LanesBLAS", type: .dynamic, targets: ["LanesBLAS"]),
        // Clock, statistics and machine record of the `lanes` command.
        .library(name: "LanesMeasurement", targets: ["LanesMeasurement"]),
        // The laboratory: questions about the reader's machine, predicted, measured and judged.
        .library(name: "LanesExperiments", targets: ["LanesExperiments"]),
    ],
    targets: [
        .target(
            name: "CKernels",
            path: "CKernels",
            cSettings: [optimizedC] + strictC,
            linkerSettings: [.linkedLibrary("m", .when(platforms: [.linux]))]
        ),
        .target(name: "Lanes", dependencies: ["CKernels"], swiftSettings: swiftSettings + [optimizedSwift]),
        .systemLibrary(name: "CHwloc", pkgConfig: "hwloc", providers: [.apt(["libhwloc-dev"])]),
        .systemLibrary(name: "CNUMA", pkgConfig: "numa", providers: [.apt(["libnuma-dev"])]),
        .target(
            name: "LanesParallel",
            dependencies: ["CKernels", "CHwloc", "CNUMA", "Lanes"],
            swiftSettings: swiftSettings + [optimizedSwift]
        ),
        .target(name: "LanesFiles", dependencies: ["Lanes"], swiftSettings: swiftSettings + [optimizedSwift]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .target(
            name: "LanesNN",
            dependencies: ["CKernels", "CZlib", "Lanes", "LanesFiles", "LanesParallel"],
            swiftSettings: swiftSettings + [optimizedSwift]
        ),
        .target(
            name: "LanesBLAS",
            dependencies: ["CKernels"],
            cSettings: [optimizedC] + strictC
        ),
        .target(
            name: "LanesMeasurement", dependencies: ["CKernels"], path: "bench/LanesMeasurement", swiftSettings: swiftSettings),
        .target(
            name: "LanesExperiments", dependencies: ["CKernels", "Lanes", "LanesNN", "LanesParallel", "LanesMeasurement"],
            path: "bench/LanesExperiments", swiftSettings: swiftSettings + [optimizedSwift]),
        .target(name: "TestSupport", dependencies: ["CKernels"], path: "Tests/TestSupport", swiftSettings: swiftSettings),
        .testTarget(name: "CKernelsTests", dependencies: ["CKernels", "TestSupport"], swiftSettings: swiftSettings),
        .testTarget(name: "LanesTests", dependencies: ["Lanes", "TestSupport"], swiftSettings: swiftSettings),
        .testTarget(
            name: "LanesParallelTests", dependencies: ["Lanes", "LanesParallel", "TestSupport"], swiftSettings: swiftSettings),
        .testTarget(name: "LanesFilesTests", dependencies: ["Lanes", "LanesFiles"], swiftSettings: swiftSettings),
        .testTarget(
            name: "LanesNNTests", dependencies: ["Lanes", "LanesNN", "LanesParallel"], swiftSettings: swiftSettings),
        .testTarget(
            name: "LanesExperimentsTests", dependencies: ["LanesExperiments", "LanesParallel", "LanesMeasurement"],
            exclude: ["Recorded"],
            swiftSettings: swiftSettings),
        .testTarget(name: "LanesBLASTests", dependencies: ["LanesBLAS", "TestSupport"], swiftSettings: swiftSettings),
        .testTarget(name: "LanesMeasurementTests", dependencies: ["LanesMeasurement"], swiftSettings: swiftSettings),
    ],
    cLanguageStandard: .gnu17
)
