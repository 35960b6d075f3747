// The catalogue: one row for each element type and instruction set, best first.
#include "../cpu/catalogue.h"
#include "gemm_tile.h"

#include <stdatomic.h>

static const ck_gemm_kernels *const f32_rows[] = {
#if defined(__x86_64__)
    &ck_gemm_f32_avx512,
    &ck_gemm_f32_avx2,
#elif defined(__aarch64__)
    &ck_gemm_f32_neon,
#endif
    &ck_gemm_f32_portable,
};

static const ck_gemm_kernels *const f64_rows[] = {
#if defined(__x86_64__)
    &ck_gemm_f64_avx512,
    &ck_gemm_f64_avx2,
#elif defined(__aarch64__)
    &ck_gemm_f64_neon,
#endif
    &ck_gemm_f64_portable,
};

enum { ROW_COUNT = sizeof f32_rows / sizeof *f32_rows };

const ck_gemm_kernels *const *ck_gemm_f32_catalogue(int32_t *count) {
    *count = ROW_COUNT;
    return f32_rows;
}

const ck_gemm_kernels *const *ck_gemm_f64_catalogue(int32_t *count) {
    *count = ROW_COUNT;
    return f64_rows;
}

ck_gemm_description ck_gemm_describe(const ck_gemm_kernels *kernels) { return kernels->description; }

typedef _Atomic(const ck_gemm_kernels *) remembered_row;

// Finding the row twice finds the same one, so threads may race to remember it.
static const ck_gemm_kernels *remember(remembered_row *remembered, const ck_gemm_kernels *const *rows) {
    const ck_gemm_kernels *row = atomic_load_explicit(remembered, memory_order_relaxed);
    if (__builtin_expect(!row, 0)) {
        row = row_in_use((const void *const *)rows);
        atomic_store_explicit(remembered, row, memory_order_relaxed);
    }
    return row;
}

const ck_gemm_kernels *ck_gemm_f32(void) {
    static remembered_row row;
    return remember(&row, f32_rows);
}

const ck_gemm_kernels *ck_gemm_f64(void) {
    static remembered_row row;
    return remember(&row, f64_rows);
}
