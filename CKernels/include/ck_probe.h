// Kernels that measure the machine. Each says how much work one iteration is.
#ifndef CK_PROBE_H
#define CK_PROBE_H

#include "ck_cpu.h"

#ifdef __cplusplus
extern "C" {
#endif

// One row of the catalogue: the probes of one instruction set.
typedef struct ck_probe_kernels {
    const char *name; // ck_probe_avx512
    ck_isa isa;
    // Independent chains of fused multiply-adds in registers: no load, no store, so the rate is the peak of the FMA
    // pipes. Returns a number that depends on every chain.
    float (*fma_f32)(int64_t iterations);
    double (*fma_f64)(int64_t iterations);
    // Floating-point operations of one iteration; a multiply-add counts as two.
    int64_t flops_f32, flops_f64;
} ck_probe_kernels;

// The rows that were built for this architecture, best first.
const ck_probe_kernels *const *ck_probe_catalogue(int32_t *count);

// The row in use: that of ck_isa_selected().
const ck_probe_kernels *ck_probe(void);

#ifdef __cplusplus
}
#endif
#endif
