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

// Transposition in halves of a vector: half a row beside half of another, which loads bring together without a
// shuffle. That leaves 16 shuffles of 24 for 8 x 8 floats, 4 of 8 for 4 x 4 doubles.

// r[4 h + i] holds columns 4 h ... 4 h + 3 of row i, then those of row i + 4.
static inline CK_ALWAYS_INLINE void transpose_halves_f32(__m256 r[8]) {
    CK_UNROLL
    for (int h = 0; h < 8; h += 4) {
        const __m256 t0 = _mm256_unpacklo_ps(r[h], r[h + 1]), t1 = _mm256_unpackhi_ps(r[h], r[h + 1]);
        const __m256 t2 = _mm256_unpacklo_ps(r[h + 2], r[h + 3]), t3 = _mm256_unpackhi_ps(r[h + 2], r[h + 3]);
        r[h] = _mm256_shuffle_ps(t0, t2, 0x44);
        r[h + 1] = _mm256_shuffle_ps(t0, t2, 0xee);
        r[h + 2] = _mm256_shuffle_ps(t1, t3, 0x44);
        r[h + 3] = _mm256_shuffle_ps(t1, t3, 0xee);
    }
}

// r[2 h + i] holds columns 2 h and 2 h + 1 of row i, then those of row i + 2.
static inline CK_ALWAYS_INLINE void transpose_halves_f64(__m256d r[4]) {
    CK_UNROLL
    for (int h = 0; h < 4; h += 2) {
        const __m256d even = _mm256_unpacklo_pd(r[h], r[h + 1]);
        r[h + 1] = _mm256_unpackhi_pd(r[h], r[h + 1]);
        r[h] = even;
    }
}

static inline CK_ALWAYS_INLINE void load_transposed_f32(__m256 r[8], const char *p, int64_t ld) {
    CK_UNROLL
    for (int i = 0; i < 4; i++, p += ld) {
        r[i] = _mm256_loadu2_m128((const float *)(p + 4 * ld), (const float *)p);
        r[4 + i] = _mm256_loadu2_m128((const float *)(p + 4 * ld + 16), (const float *)(p + 16));
    }
    transpose_halves_f32(r);
}

static inline CK_ALWAYS_INLINE void load_transposed_f64(__m256d r[4], const char *p, int64_t ld) {
    CK_UNROLL
    for (int i = 0; i < 2; i++, p += ld) {
        r[i] = _mm256_loadu2_m128d((const double *)(p + 2 * ld), (const double *)p);
        r[2 + i] = _mm256_loadu2_m128d((const double *)(p + 2 * ld + 16), (const double *)(p + 16));
    }
    transpose_halves_f64(r);
}

// The same with whole rows in registers.
static inline CK_ALWAYS_INLINE void transpose_f32(__m256 r[8]) {
    CK_UNROLL
    for (int i = 0; i < 4; i++) {
        const __m256 low = _mm256_permute2f128_ps(r[i], r[i + 4], 0x20);
        r[i + 4] = _mm256_permute2f128_ps(r[i], r[i + 4], 0x31);
        r[i] = low;
    }
    transpose_halves_f32(r);
}

static inline CK_ALWAYS_INLINE void transpose_f64(__m256d r[4]) {
    CK_UNROLL
    for (int i = 0; i < 2; i++) {
        const __m256d low = _mm256_permute2f128_pd(r[i], r[i + 2], 0x20);
        r[i + 2] = _mm256_permute2f128_pd(r[i], r[i + 2], 0x31);
        r[i] = low;
    }
    transpose_halves_f64(r);
}
