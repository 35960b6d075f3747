// swift-tools-version: 6.2
import PackageDescription

// Warnings are errors in this project's own tests.
let isOurTest = Context.environment["LANES_WARNINGS_ARE_ERRORS"] != nil
let strictSwift: [SwiftSetting] = isOurTest ? [.treatAllWarnings(as: .error)] : []

let package = Package(
    name: "lanes-tools",
    products: [.executable(name: "lanes", targets: ["lanes"])],
    dependencies: [
        .package(name: "swift-lanes", path: ".."),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/ordo-one/TextTable", from: "0.0.2"),
    ],
    targets: [
        .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
        .systemLibrary(name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"])]),
        // What a program does with a BLAS that has no fused epilogue: bias and ReLU in passes of their own.
        .target(name: "PeerPasses", cSettings: [.unsafeFlags(["-O3"])]),
        .executableTarget(
            name: "lanes",
            dependencies: [
                "CPNG", "CSQLite", "PeerPasses",
                .product(name: "Lanes", package: "swift-lanes"),
                .product(name: "LanesParallel", package: "swift-lanes"),
                .product(name: "LanesNN", package: "swift-lanes"),
                .product(name: "LanesExperiments", package: "swift-lanes"),
                .product(name: "LanesMeasurement", package: "swift-lanes"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "TextTable", package: "TextTable"),
            ],
            swiftSettings: strictSwift + [.swiftLanguageMode(.v6), .strictMemorySafety()]
        ),
    ]
)
