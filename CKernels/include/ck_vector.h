// Elementwise kernels, streams and reductions on contiguous vectors.
//
// Shapes      every operand has `count` elements; count <= 0 does nothing. Operands are those of the row's element
//             type; numbers by value are doubles, rounded to it.
// Alignment   that of the element. An output may be the same memory as an input, element for element; it must not
//             overlap one otherwise.
// Promise     the same bits on every instruction set, at every position and alignment.
// Streaming   `streaming` stores bypass the caches (non-temporal): faster where the output is larger than they are and
//             not needed soon, slower elsewhere. On arm64 and in portable C they are stores like any other.
// Failure     none.
#ifndef CK_VECTOR_H
#define CK_VECTOR_H

#include "ck_cpu.h"

#ifdef __cplusplus
extern "C" {
#endif

// Reductions cut longer inputs in chunks of this many elements and add the chunks' results in ascending order. A chunk
// is reduced in columns, 256 bytes wide, that are then joined in a fixed tree: halves are added until one number is
// left.
enum { CK_VECTOR_CHUNK = 16384 };

// One row of the catalogue: all kernels of one element type on one instruction set.
typedef struct ck_vector_kernels {
    const char *name; // ck_vector_f32_avx512
    ck_isa isa;
    int32_t byte_count; // of an element

    // y = x < 0 ? +0 : x.  -0 and NaN pass unchanged.
    void (*relu)(int64_t count, const void *x, void *y);
    // dx = x > 0 ? dy : +0.  The derivative at 0 is 0, and so it is where x is NaN.
    void (*relu_backward)(int64_t count, const void *x, const void *dy, void *dx);
    // y = e to the power x, within 1 ulp, subnormal results within 1 of their steps. NaN, infinities and overflow as
    // in libm.
    void (*exp)(int64_t count, const void *x, void *y);
    // y = the natural logarithm of x, within 1 ulp. 0 gives -inf, negative numbers and NaN give NaN.
    void (*log)(int64_t count, const void *x, void *y);
    // y = the hyperbolic tangent of x, within 3 ulp. -0 gives -0.
    void (*tanh)(int64_t count, const void *x, void *y);
    // y = 1 / (1 + e^-x), within 3 ulp. +0 where x < -87 (f64: -708): no result is subnormal.
    void (*sigmoid)(int64_t count, const void *x, void *y);
    // y = x sigmoid(2 u), u = sqrt(2/pi) (x + 0.044715 x^3): GELU in its tanh form, within 4 + 4 |u| ulp of the
    // formula. -0 where sigmoid is 0.
    void (*gelu)(int64_t count, const void *x, void *y);
    // y = fma(a, x, y)
    void (*axpy)(int64_t count, double a, const void *x, void *y);

    // Those of STREAM and their like, and how many bytes of operands each moves for an element of b bytes.
    void (*fill)(int64_t count, double a, void *z, bool streaming); // z = a            1b
    void (*copy)(int64_t count, const void *x, void *z, bool streaming); // z = x            2b
    void (*absolute)(int64_t count, const void *x, void *z, bool streaming); // z = |x|          2b
    void (*square_root)(int64_t count, const void *x, void *z,
                        bool streaming); // z = sqrt(x)      2b, correctly rounded
    void (*scale)(int64_t count, double a, const void *x, void *z, bool streaming); // z = a * x        2b
    void (*affine)(int64_t count, double a, double b, const void *x, void *z,
                   bool streaming); // z = fma(a, x, b) 2b
    // z = x < low ? low : x > high ? high : x, so NaN stays.            2b
    void (*clamp)(int64_t count, double low, double high, const void *x, void *z, bool streaming);
    void (*add)(int64_t count, const void *x, const void *y, void *z, bool streaming); // z = x + y        3b
    void (*subtract)(int64_t count, const void *x, const void *y, void *z, bool streaming); // z = x - y        3b
    void (*multiply)(int64_t count, const void *x, const void *y, void *z, bool streaming); // z = x * y        3b
    void (*divide)(int64_t count, const void *x, const void *y, void *z, bool streaming); // z = x / y        3b
    // z = x < y ? x : y and z = x > y ? x : y: y where either is NaN.   3b
    void (*smaller)(int64_t count, const void *x, const void *y, void *z, bool streaming);
    void (*larger)(int64_t count, const void *x, const void *y, void *z, bool streaming);
    void (*triad)(int64_t count, double a, const void *x, const void *y, void *z,
                  bool streaming); // z = fma(a, y, x) 3b

    // Sum of x; sum of |x|; sum of x * y by multiply-adds. +0 for no elements.
    double (*sum)(int64_t count, const void *x);
    double (*absolute_sum)(int64_t count, const void *x);
    double (*dot)(int64_t count, const void *x, const void *y);
    // The largest element that is a number, -inf where there is none; the smallest one, +inf where there is none.
    double (*maximum)(int64_t count, const void *x);
    double (*minimum)(int64_t count, const void *x);
} ck_vector_kernels;

// The rows that were built for this architecture, f32 before f64, best first.
const ck_vector_kernels *const *ck_vector_catalogue(int32_t *count);

// The row in use for an element type: that of ck_isa_selected().
const ck_vector_kernels *ck_vector_f32(void);
const ck_vector_kernels *ck_vector_f64(void);

#ifdef __cplusplus
}
#endif
#endif
