# What the steps share. Sourced by tools/test, which sets root, work and architecture.

# The manifests make warnings errors where this is set: in our tests, not in a client's build.
export LANES_WARNINGS_ARE_ERRORS=1

ok() { echo "ok  $*"; passed=$((passed + 1)); }
fail() { echo "FAILED  $*" >&2; echo "$passed passed, 1 failed"; exit 1; }

# step TITLE: what begins, after how many seconds, and how long the rest of the steps took elsewhere.
step() { echo; echo "== $*  ($SECONDS s, some $(((seconds_left + 30) / 60)) min left)"; }

# seconds_of STEP: what its file says.
seconds_of() { sed -n '1s/^# seconds: \([0-9]*\).*/\1/p' "$root/tools/tests/$1.sh"; }

sources=(CKernels/*/*.c Tests/conformance/*.c)
# Short chunks make small products cross their edges, and every product is cut for the lanes of a pool. LANES_MACHINE=tiny does the same
# for blocks and every other limit of a plan.
short_blocks=(-DCK_GEMM_CHUNK_BYTES=128 -DCK_GEMM_REGION_NANOSECONDS=1 -DCK_GEMM_WAKE_NANOSECONDS=1 -DCK_GEMM_STEAL_NANOSECONDS=100)
flags=(-std=gnu17 -Wall -Wextra -Werror -ICKernels/include -ITests/conformance)

# Instruction sets that this machine should have, by what the kernel says: a missing one is a failure, not a skip.
expected_isas() {
    echo portable
    case $architecture in
        x86_64)
            grep -qw avx2 /proc/cpuinfo && grep -qw fma /proc/cpuinfo && echo avx2
            grep -qw avx512f /proc/cpuinfo && grep -qw avx512bw /proc/cpuinfo && grep -qw avx512dq /proc/cpuinfo &&
                grep -qw avx512vl /proc/cpuinfo && echo avx512
            ;;
        aarch64) echo neon ;;
    esac
    true
}

# build_conformance COMPILER FLAG...: builds the program, as many files at once as there are processors.
build_conformance() {
    rm -rf "$work/objects" && mkdir "$work/objects"
    printf '%s\n' "${sources[@]}" |
        xargs -P "$(nproc)" -I{} sh -c 'file=$1; shift; "$@" -c "$file" -o "$0/$(basename "$file").o"' "$work/objects" {} "$@" "${flags[@]}"
    "$@" "$work/objects"/*.o -o "$work/conformance" -lm -lpthread
}

# conformance NAME COMMAND...: runs the program, compares its digests with the expected ones.
conformance() {
    local name=$1 expected=$2
    shift 2
    "$@" >"$work/out" || { cat "$work/out"; fail "$name"; }
    grep -q ' checks, 0 failed$' "$work/out" || { cat "$work/out"; fail "$name: no closing line"; }
    diff <(grep '^digest' "$work/out") "$expected" || fail "$name: other bits than expected"
    ok "$name: $(tail -n 1 "$work/out")"
}

# One file for each experiment, beside the list.
experiment_count() { find "$root/bench/LanesExperiments" -maxdepth 1 -name '*.swift' ! -name All.swift | wc -l; }

# Every so many allocations of a training fail, one in each run.
fail_allocations() {
    python3 "$root/Tests/hostile/allocations.py" "$root/tools/.build/release/lanes" "$work/allocations" "$1" >"$work/out" 2>&1 || { cat "$work/out"; fail "an allocation that fails"; }
    ok "$(tail -n 1 "$work/out")"
}
