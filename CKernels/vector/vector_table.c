// The catalogue of elementwise kernels, best first.
#include "ck_vector.h"

extern const ck_vector_kernels ck_vector_avx512, ck_vector_avx2, ck_vector_neon, ck_vector_portable;

static const ck_vector_kernels *const rows[] = {
#if defined(__x86_64__)
    &ck_vector_avx512,
    &ck_vector_avx2,
#elif defined(__aarch64__)
    &ck_vector_neon,
#endif
    &ck_vector_portable,
};

const ck_vector_kernels *const *ck_vector_catalogue(int32_t *count) {
    *count = sizeof rows / sizeof *rows;
    return rows;
}

const ck_vector_kernels *ck_vector(void) {
    const ck_isa isa = ck_isa_selected();
    int row = 0;
    while (rows[row]->isa != isa) row++;
    return rows[row];
}
