# seconds: 170, on two cores, where the packages are installed
run_command() {
    step "the lanes command"
    tools/setup python3 gcc libc6-dev strace
    # Without a right to install anything a command goes on, and says what will be missing; help asks for nothing.
    mkdir -p "$work/bin"
    printf '%s\n' '#!/bin/bash' 'for last; do true; done' '[ "$last" != libopenblas0 ] || exit 1' 'exec /usr/bin/dpkg-query "$@"' >"$work/bin/dpkg-query"
    printf '%s\n' '#!/bin/bash' 'echo "apt-get was called" >&2' 'exit 100' >"$work/bin/apt-get"
    chmod +x "$work/bin/dpkg-query" "$work/bin/apt-get"
    PATH=$work/bin:$PATH tools/lanes gemm --help >"$work/out" 2>&1 && ! grep -q 'apt-get\|going on' "$work/out" || { cat "$work/out"; fail "help asks for packages"; }
    PATH=$work/bin:$PATH tools/lanes lab run trust --quick >"$work/out" 2>&1 && grep -q 'going on without libopenblas0: products stand beside no other library' "$work/out" || { cat "$work/out"; fail "a package that is not to be had"; }
    ok "tools/lanes goes on without what it can do without"
    tools/lanes --help >"$work/out" && grep -q 'lanes study' "$work/out" || fail "lanes --help"
    tools/lanes info --json >"$work/info.json"
    for isa in $(expected_isas); do
        LANES_ISA=$isa tools/lanes info --json >"$work/info.json"
        python3 -c 'import json, sys; d = json.load(open(sys.argv[1])); assert d["machine"]["instructionSet"] == sys.argv[2]
assert [k for k in d["kernels"] if k["selected"] and sys.argv[2] in k["name"]]' "$work/info.json" "$isa" || fail "lanes info on $isa"
    done
    ok "lanes info on every instruction set"
    local status=0
    LANES_ISA=vax tools/lanes info >"$work/out" 2>&1 || status=$?
    [ $status = 2 ] && grep -q 'LANES_ISA=vax is not available on this processor; available: ' "$work/out" || fail "an unknown LANES_ISA"
    status=0
    LANES_MACHINE=pentium tools/lanes info >"$work/out" 2>&1 || status=$?
    [ $status = 2 ] && grep -q 'LANES_MACHINE=pentium is not in the table of machines; known: zen5, ' "$work/out" || { cat "$work/out"; fail "an unknown LANES_MACHINE"; }
    echo garbage >"$work/garbage.xml"
    # Without the component that reads this system, which some builds of hwloc fall back to.
    HWLOC_COMPONENTS=xml,stop HWLOC_XMLFILE=$work/garbage.xml tools/lanes info >"$work/out" 2>"$work/errors" || { cat "$work/errors"; fail "hwloc without a topology"; }
    [ "$(grep -c 'hwloc cannot read this machine' "$work/errors")" -ge 1 ] && grep -q '^topology  *package 0' "$work/out" || { cat "$work/errors"; fail "hwloc without a topology"; }
    ok "a broken hwloc is told and survived"
    HWLOC_SYNTHETIC='package:2 l3:2 core:300 pu:2' tools/lanes info >"$work/out" && grep -q 'a description, not this system' "$work/out" || fail "2400 described processors"
    ok "a described machine of 2400 processors"
    if strace -f -qq -o /dev/null true 2>/dev/null; then
        strace -f -qq -o /dev/null -e trace=mbind -e inject=mbind:error=EPERM tools/.build/release/lanes info >"$work/out" 2>"$work/errors" || { cat "$work/errors"; fail "memory that is not placed"; }
        [ "$(grep -c 'does not place memory on nodes (Operation not permitted); going on with plain memory' "$work/errors")" = 1 ] || { cat "$work/errors"; fail "one warning for memory that is not placed"; }
        ok "memory that the system does not place: one warning, plain memory"
    fi
    status=0
    for placement in compact cores spread 0-1023; do
        LANES_PLACEMENT=$placement tools/.build/release/lanes gemm 64x64x64 --rounds 1 --seconds 0.01 >"$work/out" || { cat "$work/out"; fail "LANES_PLACEMENT=$placement"; }
    done
    ok "LANES_PLACEMENT"
    for arguments in "gemm 4x4" "gemm --rounds 0" "gemm --peer x=/nowhere.so" "gemm --nonsense" "gemm --threads 0" "gemm --threads 100000" "study --seconds -1" "tune 4x4" "tune --seconds 0" "tune --seconds 1000"; do
        status=0
        # shellcheck disable=SC2086
        tools/lanes $arguments >"$work/out" 2>&1 || status=$?
        [ $status = 2 ] && [ -s "$work/out" ] || { cat "$work/out"; fail "lanes $arguments ended with $status instead of 2"; }
    done
    for arguments in info "info --json" "lab list" --help "gemm --explain 64x64x64"; do
        status=0
        # shellcheck disable=SC2086
        tools/.build/release/lanes $arguments >/dev/full 2>"$work/errors" || status=$?
        [ $status = 1 ] && grep -q 'cannot write to standard output: No space left on device' "$work/errors" || { cat "$work/errors"; fail "lanes $arguments to a full disk ended with $status"; }
    done
    ok "output that cannot be written is an error"
    local limit
    for limit in "-n 10" "-v 200000"; do
        status=0
        # shellcheck disable=SC2086
        (ulimit $limit && exec timeout 60 tools/.build/release/lanes gemm 64x64x64) >"$work/out" 2>&1 || status=$?
        [ $status = 1 ] && grep -q "^Error: only .* (ulimit ${limit% *})" "$work/out" || { cat "$work/out"; fail "ulimit $limit ended with $status"; }
    done
    for line in "0 nan" "0 1e39" "0 inf"; do
        status=0
        echo "NN 64 64 64 $line" >"$work/shapes"
        tools/.build/release/lanes gemm --no-peers --shapes "$work/shapes" >"$work/out" 2>&1 || status=$?
        [ $status = 1 ] && grep -q "shapes:1: .*a finite beta" "$work/out" || { cat "$work/out"; fail "a beta of '$line' ended with $status"; }
    done
    ok "too few files, too little memory and a beta that is no number are told"
    if [ "$(nproc)" -gt 1 ] && strace -f -qq -o /dev/null true 2>/dev/null; then
        local last
        last=$(taskset -cp $$ | sed 's/.*[,:-] *//')
        taskset -c "$last" strace -f -qq -o "$work/calls" -e trace=sched_setaffinity tools/.build/release/lanes lab run trust --quick >/dev/null
        grep -q "\[$last\]" "$work/calls" || { cat "$work/calls"; fail "no binding was seen: the check could not fail"; }
        ! grep -v "\[$last\]" "$work/calls" | grep -q '\[' || { cat "$work/calls"; fail "a thread was bound outside its mask"; }
        ok "hwloc binds no thread outside its mask"
    fi
    echo 'NN 3 4' >"$work/shapes.txt"
    status=0
    tools/lanes gemm --shapes "$work/shapes.txt" >"$work/out" 2>&1 || status=$?
    [ $status = 1 ] && grep -q "shapes.txt:1: 'NN 3 4' is not" "$work/out" || { cat "$work/out"; fail "a bad shapes file"; }
    ok "bad usage explains itself"
    printf '# comment\nNT 5 6 7 2 1\nNN 64 64 64\n' >"$work/shapes.txt"
    for type in f32 f64; do
        tools/lanes gemm --shapes "$work/shapes.txt" --rounds 1 --seconds 0.01 --type $type --json >"$work/gemm.json"
        python3 -c 'import json, sys; d = json.load(open(sys.argv[1])); assert len(d["rows"]) == 2
assert all(r["gflops"]["lanes"] > 0 and r["gflops"]["openblas"] > 0 and r["ratio"] > 0 for r in d["rows"])' "$work/gemm.json" || fail "lanes gemm --type $type"
    done
    ok "lanes gemm beside OpenBLAS, f32 and f64"
    tools/lanes gemm 33x34x35 --no-peers --subnormals --rounds 1 --seconds 0.01 >"$work/out" && grep -q '^A holds subnormal numbers$' "$work/out" \
        || { cat "$work/out"; fail "lanes gemm --subnormals"; }
    # A peer that cannot share a process is measured apart; one wrong element of 4,096 is found.
    for kind in APART WRONG PRINTS HANGS; do
        gcc -std=gnu17 -O2 -Wall -Wextra -Werror -D$kind -shared -fPIC -o "$work/$kind.so" Tests/peers/peer.c
    done
    tools/lanes gemm 16x16x16 NT:5x6x7 --rounds 1 --seconds 0.01 --peer apart="$work/APART.so" --json >"$work/gemm.json"
    python3 -c 'import json, sys; d = json.load(open(sys.argv[1])); assert [l["isApart"] for l in d["libraries"]] == [False, True]
assert all(r["ratios"]["apart"] > 0 for r in d["rows"])' "$work/gemm.json" || fail "a peer that cannot share a process"
    status=0
    tools/lanes gemm 64x64x64 --rounds 1 --seconds 0.01 --peer wrong="$work/WRONG.so" >"$work/out" 2>&1 || status=$?
    [ $status = 1 ] && grep -q 'wrong gives a wrong result for NN 64x64x64' "$work/out" || { cat "$work/out"; fail "a wrong element of a peer"; }
    tools/lanes gemm 16x16x16 --rounds 1 --seconds 0.01 --peer prints="$work/PRINTS.so" --json >"$work/gemm.json"
    python3 -c 'import json, sys; d = json.load(open(sys.argv[1])); assert all(r["ratios"]["prints"] > 0 for r in d["rows"])' "$work/gemm.json" || fail "a peer that prints"
    # One that hangs is asked whether it may share a process, and ends with this program.
    tools/.build/release/lanes gemm 4x4x4 --rounds 1 --seconds 0.01 --peer hangs="$work/HANGS.so" >"$work/out" 2>&1 &
    local hanging=$!
    sleep 3
    pgrep -f "$work/HANGS.so" | grep -qv "^$hanging\$" || fail "no process of a peer that hangs"
    kill -KILL $hanging
    wait $hanging 2>/dev/null || true
    sleep 0.5
    ! pgrep -f "$work/HANGS.so" || fail "a peer that hangs outlives its parent"
    ok "lanes gemm: a peer apart, one with one wrong element, one that prints, one that hangs"
    # An OpenBLAS that does not know the processor is given kernels that suit it, and the output says so.
    if grep -qw avx2 /proc/cpuinfo; then
        OPENBLAS_CORETYPE=Prescott tools/lanes gemm 16x16x16 --rounds 1 --seconds 0.01 >"$work/out" || { cat "$work/out"; fail "a weak OpenBLAS"; }
        grep -q '^openblas: kernels .*, by OPENBLAS_CORETYPE=\(SkylakeX\|Haswell\)$' "$work/out" || { cat "$work/out"; fail "a weak OpenBLAS is not helped"; }
        ok "an OpenBLAS with kernels of an older processor is helped, and that is said"
    fi
    tools/lanes gemm --explain TN:700x700x700 >"$work/out" && grep -q '^A  *' "$work/out" || { cat "$work/out"; fail "lanes gemm --explain"; }
    LANES_MACHINE=golden-cove tools/lanes gemm --explain TN:700x700x700 --json >"$work/explain.json"
    python3 -c 'import json, sys; d = json.load(open(sys.argv[1]))[0]["decisions"]; assert d["machine"].startswith("golden-cove (forced)") and d["A"].startswith("packed: "), d' "$work/explain.json" || fail "a plan of another machine"
    tools/lanes tune 33x33x33 TN:300x300x300 NT:8x100x100 --seconds 2 --json >"$work/tune.json"
    python3 -c 'import json, sys; d = json.load(open(sys.argv[1])); assert len(d["rows"]) == 3 and d["worst"] >= d["geometricMean"] >= 1
assert all(r["gflops"] > 0 and r["alternatives"] and all(a["pair"]["ratio"] > 0 for a in r["alternatives"]) for r in d["rows"])' "$work/tune.json" || fail "lanes tune"
    ok "lanes gemm --explain and lanes tune"
    local threads=$(($(nproc) < 2 ? 1 : 2))
    tools/lanes gemm --threads $threads --shapes "$work/shapes.txt" --rounds 1 --seconds 0.01 --json >"$work/gemm.json"
    python3 -c 'import json, sys; d = json.load(open(sys.argv[1])); assert d["threads"] == int(sys.argv[2])
assert all(r["gflops"]["lanes"] > 0 for r in d["rows"])' "$work/gemm.json" $threads || fail "lanes gemm --threads"
    ok "lanes gemm on $threads threads"
    tools/lanes study --out "$work/report" --rounds 1 --seconds 0.01 --epochs 1 >"$work/out" || { cat "$work/out"; fail "lanes study"; }
    grep -q '<svg' "$work/report/index.html" && ! grep -q '<script' "$work/report/index.html" || fail "the report"
    python3 -c 'import json, sys; d = json.load(open(sys.argv[1])); assert d["layer"]["imageCount"] == 10000
assert d["layer"]["differenceOverBound"] <= 1 and d["layer"]["ownFused"] > 0
assert sys.argv[2] == "1" or d["gemmTwoThreads"]["threads"] == 2
assert 0.7 < d["training"]["testAccuracy"] <= 1 and len(d["laboratory"]["experiments"]) == int(sys.argv[3])' "$work/report/study.json" "$(nproc)" "$(experiment_count)" || fail "study.json"
    # Loss from 0; percentages up to 100 and no further, from what the run found.
    python3 -c 'import re, sys; page = open(sys.argv[1]).read().split("<figcaption>Loss and accuracy")[0]
ticks = re.findall(r"<text><tspan[^>]*> ?([0-9.]+)<", page[page.rindex("<svg"):])
assert ticks.count("0") == 1 and "100" in ticks and all(float(t) <= 100 for t in ticks), ticks' "$work/report/index.html" ||
        fail "the axes of the training's figure"
    ok "lanes study on real images"
    ln -sf /usr/share/datasets/fashion-mnist/train-* /usr/share/datasets/fashion-mnist/t10k-labels* "$work/"
    head -c 4000 /usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz >"$work/t10k-images-idx3-ubyte.gz"
    status=0
    tools/lanes study --data "$work" --out "$work/report2" >"$work/out" 2>&1 || status=$?
    [ $status = 1 ] && grep -q "t10k-images-idx3-ubyte.gz', offset [0-9]*: \(ends\|is damaged\) here" "$work/out" && [ ! -e "$work/report2" ] || { cat "$work/out"; fail "a truncated data file"; }
    ok "a truncated data file is named with the offset"
}
