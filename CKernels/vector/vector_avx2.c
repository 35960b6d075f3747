// Elementwise kernels; see vector_body.h.
#if defined(__x86_64__)

#include "../simd/compiler.h"
#include "ck_vector.h"

#include <immintrin.h>

CK_BEGIN_TARGET(CK_AVX2_FEATURES)
#include "../simd/avx2.h"

#include "../simd/avx2_f32.h"
#include "vector_body.h"
#include "../simd/undefine.h"

#include "../simd/avx2_f64.h"
#include "vector_body.h"
#include "../simd/undefine.h"

CK_END_TARGET

const ck_vector_kernels ck_vector_avx2 = {
    "ck_vector_avx2",          CK_ISA_AVX2,
    relu_kernel_f32_avx2,          relu_kernel_f64_avx2,
    relu_backward_kernel_f32_avx2, relu_backward_kernel_f64_avx2,
};
#else
typedef int ck_vector_avx2_is_for_x86_64; // a translation unit may not be empty
#endif
