#if defined(EXERCISE_START)
// sum: How fast can one core add numbers that are in its first cache?
//
// The loop below is right. Each of its additions needs the one before, so it takes the time of n additions one after
// the other, whatever else the core could do meanwhile. How near can you come to the time that the loads alone take?
//
// Promised: n >= 0; x holds n floats at any address that is a multiple of 4. Timed with n = 4096.
// Right is what lies within n * 2^-24 * (|x[0]| + ... + |x[n - 1]|) of the sum: you may add in any order.
#include <stdint.h>

float sum(int64_t n, const float *x) {
    float total = 0;
    for (int64_t i = 0; i < n; i++) total += x[i];
    return total;
}

#elif defined(EXERCISE_OURS)
#include <stdint.h>

typedef float vector __attribute__((vector_size(64), aligned(4)));

// Eight sums of vectors: none waits for another.
float sum(int64_t n, const float *x) {
    vector sums[8] = {{0}};
    int64_t i = 0;
    for (; i + 128 <= n; i += 128)
        for (int v = 0; v < 8; v++) sums[v] += *(const vector *)(x + i + 16 * v);
    for (int half = 4; half > 0; half /= 2)
        for (int v = 0; v < half; v++) sums[v] += sums[v + half];
    float total = 0;
    for (int lane = 0; lane < 16; lane++) total += sums[0][lane];
    for (; i < n; i++) total += x[i];
    return total;
}

#else
#include "check.h"

#include <math.h>

typedef float sum_function(int64_t n, const float *x);
static int64_t n;
static float *x, *result;

static void prepare(int which, uint64_t seed) {
    n = (const int64_t[]){0, 1, 2, 7, 16, 33, 127, 1000, 4096}[which];
    x = memory("x", (size_t)n * sizeof *x, INPUT);
    result = memory("the result", sizeof *result, OUTPUT);
    for (int64_t i = 0; i < n; i++) x[i] = random_float(&seed) + 0.25f;
}

static void call(void *const *functions, int thread, int threads) {
    (void)thread, (void)threads;
    *result = ((sum_function *)functions[0])(n, x);
}

static bool verify(void) {
    double exact = 0, size = 0;
    for (int64_t i = 0; i < n; i++) exact += x[i], size += fabs((double)x[i]);
    if (fabs((double)*result - exact) <= (double)n * 0x1p-24 * size) return true;
    return wrong("the sum of %ld numbers is %.9g, and the result is %.9g", (long)n, exact, (double)*result);
}

static void limit(int thread, int threads) {
    (void)thread, (void)threads;
    load_all(x, (size_t)n * sizeof *x);
}

const exercise this_exercise = {
    .functions = {"sum"},
    .cases = 8,
    .prepare = prepare,
    .call = call,
    .verify = verify,
    .limit = limit,
    .limit_text = "loads of the same bytes and nothing else",
    .work = 4096 * sizeof(float),
    .unit = "bytes",
    .advice = {"add to several sums, such as four, in turn, so that an addition need not wait for the one before",
               "use vectors: a type with __attribute__((vector_size(64), aligned(4))) adds sixteen floats at once",
               "take more sums of vectors, as many as additions are under way at once: what an addition takes, times "
               "how many start in a cycle",
               "take off what each turn of the loop costs: more vectors in a turn, fewer turns",
               "there is little left: the loads themselves take most of the time"},
};
#endif
