// GEMM micro-kernels in plain C: a "vector" is one number. The library's fma() rounds once on every processor, so this
// row has the bits of the others; where the processor has no such instruction it is slow. It is the reference to read,
// and what runs where nothing else can.
#include "gemm_tile.h"

#include <math.h>
#include <stdbool.h>

#include "../simd/portable.h"

#include "../simd/portable_f32.h"
#define KERNELS ck_gemm_f32_portable
#define DESCRIPTION {"ck_gemm_f32_portable_4x3", CK_ISA_PORTABLE, 4, 3, 1, 4}
#define MAX_ROWS_1 4
#define MAX_ROWS_2 4
#define MAX_ROWS_3 4
#define MAX_ROWS_6 2
#define DOT_ROWS 4
#define DOT_ROWS_2 2
#include "gemm_tile_body.h"
#include "../simd/undefine.h"

#include "../simd/portable_f64.h"
#define KERNELS ck_gemm_f64_portable
#define DESCRIPTION {"ck_gemm_f64_portable_4x3", CK_ISA_PORTABLE, 4, 3, 1, 8}
#define MAX_ROWS_1 4
#define MAX_ROWS_2 4
#define MAX_ROWS_3 4
#define MAX_ROWS_6 2
#define DOT_ROWS 4
#define DOT_ROWS_2 2
#include "gemm_tile_body.h"
#include "../simd/undefine.h"
