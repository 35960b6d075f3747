// The catalogue of measuring kernels, best first.
#include "ck_probe.h"

extern const ck_probe_kernels ck_probe_avx512, ck_probe_avx2, ck_probe_neon, ck_probe_portable;

static const ck_probe_kernels *const rows[] = {
#if defined(__x86_64__)
    &ck_probe_avx512,
    &ck_probe_avx2,
#elif defined(__aarch64__)
    &ck_probe_neon,
#endif
    &ck_probe_portable,
};

const ck_probe_kernels *const *ck_probe_catalogue(int32_t *count) {
    *count = sizeof rows / sizeof *rows;
    return rows;
}

const ck_probe_kernels *ck_probe(void) {
    const ck_isa isa = ck_isa_selected();
    int row = 0;
    while (rows[row]->isa != isa) row++;
    return rows[row];
}
