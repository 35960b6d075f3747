// GEMM micro-kernels for AVX2 with FMA: 16 vector registers of 8 floats or 4 doubles.
//
// 4 rows x 3 vectors: 12 accumulators, 3 vectors of B, 1 broadcast, which is every register there is. A step of k is
// 12 multiply-adds for 7 loads. 6 rows x 2 vectors would load 8.
#if defined(__x86_64__)

#include "gemm_tile.h"

#include <immintrin.h>

CK_BEGIN_TARGET(CK_AVX2_FEATURES)
#include "../simd/avx2.h"

#include "../simd/avx2_f32.h"
#define KERNELS ck_gemm_f32_avx2
#define DESCRIPTION {"ck_gemm_f32_avx2_4x24", CK_ISA_AVX2, 4, 24, 8, 4}
#define MAX_ROWS_1 12
#define MAX_ROWS_2 6
#define MAX_ROWS_3 4
#define MAX_ROWS_6 2
#define DOT_ROWS 6
#define DOT_ROWS_2 3
#include "gemm_tile_body.h"
#include "../simd/undefine.h"

#include "../simd/avx2_f64.h"
#define KERNELS ck_gemm_f64_avx2
#define DESCRIPTION {"ck_gemm_f64_avx2_4x12", CK_ISA_AVX2, 4, 12, 4, 8}
#define MAX_ROWS_1 12
#define MAX_ROWS_2 6
#define MAX_ROWS_3 4
#define MAX_ROWS_6 2
#define DOT_ROWS 6
#define DOT_ROWS_2 3
#include "gemm_tile_body.h"
#include "../simd/undefine.h"

CK_END_TARGET
#else
typedef int ck_gemm_avx2_is_for_x86_64; // a translation unit may not be empty
#endif
