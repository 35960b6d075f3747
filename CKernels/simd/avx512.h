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
