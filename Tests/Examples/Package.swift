// swift-tools-version: 6.2
import PackageDescription

// Programs as a client writes them. Each is one file beside the same in NumPy, which prints the same numbers; check.py compares.
let programs = ["PCA", "KMeans", "MLP", "Attention", "Convolution", "Histogram", "FalseSharing"]
let lanes: [Target.Dependency] = [
    .product(name: "Lanes", package: "swift-lanes"), .product(name: "LanesParallel", package: "swift-lanes"),
    .product(name: "LanesFiles", package: "swift-lanes"),
]

let package = Package(
    name: "examples",
    dependencies: [.package(name: "swift-lanes", path: "../..")],
    targets: [.target(name: "Numbers", dependencies: lanes, path: "Sources/Numbers")]
        + programs.map { .executableTarget(name: $0, dependencies: lanes + ["Numbers"], path: "Sources/\($0)") }
)
