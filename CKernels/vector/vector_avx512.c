// Elementwise kernels; see vector_body.h.
#if defined(__x86_64__)

#include "../simd/compiler.h"
#include "ck_vector.h"

#include <immintrin.h>

CK_BEGIN_TARGET(CK_AVX512_FEATURES)
#include "../simd/avx512.h"

#include "../simd/avx512_f32.h"
#include "vector_body.h"
#include "../simd/undefine.h"

#include "../simd/avx512_f64.h"
#include "vector_body.h"
#include "../simd/undefine.h"

CK_END_TARGET

const ck_vector_kernels ck_vector_avx512 = {
    "ck_vector_avx512",          CK_ISA_AVX512,
    relu_kernel_f32_avx512,          relu_kernel_f64_avx512,
    relu_backward_kernel_f32_avx512, relu_backward_kernel_f64_avx512,
};
#else
typedef int ck_vector_avx512_is_for_x86_64; // a translation unit may not be empty
#endif
