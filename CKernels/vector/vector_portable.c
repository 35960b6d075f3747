// Elementwise kernels; see vector_body.h.
#include "../simd/compiler.h"
#include "ck_vector.h"

#include <math.h>
#include <stdbool.h>

#include "../simd/portable.h"

#include "../simd/portable_f32.h"
#include "vector_body.h"
#include "../simd/undefine.h"

#include "../simd/portable_f64.h"
#include "vector_body.h"
#include "../simd/undefine.h"

const ck_vector_kernels ck_vector_portable = {
    "ck_vector_portable",          CK_ISA_PORTABLE,
    relu_kernel_f32_portable,          relu_kernel_f64_portable,
    relu_backward_kernel_f32_portable, relu_backward_kernel_f64_portable,
};
