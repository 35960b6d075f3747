# seconds: 40, on two cores, where the packages are installed
# A package that depends on a tagged clone of this one and runs the README's sample, in debug and in release.
run_client() {
    step "client package"
    tools/setup libhwloc-dev libnuma-dev pkg-config
    local commit
    commit=$(git stash create)
    git clone -q --shared "$root" "$work/swift-lanes"
    git -C "$work/swift-lanes" checkout -q "${commit:-HEAD}" 2>/dev/null
    git -C "$work/swift-lanes" -c user.name=test -c user.email=test@localhost tag -f 0.1.0 >/dev/null
    mkdir -p "$work/client/Sources/client"
    cat >"$work/client/Package.swift" <<END
// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "client",
    dependencies: [.package(url: "file://$work/swift-lanes", from: "0.1.0")],
    targets: [.executableTarget(name: "client", dependencies: [
        .product(name: "Lanes", package: "swift-lanes"), .product(name: "LanesParallel", package: "swift-lanes"),
    ])]
)
END
    sed -n '/^```swift$/,/^```$/{/^```/d;p}' README.md >"$work/client/Sources/client/main.swift"
    [ -s "$work/client/Sources/client/main.swift" ] || fail "README.md has no Swift sample"
    for configuration in debug release; do
        (cd "$work/client" && swift build -c $configuration >"$work/out" 2>&1) || { cat "$work/out"; fail "client in $configuration"; }
        "$work/client/.build/$configuration/client" >"$work/client-$configuration" || fail "the sample in $configuration"
        ok "README sample in $configuration: $(tail -n 1 "$work/client-$configuration")"
    done
    # A type of a client's own is no element: its bytes would be taken for those of another.
    printf '%s\n' 'import Lanes' 'extension Float16: @retroactive LaneElement {}' 'var b = Buffer<Float16>(count: 1000)' >"$work/client/Sources/client/main.swift"
    ! (cd "$work/client" && swift build >"$work/out" 2>&1) && grep -q "type 'Float16' does not conform to protocol 'LaneElement'" "$work/out" || { cat "$work/out"; fail "a foreign element type"; }
    ok "no type but Float and Double is an element"
    grep -q '^2\.92' "$work/client-release" || fail "the sample prints a wrong number"
    cmp "$work/client-debug" "$work/client-release" || fail "the sample prints other numbers in debug than in release"
}
