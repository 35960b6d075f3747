// AVX2 and FMA: 16 registers of 8 floats or 4 doubles. What the vocabularies avx2_f32.h and
// avx2_f64.h are made of. Include it once in a file, inside the region of its target.
#include "compiler.h"

// Windows into these rows of ones and zeros are the masks of AVX2's masked loads and stores.
static const int32_t mask_words[16] = {-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0};

static inline CK_ALWAYS_INLINE __m256i mask_f32(int64_t n) {
    n = n < 0 ? 0 : n > 8 ? 8 : n;
    return _mm256_loadu_si256((const __m256i *)(mask_words + 8 - n));
}

static inline CK_ALWAYS_INLINE __m256i mask_f64(int64_t n) { return mask_f32(2 * n); }

static inline CK_ALWAYS_INLINE void transpose_f32(__m256 r[8]) {
    __m256 t[8], u[8];
    CK_UNROLL
    for (int i = 0; i < 8; i += 2) {
        t[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
        t[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
    }
    CK_UNROLL
    for (int i = 0; i < 8; i += 4) {
        CK_UNROLL
        for (int h = 0; h < 2; h++) {
            u[i + 2 * h] = _mm256_shuffle_ps(t[i + h], t[i + 2 + h], 0x44);
            u[i + 2 * h + 1] = _mm256_shuffle_ps(t[i + h], t[i + 2 + h], 0xee);
        }
    }
    CK_UNROLL
    for (int q = 0; q < 4; q++) {
        r[q] = _mm256_permute2f128_ps(u[q], u[4 + q], 0x20);
        r[4 + q] = _mm256_permute2f128_ps(u[q], u[4 + q], 0x31);
    }
}

static inline CK_ALWAYS_INLINE void transpose_f64(__m256d r[4]) {
    const __m256d t0 = _mm256_unpacklo_pd(r[0], r[1]), t1 = _mm256_unpackhi_pd(r[0], r[1]);
    const __m256d t2 = _mm256_unpacklo_pd(r[2], r[3]), t3 = _mm256_unpackhi_pd(r[2], r[3]);
    r[0] = _mm256_permute2f128_pd(t0, t2, 0x20);
    r[1] = _mm256_permute2f128_pd(t1, t3, 0x20);
    r[2] = _mm256_permute2f128_pd(t0, t2, 0x31);
    r[3] = _mm256_permute2f128_pd(t1, t3, 0x31);
}
