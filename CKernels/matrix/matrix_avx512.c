// Reductions, softmax, normalisation, transposition; see matrix_body.h.
#if defined(__x86_64__)

#include "../simd/compiler.h"
#include "ck_matrix.h"
#include "ck_vector.h"

#include <immintrin.h>

#define ROW_ISA CK_ISA_AVX512

CK_BEGIN_TARGET(CK_AVX512_FEATURES)
#include "../simd/avx512.h"

#include "../simd/avx512_f32.h"
#include "../vector/transcendental_body.h"
#include "../vector/reduction_body.h"
#include "matrix_body.h"
#include "../vector/transcendental_undefine.h"
#include "../simd/undefine.h"

#include "../simd/avx512_f64.h"
#include "../vector/transcendental_body.h"
#include "../vector/reduction_body.h"
#include "matrix_body.h"
#include "../vector/transcendental_undefine.h"
#include "../simd/undefine.h"

CK_END_TARGET

#else
typedef int ck_matrix_avx512_is_for_x86_64; // a translation unit may not be empty
#endif
