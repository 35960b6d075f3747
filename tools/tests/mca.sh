# seconds: 22, on two cores, where the packages are installed
# The loops of the micro-kernels on models of processors that are not at hand.
run_mca() {
    step "micro-kernels on llvm-mca's models"
    tools/setup llvm-19 libc6-dev python3 gcc-aarch64-linux-gnu libc6-dev-arm64-cross
    if [ "$architecture" != x86_64 ]; then echo "this machine is not x86-64: the models are held there"; return; fi
    mkdir -p "$work/mca"
    local isa
    for isa in avx512 avx2; do clang -O3 -std=gnu17 -ICKernels/include -S "CKernels/gemm/gemm_$isa.c" -o "$work/mca/$isa.s"; done
    clang --target=aarch64-linux-gnu -O3 -std=gnu17 -ICKernels/include -S CKernels/gemm/gemm_neon.c -o "$work/mca/neon.s"
    python3 Tests/mca/check.py llvm-mca-19 "$work/mca" || fail "a micro-kernel's loop needs more cycles than its multiply-adds allow"
    # A load more than the model's ports take in every step must be found.
    sed 's/^\(\tvfmadd231ps\t\)/\tvmovups\t(%rsp), %ymm15\n\tvmovups\t32(%rsp), %ymm15\n\1/' "$work/mca/avx2.s" >"$work/mca/slow.s"
    mv "$work/mca/slow.s" "$work/mca/avx2.s"
    ! python3 Tests/mca/check.py llvm-mca-19 "$work/mca" >"$work/out" || fail "a loop with more loads than ports was not found"
    ok "$(llvm-mca-19 --version | grep -o 'LLVM version [0-9.]*'): znver4, sapphirerapids, haswell, neoverse-v1; a slow loop is found"
    for isa in avx512 avx2; do clang -O3 -std=gnu17 -ICKernels/include -S "CKernels/vector/vector_$isa.c" -o "$work/mca/vector_$isa.s"; done
    python3 Tests/mca/fences.py "$work"/mca/vector_*.s >"$work/out" || { cat "$work/out"; fail "streaming stores without a fence"; }
    sed '/sfence/d' "$work/mca/vector_avx2.s" >"$work/mca/unfenced.s"
    ! python3 Tests/mca/fences.py "$work/mca/unfenced.s" >/dev/null || fail "a missing fence was not found"
    tac "$work/mca/vector_avx2.s" | sed '0,/sfence/{/sfence/d}' | tac >"$work/mca/unfenced.s"
    ! python3 Tests/mca/fences.py "$work/mca/unfenced.s" >/dev/null || fail "one missing fence among others was not found"
    ok "$(tail -n 1 "$work/out"); a missing one is found"
}
