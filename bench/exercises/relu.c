#if defined(EXERCISE_START)
// relu: How fast can negative numbers be set to zero?
//
// The loop below is right. It takes one number at a time and jumps where it is negative, and for numbers whose sign
// cannot be predicted the processor may guess wrongly half of the time. How near can you come to a copy?
//
// Promised: n >= 0; x and y hold n floats each at addresses that are multiples of 4 and do not overlap; there is no
// NaN. Timed with n = 4096, half of them negative. Right: y[i] is x[i] where that is above zero, else zero.
#include <stdint.h>

void relu(int64_t n, const float *x, float *y) {
    for (int64_t i = 0; i < n; i++) {
        if (x[i] > 0)
            y[i] = x[i];
        else {
            y[i] = 0;
            __asm__ volatile(""); // keeps the compiler from turning the jump into a vector's maximum
        }
    }
}

#elif defined(EXERCISE_OURS)
#include <stdint.h>

typedef float vector __attribute__((vector_size(64), aligned(4)));
typedef int32_t bits __attribute__((vector_size(64)));

void relu(int64_t n, const float *x, float *y) {
    int64_t i = 0;
#pragma clang loop unroll_count(4)
    for (; i + 16 <= n; i += 16) {
        const vector v = *(const vector *)(x + i);
        *(vector *)(y + i) = (vector)((bits)v & (v > 0));
    }
    for (; i < n; i++) y[i] = x[i] > 0 ? x[i] : 0;
}

#else
#include "check.h"

typedef void relu_function(int64_t n, const float *x, float *y);
static int64_t n;
static float *x, *y;

static void prepare(int which, uint64_t seed) {
    n = (const int64_t[]){0, 1, 3, 15, 16, 65, 1001, 4096}[which];
    x = memory("x", (size_t)n * sizeof *x, INPUT);
    y = memory("y", (size_t)n * sizeof *y, OUTPUT);
    for (int64_t i = 0; i < n; i++) x[i] = random_float(&seed);
    if (n > 2) x[1] = -0.0f, x[2] = 1e-42f;
}

static void call(void *const *functions, int thread, int threads) {
    (void)thread, (void)threads;
    ((relu_function *)functions[0])(n, x, y);
}

static bool verify(void) {
    for (int64_t i = 0; i < n; i++)
        if (!(y[i] == (x[i] > 0 ? x[i] : 0)))
            return wrong("n = %ld: y[%ld] is %.9g for x[%ld] of %.9g", (long)n, (long)i, (double)y[i], (long)i,
                         (double)x[i]);
    return true;
}

static void limit(int thread, int threads) {
    (void)thread, (void)threads;
    copy_all(y, x, (size_t)n * sizeof *x);
}

const exercise this_exercise = {
    .functions = {"relu"},
    .cases = 7,
    .prepare = prepare,
    .call = call,
    .verify = verify,
    .limit = limit,
    .limit_text = "a copy of as many bytes, in vectors",
    .work = 2.0 * 4096 * sizeof(float),
    .unit = "bytes",
    .advice = {"do without the jump: write what is stored as one expression, a maximum or a choice by ?:",
               "use vectors: a type with __attribute__((vector_size(64), aligned(4))) compares and stores sixteen "
               "floats at once",
               "take wider vectors, or several in each turn of the loop",
               "take several vectors in each turn of the loop, so that the loop itself costs less",
               "there is little left: a copy moves as many bytes"},
};
#endif
