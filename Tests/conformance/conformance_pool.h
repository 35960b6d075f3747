// What the tests of the pool share.
#ifndef CONFORMANCE_POOL_H
#define CONFORMANCE_POOL_H

#include "conformance.h"

#include "ck_pool.h"

#include <stdatomic.h>

enum { LANES = 8 };

typedef struct tally {
    ck_pool *pool;
    _Atomic int32_t runs[LANES];
    _Atomic int32_t lanes, nested;
    bool yields;
} tally;

ck_pool *pool_of(int32_t lanes, int64_t spin);
// A task whose context is a tally.
void count_lane(void *context, int32_t lane, int32_t lanes);
void test_regions(ck_pool *pool, int rounds, bool yields);
// A random product on lanes against the same on one thread.
void test_product(ck_pool *pool, uint64_t seed, int32_t worker_lanes);

// C = A·B of floats, all side x side, one after the other in `numbers`.
static inline ck_gemm_problem square_problem(int64_t side, float *numbers) {
    return (ck_gemm_problem){.m = side,
                             .n = side,
                             .k = side,
                             .a = numbers,
                             .lda = side,
                             .b = numbers + side * side,
                             .ldb = side,
                             .c = numbers + 2 * side * side,
                             .ldc = side,
                             .alpha.f32 = 1};
}

// conformance_detached.c
void test_detached(void);
// conformance_fork.c
void test_fork(ck_pool *pool);
void test_fork_inside(void);
// conformance_limits.c
void test_limits(void);
// conformance_placement.c
void test_masks(void);

#endif
