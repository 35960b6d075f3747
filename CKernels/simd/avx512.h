// AVX-512: 32 registers of 16 floats or 8 doubles, masked loads and stores. What the vocabularies avx512_f32.h and
// avx512_f64.h are made of. Include it once in a file, inside the region of its target.
#include "compiler.h"

static inline CK_ALWAYS_INLINE __mmask16 mask_f32(int64_t n) {
    return n <= 0 ? 0 : n >= 16 ? 0xffff : (__mmask16)((1u << n) - 1);
}
static inline CK_ALWAYS_INLINE __mmask8 mask_f64(int64_t n) {
    return n <= 0 ? 0 : n >= 8 ? 0xff : (__mmask8)((1u << n) - 1);
}

// Transposition in halves of a vector: a half line of one row beside a half line of another, which loads bring
// together without a shuffle. That leaves 48 shuffles of 64 for 16 x 16 floats, 16 of 24 for 8 x 8 doubles.
static inline CK_ALWAYS_INLINE __m512 halves_f32(const char *low, const char *high) {
    return _mm512_insertf32x8(_mm512_castps256_ps512(_mm256_loadu_ps((const float *)low)),
                              _mm256_loadu_ps((const float *)high), 1);
}

static inline CK_ALWAYS_INLINE __m512d halves_f64(const char *low, const char *high) {
    return _mm512_insertf64x4(_mm512_castpd256_pd512(_mm256_loadu_pd((const double *)low)),
                              _mm256_loadu_pd((const double *)high), 1);
}

// r[8 h + 4 g + i] holds columns 8 h ... 8 h + 7 of row 8 g + i, then those of row 8 g + i + 4: pairs of elements
// within 128-bit lanes, then pairs of pairs, then the lanes.
static inline CK_ALWAYS_INLINE void transpose_halves_f32(__m512 r[16]) {
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
    // u[8 h + 4 g + q] holds, in its 128-bit lanes, columns 8 h + q and 8 h + 4 + q of four rows, then of the next
    // four.
    CK_UNROLL
    for (int h = 0; h < 16; h += 8) {
        CK_UNROLL
        for (int q = 0; q < 4; q++) {
            r[h + q] = _mm512_shuffle_f32x4(u[h + q], u[h + 4 + q], 0x88);
            r[h + 4 + q] = _mm512_shuffle_f32x4(u[h + q], u[h + 4 + q], 0xdd);
        }
    }
}

// r[4 h + 2 g + i] holds columns 4 h ... 4 h + 3 of row 4 g + i, then those of row 4 g + i + 2.
static inline CK_ALWAYS_INLINE void transpose_halves_f64(__m512d r[8]) {
    CK_UNROLL
    for (int h = 0; h < 8; h += 4) {
        const __m512d even01 = _mm512_unpacklo_pd(r[h], r[h + 1]), odd01 = _mm512_unpackhi_pd(r[h], r[h + 1]);
        const __m512d even23 = _mm512_unpacklo_pd(r[h + 2], r[h + 3]), odd23 = _mm512_unpackhi_pd(r[h + 2], r[h + 3]);
        r[h] = _mm512_shuffle_f64x2(even01, even23, 0x88);
        r[h + 1] = _mm512_shuffle_f64x2(odd01, odd23, 0x88);
        r[h + 2] = _mm512_shuffle_f64x2(even01, even23, 0xdd);
        r[h + 3] = _mm512_shuffle_f64x2(odd01, odd23, 0xdd);
    }
}

static inline CK_ALWAYS_INLINE void load_transposed_f32(__m512 r[16], const char *p, int64_t ld) {
    CK_UNROLL
    for (int i = 0; i < 4; i++, p += ld) {
        const char *row = p;
        CK_UNROLL
        for (int g = 0; g < 8; g += 4, row += 8 * ld) {
            r[g + i] = halves_f32(row, row + 4 * ld);
            r[8 + g + i] = halves_f32(row + 32, row + 4 * ld + 32);
        }
    }
    transpose_halves_f32(r);
}

static inline CK_ALWAYS_INLINE void load_transposed_f64(__m512d r[8], const char *p, int64_t ld) {
    CK_UNROLL
    for (int i = 0; i < 2; i++, p += ld) {
        const char *row = p;
        CK_UNROLL
        for (int g = 0; g < 4; g += 2, row += 4 * ld) {
            r[g + i] = halves_f64(row, row + 2 * ld);
            r[4 + g + i] = halves_f64(row + 32, row + 2 * ld + 32);
        }
    }
    transpose_halves_f64(r);
}

// The same with whole rows in registers.
static inline CK_ALWAYS_INLINE void transpose_f32(__m512 r[16]) {
    __m512 t[16];
    CK_UNROLL
    for (int i = 0; i < 16; i++) t[i] = r[i];
    CK_UNROLL
    for (int i = 0; i < 8; i++) {
        const int row = i / 4 * 8 + i % 4;
        r[i] = _mm512_shuffle_f32x4(t[row], t[row + 4], 0x44);
        r[8 + i] = _mm512_shuffle_f32x4(t[row], t[row + 4], 0xee);
    }
    transpose_halves_f32(r);
}

static inline CK_ALWAYS_INLINE void transpose_f64(__m512d r[8]) {
    __m512d t[8];
    CK_UNROLL
    for (int i = 0; i < 8; i++) t[i] = r[i];
    CK_UNROLL
    for (int i = 0; i < 4; i++) {
        const int row = i / 2 * 4 + i % 2;
        r[i] = _mm512_shuffle_f64x2(t[row], t[row + 2], 0x44);
        r[4 + i] = _mm512_shuffle_f64x2(t[row], t[row + 2], 0xee);
    }
    transpose_halves_f64(r);
}
