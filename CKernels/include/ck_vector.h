// Elementwise kernels on contiguous vectors.
//
// Shapes      every operand has `count` elements; count <= 0 does nothing.
// Alignment   that of the element. An output may be the same memory as an input, element for element; it must not overlap
//             one otherwise.
// Promise     the same bits on every instruction set, at every position and alignment.
// Failure     none.
#ifndef CK_VECTOR_H
#define CK_VECTOR_H

#include "ck_cpu.h"

#ifdef __cplusplus
extern "C" {
#endif

// One row of the catalogue: all elementwise kernels on one instruction set.
typedef struct ck_vector_kernels {
    const char *name; // ck_vector_avx512
    ck_isa isa;
    // y = x < 0 ? +0 : x.  -0 and NaN pass unchanged.
    void (*relu_f32)(int64_t count, const float *x, float *y);
    void (*relu_f64)(int64_t count, const double *x, double *y);
    // dx = x > 0 ? dy : +0.  The derivative at 0 is 0, and so it is where x is NaN.
    void (*relu_backward_f32)(int64_t count, const float *x, const float *dy, float *dx);
    void (*relu_backward_f64)(int64_t count, const double *x, const double *dy, double *dx);
} ck_vector_kernels;

// The rows that were built for this architecture, best first.
const ck_vector_kernels *const *ck_vector_catalogue(int32_t *count);

// The row in use: that of ck_isa_selected().
const ck_vector_kernels *ck_vector(void);

#ifdef __cplusplus
}
#endif
#endif
