# seconds: 310, on two cores, where the packages are installed
run_swift() {
    step "Swift tests"
    tools/setup libhwloc-dev libnuma-dev pkg-config python3
    # With symbol graphs, which the documentation's links are checked against.
    local symbols=$root/.build/symbols
    mkdir -p "$symbols"
    swift build --build-tests -Xswiftc -emit-symbol-graph -Xswiftc -emit-symbol-graph-dir -Xswiftc "$symbols"
    local docc catalog module
    docc=$(dirname "$(readlink -f "$(command -v swift)")")/docc
    [ -x "$docc" ] || fail "the toolchain has no docc"
    for catalog in Sources/Lanes Sources/LanesFiles Sources/LanesParallel Sources/LanesNN bench/LanesMeasurement bench/LanesExperiments; do
        module=$(basename "$catalog")
        mkdir -p "$work/graph-$module"
        cp "$symbols/$module.symbols.json" "$work/graph-$module"
        "$docc" convert "$catalog/Documentation.docc" --additional-symbol-graph-dir "$work/graph-$module" --output-path "$work/$module.doccarchive" \
            --fallback-display-name "$module" --fallback-bundle-identifier "swift-lanes.$module" --warnings-as-errors >"$work/out" 2>&1 ||
            { cat "$work/out"; fail "documentation of $module"; }
    done
    ok "documentation without a missing parameter or a dead link"
    python3 Tests/documentation/summaries.py "$work"/graph-*/*.symbols.json >"$work/out" || { cat "$work/out"; fail "a public symbol without a summary"; }
    ok "$(tail -n 1 "$work/out")"
    sed 's/"docComment"/"another"/' "$work/graph-Lanes/Lanes.symbols.json" >"$work/undocumented.json"
    ! python3 Tests/documentation/summaries.py "$work/undocumented.json" >/dev/null || fail "a symbol without a summary was not found"
    for isa in $(expected_isas | tac); do
        # The laboratory's experiments take half a minute and are the same on each: they run once.
        local skip=()
        [ "$isa" = "$(expected_isas | tail -n 1)" ] || skip=(--skip LanesExperimentsTests)
        LANES_ISA=$isa swift test --skip-build "${skip[@]}" >"$work/out" 2>&1 || { cat "$work/out"; fail "swift test with LANES_ISA=$isa"; }
        grep -E 'Test run with [1-9][0-9]* tests? .*passed' "$work/out" || { cat "$work/out"; fail "swift test ran nothing"; }
        ok "swift test with LANES_ISA=$isa"
    done
    swift build --build-tests --sanitize address --scratch-path .build-address >"$work/out" 2>&1 || { cat "$work/out"; fail "build of the tests with the address sanitizer"; }
    # Without XCTest, which has none of the tests and leaks its empty list of them.
    swift test --skip-build --disable-xctest --sanitize address --scratch-path .build-address --skip LanesExperimentsTests >"$work/out" 2>&1 || { tail -n 60 "$work/out"; fail "swift test with the address sanitizer"; }
    grep -E 'Test run with [1-9][0-9]* tests? .*passed' "$work/out" || { cat "$work/out"; fail "swift test with the address sanitizer ran nothing"; }
    ok "swift test with the address sanitizer: no error, no leak"
    swift build -c release --build-tests -Xswiftc -enable-testing >"$work/out" 2>&1 || { cat "$work/out"; fail "release build of the tests"; }
    timeout 120 swift test -c release --skip-build -Xswiftc -enable-testing --skip LanesExperimentsTests >"$work/out" 2>&1 || { tail -n 60 "$work/out"; fail "swift test in release"; }
    grep -E 'Test run with [1-9][0-9]* tests? .*passed' "$work/out" || { cat "$work/out"; fail "swift test in release ran nothing"; }
    ok "swift test in release"
}
