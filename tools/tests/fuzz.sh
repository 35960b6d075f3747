# seconds: 75, on two cores, where the packages are installed
# Every reader of foreign files under libFuzzer, from right files on.
run_fuzz() {
    step "fuzzing of readers"
    local reader
    for reader in Shape LaboratoryFile ImageFile; do
        [ -L "Tests/fuzz/Sources/fuzz/$reader.swift" ] || fail "the fuzzer has a copy of $reader.swift, not the reader itself"
    done
    tools/setup zlib1g-dev libpng-dev libhwloc-dev libnuma-dev pkg-config
    swift build --package-path Tests/fuzz --scratch-path .build-fuzz --sanitize fuzzer >"$work/out" 2>&1 || { cat "$work/out"; fail "build of the fuzzer"; }
    mkdir -p "$work/seeds"
    FUZZ_SEEDS=$work/seeds .build-fuzz/debug/fuzz
    .build-fuzz/debug/fuzz -max_total_time=20 -rss_limit_mb=4096 -timeout=10 -artifact_prefix="$work/" "$work/seeds" >"$work/out" 2>&1 ||
        { tail -n 40 "$work/out"; fail "a reader ended the process"; }
    ok "readers of IDX, image sets, checkpoints, arrays, PNG, PGM, results of the laboratory and shapes: $(grep -o 'Done [0-9]* runs' "$work/out" | grep -o '[0-9]*') files, none ended the process"
}
