// swift-tools-version: 6.2
import PackageDescription

// Every reader of foreign files under libFuzzer: swift build --package-path Tests/fuzz --sanitize fuzzer. See Fuzz.swift.
let package = Package(
    name: "lanes-fuzz",
    dependencies: [.package(name: "swift-lanes", path: "../..")],
    targets: [
        .systemLibrary(name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"])]),
        .executableTarget(
            name: "fuzz",
            dependencies: [
                "CPNG", .product(name: "Lanes", package: "swift-lanes"), .product(name: "LanesFiles", package: "swift-lanes"),
                .product(name: "LanesNN", package: "swift-lanes"),
                .product(name: "LanesExperiments", package: "swift-lanes"),
                .product(name: "LanesMeasurement", package: "swift-lanes"),
            ],
            exclude: ["laboratory.json"],
            swiftSettings: [.swiftLanguageMode(.v6), .strictMemorySafety(), .treatAllWarnings(as: .error)]),
    ]
)
