// GEMM micro-kernels for AVX-512: 32 vector registers of 16 floats or 8 doubles, masked edges.
//
// 8 rows x 3 vectors: 24 accumulators, 3 vectors of B, 1 broadcast. A step of k is 24 multiply-adds for 11 loads, so
// two FMA pipes and two load pipes (Zen 5) are limited by the multiply-adds with half of the load slots to spare; a
// core that runs 512-bit operations in halves (Zen 4) has the same balance at half the pace. Eight rows, not twelve:
// read in place at a stride of a multiple of 4 KiB, twelve rows of A and three lines of B no longer fit the 8 or 12
// ways of one L1 set.
#if defined(__x86_64__)

#include "gemm_tile.h"

#include <immintrin.h>

CK_BEGIN_TARGET(CK_AVX512_FEATURES)
#include "../simd/avx512.h"

#include "../simd/avx512_f32.h"
#define KERNELS ck_gemm_f32_avx512
#define DESCRIPTION {"ck_gemm_f32_avx512_8x48", CK_ISA_AVX512, 8, 48, 16, 4}
#define MAX_ROWS_1 16
#define MAX_ROWS_2 12
#define MAX_ROWS_3 8
#define MAX_ROWS_6 4
#define DOT_ROWS 12
#define DOT_ROWS_2 6
#include "gemm_tile_body.h"
#include "../simd/undefine.h"

#include "../simd/avx512_f64.h"
#define KERNELS ck_gemm_f64_avx512
#define DESCRIPTION {"ck_gemm_f64_avx512_8x24", CK_ISA_AVX512, 8, 24, 8, 8}
#define MAX_ROWS_1 16
#define MAX_ROWS_2 12
#define MAX_ROWS_3 8
#define MAX_ROWS_6 4
#define DOT_ROWS 12
#define DOT_ROWS_2 6
#include "gemm_tile_body.h"
#include "../simd/undefine.h"

CK_END_TARGET
#else
typedef int ck_gemm_avx512_is_for_x86_64; // a translation unit may not be empty
#endif
