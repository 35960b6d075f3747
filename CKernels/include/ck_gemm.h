// General matrix product:  C = alpha * op(A) * op(B) + beta * C, then bias and ReLU.
//
// Shapes      op(A) is m x k, op(B) is k x n, C is m x n; op(X) is X or its transpose. Row-major: element (i, j) of a
//             matrix X stands at x[i * ldx + j]. A leading dimension is counted in elements and is at least the row
//             length, and at least 1. A column-major product is the row-major one with A and B, m and n exchanged.
// Alignment   that of the element. C must not overlap A, B or the bias.
// Edges       m = 0 or n = 0: nothing is touched. k = 0 or alpha = 0: A and B are not read, C = beta * C, then the
//             epilogue. beta = 0: C is written and never read. Sizes and strides are 64-bit.
// Promise     Every element of C is computed as follows, whatever the instruction set, position, strides and packing:
//               k is cut in chunks of ck_gemm_chunk(element bytes, k) steps (the last may be shorter);
//               a chunk's sum s is a chain of fused multiply-adds in ascending k, from +0;
//               C = fma(alpha, s, beta * C) for the first chunk, C = fma(alpha, s, C) for the others, in ascending
//                 order (the addend is left out where beta = 0);
//               last, C = C + bias, then ReLU: negative numbers become +0, -0 and NaN pass.
//             No zero is skipped, so NaN and infinities propagate. Which NaN comes out (its sign and payload) is not
//             promised.
// Failure     none. Packing memory belongs to the calling thread and is reused; when it cannot be had, products that
//             pack take turns in a reserve of the process: the same bits, more slowly.
// Source      the five loops and packing: Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication"
//             (2008); Van Zee and van de Geijn, "BLIS: A Framework for Rapidly Instantiating BLAS Functionality"
//             (2015).
#ifndef CK_GEMM_H
#define CK_GEMM_H

#include "ck_cpu.h"
#include "ck_pool.h"

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

// A number of the product's element type.
typedef union ck_scalar {
    float f32;
    double f64;
} ck_scalar;

typedef enum ck_bias {
    CK_BIAS_NONE,
    CK_BIAS_PER_COLUMN, // n numbers: bias[j] is added to column j
    CK_BIAS_PER_ROW, // m numbers: bias[i] is added to row i
} ck_bias;

// One row of the catalogue: the micro-kernels of one element type on one instruction set.
typedef struct ck_gemm_kernels ck_gemm_kernels;

// What a row is: for listings, tests and benchmarks.
typedef struct ck_gemm_description {
    const char *name; // ck_gemm_f32_avx512_8x48: operation, type, instruction set, largest tile
    ck_isa isa;
    int32_t rows; // MR: rows of C in the largest tile
    int32_t columns; // NR: columns of C in the largest tile
    int32_t lanes; // elements in a vector
    int32_t byte_count; // of an element
} ck_gemm_description;

// The rows for one element type that were built for this architecture, best first; count is written. A row may need
// features that this processor lacks: ask ck_isa_available(description.isa).
const ck_gemm_kernels *const *ck_gemm_f32_catalogue(int32_t *count);
const ck_gemm_kernels *const *ck_gemm_f64_catalogue(int32_t *count);
ck_gemm_description ck_gemm_describe(const ck_gemm_kernels *kernels);

// The row in use: that of ck_isa_selected().
const ck_gemm_kernels *ck_gemm_f32(void);
const ck_gemm_kernels *ck_gemm_f64(void);

// One product. Zero-initialise it, then set what applies.
typedef struct ck_gemm_problem {
    int64_t m, n, k;
    const void *a;
    int64_t lda;
    const void *b; // not read where packed_b is set
    int64_t ldb;
    void *c;
    int64_t ldc;
    ck_scalar alpha, beta;
    bool transpose_a, transpose_b;
    bool relu;
    ck_bias bias_kind;
    const void *bias;
    const void *packed_b; // from ck_gemm_pack_b with the same kernels, n and k
    const struct ck_machine *machine; // whose plan is carried out (ck_gemm_plan.h); NULL: this one's
} ck_gemm_problem;

// Computes one product with the given row of the catalogue.
void ck_gemm(const ck_gemm_kernels *kernels, const ck_gemm_problem *problem);

// The same bits on the lanes of a pool, or on the calling thread alone where a region would not pay: small products,
// and short ones while the workers sleep. NULL for no pool.
void ck_gemm_parallel(ck_pool *pool, const ck_gemm_kernels *kernels, const ck_gemm_problem *problem);

// The same on the pool of the process (ck_pool_shared), which the smallest products never touch.
void ck_gemm_shared(const ck_gemm_kernels *kernels, const ck_gemm_problem *problem);

// Steps of k in each chunk, the last excepted: part of the numeric promise, equal on every instruction set.
int64_t ck_gemm_chunk(int32_t byte_count, int64_t k);

// Pre-packed op(B). The layout belongs to the row of the catalogue: pack and multiply with the same one.
// Bytes needed, or -1 where they do not fit 63 bits. The destination is best aligned to 64 bytes.
int64_t ck_gemm_packed_b_size(const ck_gemm_kernels *kernels, int64_t n, int64_t k);
void ck_gemm_pack_b(const ck_gemm_kernels *kernels, bool transpose_b, int64_t n, int64_t k, const void *b, int64_t ldb,
                    void *packed);

// Matrix-vector product  y = alpha * op(A) * x + beta * y, A being m x n. The same bits as the matrix product whose B
// is x. Element i of x stands at x[i * incx]; increments may be negative (x and y then point at the element of index
// 0) but not 0. x and y do not overlap.
typedef struct ck_gemv_problem {
    int64_t m, n;
    const void *a;
    int64_t lda;
    const void *x;
    int64_t incx;
    void *y;
    int64_t incy;
    ck_scalar alpha, beta;
    bool transpose;
} ck_gemv_problem;

void ck_gemv(const ck_gemm_kernels *kernels, const ck_gemv_problem *problem);
void ck_gemv_parallel(ck_pool *pool, const ck_gemm_kernels *kernels, const ck_gemv_problem *problem);

// For tests: fills the calling thread's packing memory with a byte, so that a kernel that trusts stale memory shows
// it.
void ck_gemm_poison_workspace(int byte);
// For tests: the calling thread gets no packing memory, and gives up what it has.
void ck_gemm_deny_workspace(bool deny);
// For tests, while no other thread multiplies: packing memory is from now on as large as a product asks for, and a
// page that nobody may touch follows.
void ck_gemm_guard_workspace(void);

#ifdef __cplusplus
}
#endif
#endif
