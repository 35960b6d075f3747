// GEMM micro-kernels for arm64 Advanced SIMD: 32 vector registers of 4 floats or 2 doubles.
//
// 8 rows x 3 vectors: 24 accumulators, 3 vectors of B, 1 broadcast.
#if defined(__aarch64__)

#include "gemm_tile.h"

#include <arm_neon.h>

#include "../simd/neon.h"

#include "../simd/neon_f32.h"
#define KERNELS ck_gemm_f32_neon
#define DESCRIPTION {"ck_gemm_f32_neon_8x12", CK_ISA_NEON, 8, 12, 4, 4}
#define MAX_ROWS_1 16
#define MAX_ROWS_2 12
#define MAX_ROWS_3 8
#define MAX_ROWS_6 4
#define DOT_ROWS 12
#define DOT_ROWS_2 6
#include "gemm_tile_body.h"
#include "../simd/undefine.h"

#include "../simd/neon_f64.h"
#define KERNELS ck_gemm_f64_neon
#define DESCRIPTION {"ck_gemm_f64_neon_8x6", CK_ISA_NEON, 8, 6, 2, 8}
#define MAX_ROWS_1 16
#define MAX_ROWS_2 12
#define MAX_ROWS_3 8
#define MAX_ROWS_6 4
#define DOT_ROWS 12
#define DOT_ROWS_2 6
#include "gemm_tile_body.h"
#include "../simd/undefine.h"

#else
typedef int ck_gemm_neon_is_for_arm64; // a translation unit may not be empty
#endif
