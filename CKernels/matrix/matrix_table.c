// The catalogue of matrix kernels other than products: f32 before f64, best first.
#include "../cpu/catalogue.h"
#include "ck_matrix.h"

extern const ck_matrix_kernels ck_matrix_f32_avx512, ck_matrix_f32_avx2, ck_matrix_f32_neon, ck_matrix_f32_portable;
extern const ck_matrix_kernels ck_matrix_f64_avx512, ck_matrix_f64_avx2, ck_matrix_f64_neon, ck_matrix_f64_portable;

static const ck_matrix_kernels *const rows[] = {
#if defined(__x86_64__)
    &ck_matrix_f32_avx512, &ck_matrix_f32_avx2, &ck_matrix_f32_portable,
    &ck_matrix_f64_avx512, &ck_matrix_f64_avx2, &ck_matrix_f64_portable,
#elif defined(__aarch64__)
    &ck_matrix_f32_neon,
    &ck_matrix_f32_portable,
    &ck_matrix_f64_neon,
    &ck_matrix_f64_portable,
#else
    &ck_matrix_f32_portable,
    &ck_matrix_f64_portable,
#endif
};
enum { ROW_COUNT = sizeof rows / sizeof *rows };

const ck_matrix_kernels *const *ck_matrix_catalogue(int32_t *count) {
    *count = ROW_COUNT;
    return rows;
}

const ck_matrix_kernels *ck_matrix_f32(void) { return row_in_use((const void *const *)rows); }
const ck_matrix_kernels *ck_matrix_f64(void) { return row_in_use((const void *const *)rows + ROW_COUNT / 2); }
