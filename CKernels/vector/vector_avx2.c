// Elementwise kernels, streams and reductions; see vector_body.h.
#if defined(__x86_64__)

#include "../simd/compiler.h"
#include "ck_vector.h"

#include <immintrin.h>

#define ROW_ISA CK_ISA_AVX2
#define CK_STREAM_FENCE() _mm_sfence()

CK_BEGIN_TARGET(CK_AVX2_FEATURES)
#include "../simd/avx2.h"

#include "../simd/avx2_f32.h"
#include "transcendental_body.h"
#include "vector_body.h"
#include "transcendental_undefine.h"
#include "../simd/undefine.h"

#include "../simd/avx2_f64.h"
#include "transcendental_body.h"
#include "vector_body.h"
#include "transcendental_undefine.h"
#include "../simd/undefine.h"

CK_END_TARGET

#else
typedef int ck_vector_avx2_is_for_x86_64; // a translation unit may not be empty
#endif
