// Reductions, softmax, normalisation, transposition; see matrix_body.h.
#if defined(__aarch64__)

#include "../simd/compiler.h"
#include "ck_matrix.h"
#include "ck_vector.h"

#include <arm_neon.h>

#define ROW_ISA CK_ISA_NEON

#include "../simd/neon.h"

#include "../simd/neon_f32.h"
#include "../vector/transcendental_body.h"
#include "../vector/reduction_body.h"
#include "matrix_body.h"
#include "../vector/transcendental_undefine.h"
#include "../simd/undefine.h"

#include "../simd/neon_f64.h"
#include "../vector/transcendental_body.h"
#include "../vector/reduction_body.h"
#include "matrix_body.h"
#include "../vector/transcendental_undefine.h"
#include "../simd/undefine.h"

#else
typedef int ck_matrix_neon_is_for_arm64; // a translation unit may not be empty
#endif
