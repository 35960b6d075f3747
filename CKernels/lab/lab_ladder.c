// The same product in the ways that people write it, and x * x + sin(x). What the compiler may vectorise it vectorises
// for the instruction set in use.
#include "../simd/compiler.h"
#include "ck_lab.h"

#include <math.h>

void ck_lab_gemm_textbook(int64_t m, int64_t n, int64_t k, const float *a, const float *b, float *c) {
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++) {
            float sum = 0;
            CK_SCALAR_LOOP
            for (int64_t p = 0; p < k; p++) sum += a[i * k + p] * b[p * n + j];
            c[i * n + j] = sum;
        }
}

void ck_lab_gemm_exchanged(int64_t m, int64_t n, int64_t k, const float *a, const float *b, float *c) {
    for (int64_t i = 0; i < m; i++) {
        for (int64_t j = 0; j < n; j++) c[i * n + j] = 0;
        for (int64_t p = 0; p < k; p++) {
            const float x = a[i * k + p];
            CK_SCALAR_LOOP
            for (int64_t j = 0; j < n; j++) {
                c[i * n + j] += x * b[p * n + j];
                __asm__ volatile("" ::: "memory"); // gcc has no other way to be kept from vectors
            }
        }
    }
}

// Bodies that are compiled once for each instruction set.
#define BODIES(isa)                                                                                           \
    static void gemm_##isa(int64_t m, int64_t n, int64_t k, const float *restrict a, const float *restrict b, \
                           float *restrict c) {                                                               \
        for (int64_t i = 0; i < m; i++) {                                                                     \
            for (int64_t j = 0; j < n; j++) c[i * n + j] = 0;                                                 \
            for (int64_t p = 0; p < k; p++)                                                                   \
                for (int64_t j = 0; j < n; j++)                                                               \
                    c[i * n + j] = __builtin_fmaf(a[i * k + p], b[p * n + j], c[i * n + j]);                  \
        }                                                                                                     \
    }                                                                                                         \
    static void sines_##isa(int64_t count, const float *restrict x, float *restrict y) {                      \
        for (int64_t i = 0; i < count; i++) {                                                                 \
            const float z = x[i] * x[i];                                                                      \
            float p = -1.0f / 1307674368000.0f; /* the Taylor series to x^15 */                               \
            p = __builtin_fmaf(p, z, 1.0f / 6227020800.0f);                                                   \
            p = __builtin_fmaf(p, z, -1.0f / 39916800.0f);                                                    \
            p = __builtin_fmaf(p, z, 1.0f / 362880.0f);                                                       \
            p = __builtin_fmaf(p, z, -1.0f / 5040.0f);                                                        \
            p = __builtin_fmaf(p, z, 1.0f / 120.0f);                                                          \
            p = __builtin_fmaf(p, z, -1.0f / 6.0f);                                                           \
            p = __builtin_fmaf(p, z, 1.0f);                                                                   \
            y[i] = __builtin_fmaf(p, x[i], z);                                                                \
        }                                                                                                     \
    }

BODIES(portable)
#if defined(__x86_64__)
CK_BEGIN_TARGET(CK_AVX2_FEATURES)
BODIES(avx2)
CK_END_TARGET
CK_BEGIN_TARGET(CK_AVX512_FEATURES)
BODIES(avx512)
CK_END_TARGET
#endif

void ck_lab_gemm_vectorized(int64_t m, int64_t n, int64_t k, const float *a, const float *b, float *c) {
    switch (ck_isa_selected()) {
#if defined(__x86_64__)
    case CK_ISA_AVX512: gemm_avx512(m, n, k, a, b, c); return;
    case CK_ISA_AVX2: gemm_avx2(m, n, k, a, b, c); return;
#endif
    default: gemm_portable(m, n, k, a, b, c); // the base of arm64 has vectors and multiply-adds
    }
}

void ck_lab_squares_plus_sin(int64_t count, const float *x, float *y) {
    switch (ck_isa_selected()) {
#if defined(__x86_64__)
    case CK_ISA_AVX512: sines_avx512(count, x, y); return;
    case CK_ISA_AVX2: sines_avx2(count, x, y); return;
#endif
    default: sines_portable(count, x, y);
    }
}

float ck_lab_square_plus_sin(float x) {
    float y;
    ck_lab_squares_plus_sin(1, &x, &y);
    return y;
}
