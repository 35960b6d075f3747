// Kernels of a neural network other than matrix products: loss, sums over a batch, optimisers, dropout, reading of
// images.
//
// Shapes      matrices are row-major with leading dimensions in elements, one row for each sample. Labels are 32-bit
//             numbers in 0 ..< columns, which the caller has checked.
// Alignment   that of the element.
// Promise     the same bits on every instruction set; a row has the same bits alone and in a batch.
// Tiny        what training makes ever smaller ends at +0 while it is still a normal number, in the kernels, by a
//             comparison: gradients, means, variances and velocities whose size is below CK_TINY_F32 = 2^-100
//             (CK_TINY_F64 = 2^-960), squares of gradients below 2^-50 (2^-480), probabilities whose logarithm is
//             below -69 (-665). Subnormal numbers, which cost some processors 150 cycles each, therefore come about
//             only where inputs or parameters are tiny themselves. The caller's control register is neither read nor
//             written; state that holds smaller numbers, of another program or an older checkpoint, is taken as it is.
// Failure     none. NaN and infinities pass as the formulas say.
#ifndef CK_NETWORK_H
#define CK_NETWORK_H

#include "ck_cpu.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CK_TINY_F32 0x1p-100f
#define CK_TINY_F64 0x1p-960

// What one step of Adam needs to know (Kingma and Ba, 2015; decay as in Loshchilov and Hutter, "Decoupled weight
// decay", 2019).
typedef struct ck_adam {
    double rate, beta1, beta2, epsilon;
    double decay; // parameters shrink by rate * decay
    double correction1, correction2; // 1 / (1 - beta1^t) and 1 / (1 - beta2^t) in step t = 1, 2, ...
} ck_adam;

// One row of the catalogue: all kernels of one element type on one instruction set.
typedef struct ck_network_kernels {
    const char *name; // ck_network_f32_avx512
    ck_isa isa;
    int32_t byte_count; // of an element

    // Sum over rows, in ascending order, of -y[row][label]: the negative log-likelihood of log-probabilities y.
    double (*nll)(int64_t rows, const void *y, int64_t ldy, const int32_t *labels);
    // dx = (exp(y) - 1 at the label) * scale: the gradient of scale * nll(log_softmax(x)) for x (ck_matrix.h).
    void (*nll_backward)(int64_t rows, int64_t columns, const void *y, int64_t ldy, const int32_t *labels,
                         double scale, void *dx, int64_t lddx);
    // dx = y > 0 ? dy : +0, tiny gradients +0 too; dx may be dy. The derivative of relu where y is relu's result.
    void (*rectified_backward)(int64_t count, const void *y, const void *dy, void *dx);
    // Column of each row's largest number; the first of equal ones, 0 where all are NaN.
    void (*argmax)(int64_t rows, int64_t columns, const void *x, int64_t ldx, int32_t *result);

    // Stochastic gradient descent with momentum (Polyak's, as in PyTorch): g = g + decay * p; v = momentum * v + g; p
    // = p - rate * v. `velocity` may be NULL: then p = p - rate * g.
    void (*sgd)(int64_t count, double rate, double momentum, double decay, const void *gradient, void *velocity,
                void *parameters);
    void (*adam)(int64_t count, const ck_adam *step, const void *gradient, void *mean, void *variance,
                 void *parameters);

    // y = kept ? x * (1 / keep) : +0. Element i is kept where the 32-bit hash of (seed, first + i) is below keep *
    // 2^32, so a part of a vector gets what it would get in the whole. The backward pass is the same call on the
    // gradient.
    void (*dropout)(int64_t count, uint64_t seed, uint64_t first, double keep, const void *x, void *y);
    // y[row][j] = images[indices[row] * columns + j] * scale: a batch of 8-bit images as numbers. `ahead`, unless
    // NULL, lists as many images of the next batch, which are prefetched.
    void (*gather)(int64_t rows, int64_t columns, const uint8_t *images, const int64_t *indices, const int64_t *ahead,
                   double scale, void *y, int64_t ldy);
} ck_network_kernels;

// The rows that were built for this architecture, f32 before f64, best first.
const ck_network_kernels *const *ck_network_catalogue(int32_t *count);

// The row in use for an element type: that of ck_isa_selected().
const ck_network_kernels *ck_network_f32(void);
const ck_network_kernels *ck_network_f64(void);

#ifdef __cplusplus
}
#endif
#endif
