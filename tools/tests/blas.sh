# seconds: 65, on two cores, where the packages are installed
run_blas() {
    step "C and Fortran interface"
    tools/setup libblas-test libblas3 gcc libc6-dev pkg-config python3-numpy
    tools/blas --prefix "$work/blas"
    ! ldd "$work/blas/lib/libLanesBLAS.so" | grep -i swift || fail "libLanesBLAS.so needs a Swift runtime"
    local testers=/usr/lib/$architecture-linux-gnu/blas type level isa variant
    # The testers must really run with our library: with an impossible instruction set it ends them.
    local status=0
    LANES_ISA=vax LD_LIBRARY_PATH=$testers LD_PRELOAD=$work/blas/lib/libLanesBLAS.so "$testers/xscblat3" <"$testers/sin3" >"$work/out" 2>&1 || status=$?
    [ $status = 2 ] || { cat "$work/out"; fail "the testers do not use our library"; }
    # The same library with short blocks, so that the testers' small matrices cross block edges.
    clang -O3 -std=gnu17 -fPIC -shared "${short_blocks[@]}" -ICKernels/include \
        -ISources/LanesBLAS/include CKernels/*/*.c Sources/LanesBLAS/*.c -lm -lpthread -o "$work/short.so"
    local machine
    for variant in "$work/blas/lib/libLanesBLAS.so" "$work/short.so"; do
        machine=$([ "$variant" = "$work/short.so" ] && echo tiny || true)
        for isa in $(expected_isas); do
            for type in s d; do
                for level in 2 3; do
                    LANES_MACHINE=$machine LANES_ISA=$isa LD_LIBRARY_PATH=$testers LD_PRELOAD=$variant "$testers/x${type}cblat$level" <"$testers/${type}in$level" >"$work/out" 2>&1 ||
                        { cat "$work/out"; fail "Netlib x${type}cblat$level"; }
                    local routine=cblas_${type}gemm
                    [ $level = 3 ] || routine=cblas_${type}gemv
                    [ "$(grep -c "$routine *PASSED THE" "$work/out")" = 3 ] || { grep "$routine" "$work/out"; fail "Netlib: $routine on $isa"; }
                    rm -f "$work/${type}blat$level.out"
                    (cd "$work" && LANES_MACHINE=$machine LANES_ISA=$isa LD_LIBRARY_PATH=$testers LD_PRELOAD=$variant "$testers/xblat$level$type" <"$testers/${type}blat$level.in" >/dev/null 2>&1) || true
                    routine=$(tr sd SD <<<"$type")GEMM
                    [ $level = 3 ] || routine=$(tr sd SD <<<"$type")GEMV
                    grep -q "$routine *PASSED THE COMPUTATIONAL TESTS" "$work/${type}blat$level.out" &&
                        grep -q "$routine *PASSED THE TESTS OF ERROR-EXITS" "$work/${type}blat$level.out" || { cat "$work/${type}blat$level.out"; fail "Netlib: $routine on $isa"; }
                done
            done
            ok "Netlib testers, $(basename "$variant"), $isa"
        done
    done
    cc -Wall -Wextra -Werror Tests/blas_program/program.c -o "$work/program" -I"$work/blas/include" -L"$work/blas/lib" -lLanesBLAS \
        -Wl,-rpath,"$work/blas/lib"
    "$work/program" || fail "C program"
    ok "C program with its own error handlers"
    # The library takes nobody's error handlers: NumPy's LAPACK raises an error where its own is in charge.
    ! nm -D --defined-only "$work/blas/lib/libLanesBLAS.so" | grep xerbla || fail "libLanesBLAS.so defines an error handler"
    LD_PRELOAD=$work/blas/lib/libLanesBLAS.so /usr/bin/python3 -c 'import numpy
from numpy.linalg import lapack_lite
a = numpy.array([[0.0]])
try:
    lapack_lite.dorgqr(1, 1, 1, a, 0, a, a, 0, 0)
    raise SystemExit("returned")
except ValueError:
    pass' || fail "LAPACK's error handler beside ours"
    printf '%s\n' '#include <lanes_blas.h>' 'int main(void) { float c = 3; cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, 1, -1, 1, 1, &c, 1, &c, 1, 0, &c, 1); return c != 3; }' >"$work/bad.c"
    cc "$work/bad.c" -o "$work/bad" -I"$work/blas/include" -L"$work/blas/lib" -lLanesBLAS -Wl,-rpath,"$work/blas/lib"
    "$work/bad" 2>"$work/out" && grep -q 'LanesBLAS: parameter 5 of cblas_sgemm has an illegal value; nothing was computed' "$work/out" || { cat "$work/out"; fail "a bad argument without a handler"; }
    ok "error handlers are the program's and LAPACK's; without one a line is printed"
    # Beside the reference's and OpenBLAS's cblas.h, before and after it.
    local package header
    for package in libblas-dev libopenblas-pthread-dev; do
        (cd "$work" && { apt-get download -qq "$package" || { apt-get update -qq && apt-get download -qq "$package"; }; } >/dev/null 2>&1 &&
            dpkg -x "$package"_*.deb "$package") || fail "cannot get $package"
        header=$(dirname "$(find "$work/$package" -name 'cblas*.h' | grep -m 1 '/cblas\(-netlib\)\{0,1\}.h$')")
        [ -f "$header/cblas.h" ] || cp "$header"/cblas-netlib.h "$header/cblas.h"
        for order in "cblas.h lanes_blas.h" "lanes_blas.h cblas.h" "lanes_blas.h"; do
            # shellcheck disable=SC2086
            { printf '#include <%s>\n' $order; echo 'int main(void) { CBLAS_ORDER o = CblasRowMajor; enum CBLAS_TRANSPOSE t = CblasNoTrans; float c = 1; cblas_sgemm(o, t, t, 1, 1, 1, 1, &c, 1, &c, 1, 0, &c, 1); return 0; }'; } >"$work/order.c"
            cc -Wall -Werror -c "$work/order.c" -o "$work/order.o" -I"$work/blas/include" -I"$header" || fail "$order of $package"
        done
    done
    ok "lanes_blas.h before and after the cblas.h of the reference and of OpenBLAS"
    status=0
    tools/blas >"$work/out" 2>&1 || status=$?
    [ $status = 2 ] && grep -q -- '--prefix DIR' "$work/out" || fail "tools/blas without a folder"
    ok "tools/blas explains itself"
    CC="gcc -g" tools/blas --prefix "$work/my libs" >/dev/null || fail "a compiler with an argument"
    eval "cc Tests/blas_program/program.c -o '$work/program' $(PKG_CONFIG_PATH="$work/my libs/lib/pkgconfig" pkg-config --cflags --libs lanes-blas)"
    "$work/program" || fail "a folder with a blank"
    ok "tools/blas with a compiler that has arguments, into a folder with a blank"
}
