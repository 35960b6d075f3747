// The catalogue of measuring kernels, best first.
#include "../cpu/catalogue.h"
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

const ck_probe_kernels *ck_probe(void) { return row_in_use((const void *const *)rows); }
