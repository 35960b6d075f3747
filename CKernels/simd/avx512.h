// AVX-512: 32 registers of 16 floats or 8 doubles, masked loads and stores. What the vocabularies avx512_f32.h and
// avx512_f64.h are made of. Include it once in a file, inside the region of its target.
#include "compiler.h"

static inline CK_ALWAYS_INLINE __mmask16 mask_f32(int64_t n) { return n <= 0 ? 0 : n >= 16 ? 0xffff : (__mmask16)((1u << n) - 1); }
static inline CK_ALWAYS_INLINE __mmask8 mask_f64(int64_t n) { return n <= 0 ? 0 : n >= 8 ? 0xff : (__mmask8)((1u << n) - 1); }

// 16 x 16 floats: pairs of elements within 128-bit lanes, then pairs of pairs, then the lanes.
static inline CK_ALWAYS_INLINE void transpose_f32(__m512 r[16]) {
    __m512 t[16], u[16];
    CK_UNROLL
    for (int i = 0; i < 16; i += 2) {
        t[i] = _mm512_unpacklo_ps(r[i], r[i + 1]);
        t[i + 1] = _mm512_unpackhi_ps(r[i], r[i + 1]);
    }
    CK_UNROLL
    for (int i = 0; i < 16; i += 4) {
        CK_UNROLL
        for (int h = 0; h < 2; h++) {
            const __m512d low = _mm512_castps_pd(t[i + h]), high = _mm512_castps_pd(t[i + 2 + h]);
            u[i + 2 * h] = _mm512_castpd_ps(_mm512_unpacklo_pd(low, high));
            u[i + 2 * h + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(low, high));
        }
    }
    // u[4 g + q] holds, in 128-bit lane l, column 4 l + q of rows 4 g ... 4 g + 3.
    CK_UNROLL
    for (int q = 0; q < 4; q++) {
        const __m512 even01 = _mm512_shuffle_f32x4(u[q], u[4 + q], 0x88), odd01 = _mm512_shuffle_f32x4(u[q], u[4 + q], 0xdd);
        const __m512 even23 = _mm512_shuffle_f32x4(u[8 + q], u[12 + q], 0x88);
        const __m512 odd23 = _mm512_shuffle_f32x4(u[8 + q], u[12 + q], 0xdd);
        r[q] = _mm512_shuffle_f32x4(even01, even23, 0x88);
        r[4 + q] = _mm512_shuffle_f32x4(odd01, odd23, 0x88);
        r[8 + q] = _mm512_shuffle_f32x4(even01, even23, 0xdd);
        r[12 + q] = _mm512_shuffle_f32x4(odd01, odd23, 0xdd);
    }
}

// Eight columns of 16 rows from memory: halves of rows i and i + 4 share a register, which saves a stage of shuffles and leaves
// registers to spare.
static inline CK_ALWAYS_INLINE void load_transposed_f32(__m512 r[8], const char *p, int64_t ld) {
    __m512 u[8];
    CK_UNROLL
    for (int h = 0; h < 8; h += 4) {
        __m512 q[4];
        CK_UNROLL
        for (int i = 0; i < 4; i++) {
            const char *row = p + (2 * h + i) * ld;
            const __m512d low = _mm512_castpd256_pd512(_mm256_loadu_pd((const double *)row));
            q[i] = _mm512_castpd_ps(_mm512_insertf64x4(low, _mm256_loadu_pd((const double *)(row + 4 * ld)), 1));
        }
        const __m512d t0 = _mm512_castps_pd(_mm512_unpacklo_ps(q[0], q[1])), t1 = _mm512_castps_pd(_mm512_unpackhi_ps(q[0], q[1]));
        const __m512d t2 = _mm512_castps_pd(_mm512_unpacklo_ps(q[2], q[3])), t3 = _mm512_castps_pd(_mm512_unpackhi_ps(q[2], q[3]));
        u[h] = _mm512_castpd_ps(_mm512_unpacklo_pd(t0, t2));
        u[h + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(t0, t2));
        u[h + 2] = _mm512_castpd_ps(_mm512_unpacklo_pd(t1, t3));
        u[h + 3] = _mm512_castpd_ps(_mm512_unpackhi_pd(t1, t3));
    }
    // u[h + q], 128-bit lane l: column q + 4 (l & 1) of rows 2 h + 4 (l >> 1) ... + 3.
    CK_UNROLL
    for (int q = 0; q < 4; q++) {
        r[q] = _mm512_shuffle_f32x4(u[q], u[4 + q], 0x88);
        r[4 + q] = _mm512_shuffle_f32x4(u[q], u[4 + q], 0xdd);
    }
}

// Four columns of 8 rows, halves of rows i and i + 2 in a register.
static inline CK_ALWAYS_INLINE void load_transposed_f64(__m512d r[4], const char *p, int64_t ld) {
    __m512d u[4];
    CK_UNROLL
    for (int h = 0; h < 4; h += 2) {
        __m512d q[2];
        CK_UNROLL
        for (int i = 0; i < 2; i++) {
            const char *row = p + (2 * h + i) * ld;
            const __m512d low = _mm512_castpd256_pd512(_mm256_loadu_pd((const double *)row));
            q[i] = _mm512_insertf64x4(low, _mm256_loadu_pd((const double *)(row + 2 * ld)), 1);
        }
        u[h] = _mm512_unpacklo_pd(q[0], q[1]);
        u[h + 1] = _mm512_unpackhi_pd(q[0], q[1]);
    }
    // u[h + q], 128-bit lane l: column q + 2 (l & 1) of rows 2 h + 2 (l >> 1) and the next.
    CK_UNROLL
    for (int q = 0; q < 2; q++) {
        r[q] = _mm512_shuffle_f64x2(u[q], u[2 + q], 0x88);
        r[2 + q] = _mm512_shuffle_f64x2(u[q], u[2 + q], 0xdd);
    }
}

static inline CK_ALWAYS_INLINE void transpose_f64(__m512d r[8]) {
    __m512d t[8];
    CK_UNROLL
    for (int i = 0; i < 8; i += 2) {
        t[i] = _mm512_unpacklo_pd(r[i], r[i + 1]);
        t[i + 1] = _mm512_unpackhi_pd(r[i], r[i + 1]);
    }
    // t[2 g + q] holds, in 128-bit lane l, column 2 l + q of rows 2 g and 2 g + 1.
    CK_UNROLL
    for (int q = 0; q < 2; q++) {
        const __m512d even01 = _mm512_shuffle_f64x2(t[q], t[2 + q], 0x88), odd01 = _mm512_shuffle_f64x2(t[q], t[2 + q], 0xdd);
        const __m512d even23 = _mm512_shuffle_f64x2(t[4 + q], t[6 + q], 0x88);
        const __m512d odd23 = _mm512_shuffle_f64x2(t[4 + q], t[6 + q], 0xdd);
        r[q] = _mm512_shuffle_f64x2(even01, even23, 0x88);
        r[2 + q] = _mm512_shuffle_f64x2(odd01, odd23, 0x88);
        r[4 + q] = _mm512_shuffle_f64x2(even01, even23, 0xdd);
        r[6 + q] = _mm512_shuffle_f64x2(odd01, odd23, 0xdd);
    }
}
