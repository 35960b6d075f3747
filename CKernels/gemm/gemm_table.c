// The catalogue: one row for each element type and instruction set, best first.
#include "gemm_tile.h"

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

static const ck_gemm_kernels *row_for(const ck_gemm_kernels *const *rows, ck_isa isa) {
    int row = 0;
    while (rows[row]->description.isa != isa) row++;
    return rows[row];
}

const ck_gemm_kernels *ck_gemm_f32(void) { return row_for(f32_rows, ck_isa_selected()); }
const ck_gemm_kernels *ck_gemm_f64(void) { return row_for(f64_rows, ck_isa_selected()); }
