# seconds: 110, on two cores, where the packages are installed
run_threads() {
    step threads
    tools/setup gcc libc6-dev strace
    build_conformance gcc -O0 -fsanitize=thread "${short_blocks[@]}"
    # The sanitizer wants fixed addresses, and a forked child that starts threads, which is what is tested, needs its leave.
    LANES_MACHINE=tiny TSAN_OPTIONS=die_after_fork=0 setarch -R "$work/conformance" pool >"$work/out" 2>&1 || { tail -n 60 "$work/out"; fail "thread sanitizer"; }
    ! grep -q 'WARNING: ThreadSanitizer' "$work/out" || { head -n 60 "$work/out"; fail "thread sanitizer"; }
    ok "thread sanitizer: $(tail -n 1 "$work/out")"
    build_conformance clang -O1 "${short_blocks[@]}"
    # Ten million regions over the pools: a lost wake-up would wait for ever.
    "$work/conformance" pool 4500000 >"$work/out" || { cat "$work/out"; fail "pool"; }
    taskset -c 0 "$work/conformance" pool >"$work/out" || { cat "$work/out"; fail "pool of many lanes on one processor"; }
    ok "pools of 1 to 8 lanes, on all processors and on one: $(tail -n 1 "$work/out")"
    # The system refuses all threads but the first two.
    if strace -f -qq -o /dev/null true 2>/dev/null; then
        strace -f -qq -o /dev/null -e trace=clone3,clone -e inject=clone3,clone:error=EAGAIN:when=3+ "$work/conformance" nothreads >"$work/out" 2>&1 ||
            { cat "$work/out"; fail "a pool without threads"; }
        [ "$(grep -c 'the system gave 2 of 7 threads' "$work/out")" = 1 ] || { cat "$work/out"; fail "one warning for missing threads"; }
        ok "a pool whose threads are refused goes on with fewer, and says so once"
    else
        echo "skipped: strace may not trace here, so no system call can be made to fail"
    fi
    build_conformance clang -O3
    # Other machines' noise is no fault of ours: one of three tries is enough.
    { "$work/conformance" hogs || "$work/conformance" hogs || "$work/conformance" hogs; } >"$work/out" || { cat "$work/out"; fail "beside hogs"; }
    ok "beside hogs: $(grep 'fair share' "$work/out" | tail -n 1)"
    tools/blas --prefix "$work/blas" >/dev/null
    clang -O1 -Wall -Wextra -Werror Tests/blas_program/reload.c -o "$work/reload" -ldl -lpthread
    "$work/reload" "$work/blas/lib/libLanesBLAS.so" || fail "loaded and unloaded a thousand times"
    ok "loaded and unloaded a thousand times, ended with a product under way"
    PKG_CONFIG_PATH=$work/blas/lib/pkgconfig bash -c 'clang -O1 -Wall -Wextra -Werror "$0" -o "$1" $(pkg-config --cflags --libs lanes-blas) -lpthread' \
        Tests/blas_program/main_thread_ends.c "$work/main_thread_ends"
    local when
    for when in "" late meanwhile; do
        LD_LIBRARY_PATH=$work/blas/lib timeout -k 5 20 "$work/main_thread_ends" $when || fail "a process whose main thread has ended does not end ($when)"
    done
    ok "a process whose main thread has ended ends with its last thread"
    clang -O1 -rdynamic -Wall -Wextra -Werror Tests/blas_program/allocation_fails.c -o "$work/allocation_fails" -I"$work/blas/include" \
        -L"$work/blas/lib" -lLanesBLAS
    LD_LIBRARY_PATH=$work/blas/lib "$work/allocation_fails" >"$work/out" 2>&1 || { cat "$work/out"; fail "an allocation that fails"; }
    ok "$(tail -n 1 "$work/out"), and products have the same bits"
    python3 Tests/model/pool_model.py >"$work/out" 2>&1 || { cat "$work/out"; fail "the pool's protocol under a weak memory model"; }
    ok "the pool's protocol under a weak memory model: $(grep -c 'none wrong' "$work/out") scenarios, $(grep -c '^with a' "$work/out") weakened orders found"
    local status=0
    LANES_NUM_THREADS=two "$work/reload" "$work/blas/lib/libLanesBLAS.so" >"$work/out" 2>&1 || status=$?
    [ $status = 2 ] && grep -q 'LANES_NUM_THREADS=two is not a number of threads' "$work/out" || { cat "$work/out"; fail "a bad LANES_NUM_THREADS"; }
    ok "a bad LANES_NUM_THREADS explains itself"
}
