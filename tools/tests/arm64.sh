# seconds: 245, on two cores, where the packages are installed
run_arm64() {
    step "arm64 under qemu"
    if [ "$architecture" = aarch64 ]; then echo "this machine is arm64: the conformance step covers it"; return; fi
    tools/setup qemu-user gcc-aarch64-linux-gnu libc6-dev-arm64-cross
    build_conformance aarch64-linux-gnu-gcc -O2 -static
    # The emulator itself fails where a forked child starts threads.
    export CONFORMANCE_NO_FORK=1
    conformance "arm64, gcc, all shapes" Tests/conformance/expected-full.txt qemu-aarch64 "$work/conformance" full
    grep -qx "isa neon" "$work/out" || fail "neon was not tested"
    build_conformance clang --target=aarch64-linux-gnu -O3 -static
    conformance "arm64, clang" Tests/conformance/expected-quick.txt qemu-aarch64 "$work/conformance" quick
    unset CONFORMANCE_NO_FORK
}
