// Elementwise kernels; see vector_body.h.
#if defined(__aarch64__)

#include "../simd/compiler.h"
#include "ck_vector.h"

#include <arm_neon.h>

#include "../simd/neon.h"

#include "../simd/neon_f32.h"
#include "vector_body.h"
#include "../simd/undefine.h"

#include "../simd/neon_f64.h"
#include "vector_body.h"
#include "../simd/undefine.h"

const ck_vector_kernels ck_vector_neon = {
    "ck_vector_neon",          CK_ISA_NEON,
    relu_kernel_f32_neon,          relu_kernel_f64_neon,
    relu_backward_kernel_f32_neon, relu_backward_kernel_f64_neon,
};
#else
typedef int ck_vector_neon_is_for_arm64; // a translation unit may not be empty
#endif
