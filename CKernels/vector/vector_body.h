// The row of the catalogue of elementwise kernels, streams and reductions for one element type on one instruction set,
// inside a vocabulary (simd/vocabulary.h) and after transcendental_body.h.
#include "elementwise_body.h"
#include "reduction_body.h"

static double NAME(sum_kernel)(int64_t count, const void *x) { return (double)NAME(sum_of)(count, x); }
static double NAME(absolute_sum_kernel)(int64_t count, const void *x) {
    return (double)NAME(absolute_sum_of)(count, x);
}
static double NAME(dot_kernel)(int64_t count, const void *x, const void *y) {
    return (double)NAME(dot_of)(count, x, y);
}
static double NAME(maximum_kernel)(int64_t count, const void *x) { return (double)NAME(maximum_of)(count, x); }
static double NAME(minimum_kernel)(int64_t count, const void *x) { return (double)NAME(minimum_of)(count, x); }

#define ROW_(text) #text
#define ROW_TEXT(text) ROW_(text)
const ck_vector_kernels NAME(ck_vector) = {
    .name = ROW_TEXT(NAME(ck_vector)),
    .isa = ROW_ISA,
    .byte_count = sizeof(ELEMENT),
    .relu = NAME(relu_kernel),
    .relu_backward = NAME(relu_backward_kernel),
    .exp = NAME(exp_kernel),
    .log = NAME(log_kernel),
    .tanh = NAME(tanh_kernel),
    .sigmoid = NAME(sigmoid_kernel),
    .gelu = NAME(gelu_kernel),
    .axpy = NAME(axpy_kernel),
    .fill = NAME(fill_kernel),
    .copy = NAME(copy_kernel),
    .absolute = NAME(absolute_kernel),
    .square_root = NAME(square_root_kernel),
    .scale = NAME(scale_kernel),
    .affine = NAME(affine_kernel),
    .clamp = NAME(clamp_kernel),
    .add = NAME(add_kernel),
    .subtract = NAME(subtract_kernel),
    .multiply = NAME(multiply_kernel),
    .divide = NAME(divide_kernel),
    .smaller = NAME(smaller_kernel),
    .larger = NAME(larger_kernel),
    .triad = NAME(triad_kernel),
    .sum = NAME(sum_kernel),
    .absolute_sum = NAME(absolute_sum_kernel),
    .dot = NAME(dot_kernel),
    .maximum = NAME(maximum_kernel),
    .minimum = NAME(minimum_kernel),
};
#undef ROW_TEXT
#undef ROW_
