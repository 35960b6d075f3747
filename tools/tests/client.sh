# seconds: 240, on two cores, where the packages are installed
# Packages that depend on this one as a client's do: the README's sample from a tagged clone, in debug and in release, with old and new tools;
# the examples beside NumPy; C kernels with another C library.
run_client() {
    step "client package"
    tools/setup libhwloc-dev libnuma-dev pkg-config python3-numpy musl-tools
    # A client's compiler flags are its own.
    unset LANES_WARNINGS_ARE_ERRORS
    local commit version file configuration
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
    # Other tools, and flags that the manifest does not know.
    sed -n '/^```swift$/,/^```$/{/^```/d;p}' README.md >"$work/client/Sources/client/main.swift"
    for version in 5.10 6.0 6.3; do
        sed -i "1s/.*/\/\/ swift-tools-version: $version/" "$work/client/Package.swift"
        (cd "$work/client" && swift build >"$work/out" 2>&1) || { cat "$work/out"; fail "a client of tools $version"; }
        ok "a client of tools version $version"
    done
    # By path, where flags for everything are allowed.
    sed -i "s|url: .*from: \"0.1.0\"|path: \"$work/swift-lanes\"|" "$work/client/Package.swift"
    local option
    for option in "-Xswiftc -Ounchecked" "-Xswiftc -enable-library-evolution" "--static-swift-stdlib"; do
        # shellcheck disable=SC2086
        (cd "$work/client" && swift build -c release $option >"$work/out" 2>&1) || { cat "$work/out"; fail "a client with $option"; }
        "$work/client/.build/release/client" | cmp - "$work/client-release" || fail "a client with $option prints other numbers"
        ok "a client with $option"
    done
    # The kernels need no more of a C library than musl has, and the kernel's own headers.
    mkdir -p "$work/musl"
    for file in CKernels/*/*.c; do
        musl-gcc -O1 -std=gnu17 -Wall -Wextra -Werror -ICKernels/include -idirafter /usr/include -idirafter "/usr/include/$architecture-linux-gnu" -c "$file" -o "$work/musl/$(basename "$file").o" 2>"$work/out" || { cat "$work/out"; fail "$file with musl"; }
    done
    ok "$(find "$work/musl" -name '*.o' | wc -l) files of kernels with musl"
    for configuration in debug release; do
        swift build --package-path Tests/Examples --scratch-path .build-examples -c $configuration >"$work/out" 2>&1 || { cat "$work/out"; fail "examples in $configuration"; }
        python3 Tests/Examples/check.py ".build-examples/$configuration" >"$work/out" || { cat "$work/out"; fail "examples in $configuration differ from NumPy"; }
        ok "$(wc -l <"$work/out") examples in $configuration print NumPy's numbers"
    done
    # A check that cannot fail is worth nothing.
    mkdir -p "$work/wrong"
    find .build-examples/release/ -maxdepth 1 -type f -executable -exec cp {} "$work/wrong" \;
    cp .build-examples/release/PCA "$work/wrong/KMeans"
    ! python3 Tests/Examples/check.py "$work/wrong" >"$work/out" 2>&1 && grep -q '^KMeans: .*NumPy has' "$work/out" || { cat "$work/out"; fail "wrong numbers of an example were not found"; }
    export LANES_WARNINGS_ARE_ERRORS=1
}
