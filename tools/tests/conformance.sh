# seconds: 280, on two cores, where the packages are installed
run_conformance() {
    step conformance
    tools/setup gcc libc6-dev
    # Unoptimised: the sanitizers' checks in unrolled loops take minutes to optimise. The longest run goes on beside the others.
    build_conformance clang -O0 -fsanitize=undefined,address -fno-sanitize-recover=all 2>"$work/errors" || { cat "$work/errors"; fail "sanitizers"; }
    mv "$work/conformance" "$work/sanitized"
    "$work/sanitized" full >"$work/sanitized.out" 2>&1 &
    background=$!
    build_conformance clang -O3
    conformance "clang -O3, all shapes" Tests/conformance/expected-full.txt "$work/conformance" full
    ! grep '^skipped' "$work/out" || fail "a part was skipped"
    for isa in $(expected_isas); do
        grep -qx "isa $isa" "$work/out" || fail "$isa was not tested, though /proc/cpuinfo has it"
        ok "tested $isa"
    done
    for compiler in "clang -O0" "clang -O1" "gcc -O0" "gcc -O1" "gcc -O3"; do
        # shellcheck disable=SC2086
        build_conformance $compiler
        conformance "$compiler" Tests/conformance/expected-quick.txt "$work/conformance" quick
    done
    # Chunks are part of the promise, so the digests of short ones are others; every element is still compared with the promise.
    build_conformance clang -O3 "${short_blocks[@]}"
    LANES_MACHINE=tiny "$work/conformance" full >"$work/out" || { cat "$work/out"; fail "short blocks"; }
    ok "short blocks: $(tail -n 1 "$work/out")"
    # A check that cannot fail is worth nothing: a kernel with a planted fault must be found.
    sed 's/acc\[r\]\[v\] = fma(alpha, acc\[r\]\[v\], base);/acc[r][v] = add(mul(alpha, acc[r][v]), base);/' \
        CKernels/gemm/gemm_tile_body.h >"$work/gemm_tile_body.h"
    ! cmp -s CKernels/gemm/gemm_tile_body.h "$work/gemm_tile_body.h" || fail "the planted fault was not planted"
    mkdir -p "$work/faulty" && cp -r CKernels Tests "$work/faulty" && cp "$work/gemm_tile_body.h" "$work/faulty/CKernels/gemm/"
    (cd "$work/faulty" && build_conformance clang -O0 -ffp-contract=off)
    ! "$work/conformance" quick >"$work/out" || fail "a planted fault in the epilogue was not found"
    ok "planted fault found: $(tail -n 1 "$work/out")"
    wait "$background" || { cat "$work/sanitized.out"; fail "sanitizers"; }
    background=
    conformance "undefined behaviour and address sanitizers, all shapes" Tests/conformance/expected-full.txt cat "$work/sanitized.out"
}
