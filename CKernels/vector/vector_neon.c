// Elementwise kernels, streams and reductions; see vector_body.h.
#if defined(__aarch64__)

#include "../simd/compiler.h"
#include "ck_vector.h"

#include <arm_neon.h>

#define ROW_ISA CK_ISA_NEON
#define CK_STREAM_FENCE() ((void)0)

#include "../simd/neon.h"

#include "../simd/neon_f32.h"
#include "transcendental_body.h"
#include "vector_body.h"
#include "transcendental_undefine.h"
#include "../simd/undefine.h"

#include "../simd/neon_f64.h"
#include "transcendental_body.h"
#include "vector_body.h"
#include "transcendental_undefine.h"
#include "../simd/undefine.h"

#else
typedef int ck_vector_neon_is_for_arm64; // a translation unit may not be empty
#endif
