#if defined(EXERCISE_START)
// softmax: How fast can rows of numbers become probabilities?
//
// The loops below are right: y = exp(x - largest) / sum, row by row, the largest taken off so that nothing overflows.
// They call the library for each exponential, one number at a time. How much of that can you do for many numbers at
// once?
//
// Promised: rows >= 0, columns >= 1; x and y hold rows * columns floats, row after row, at addresses that are
// multiples of 4, and do not overlap; |x| is at most 1000, and numbers of one row lie within 16 of each other. Timed
// with 64 rows of 128. Right is a relative error of at most (columns + 32) * 2^-24.
#include <math.h>
#include <stdint.h>

void softmax(int64_t rows, int64_t columns, const float *x, float *y) {
    for (int64_t r = 0; r < rows; r++, x += columns, y += columns) {
        float largest = x[0], sum = 0;
        for (int64_t j = 1; j < columns; j++) largest = x[j] > largest ? x[j] : largest;
        for (int64_t j = 0; j < columns; j++) sum += y[j] = expf(x[j] - largest);
        for (int64_t j = 0; j < columns; j++) y[j] /= sum;
    }
}

#elif defined(EXERCISE_OURS)
#include <math.h>
#include <stdint.h>
#include <string.h>

enum { LANES = 16 };
typedef float vector __attribute__((vector_size(4 * LANES), aligned(4)));
typedef int32_t bits __attribute__((vector_size(4 * LANES)));
typedef uint32_t unsigned_bits __attribute__((vector_size(4 * LANES)));

// 2^n e^r with n = round(x / ln 2): n goes into the exponent, and r, at most half of ln 2, into the series of e^r.
static inline vector exponential(vector x) {
    const vector magic = 12582912.0f - (vector){0}; // 1.5 * 2^23: an addition rounds to a whole number
    const vector shifted = x * 1.44269504f + magic, n = shifted - magic;
    const vector r = (x - n * 0.693359375f) - n * -2.12194440e-4f;
    vector p = r * 1.9841270e-4f + 1.3888889e-3f;
    p = p * r + 8.3333333e-3f;
    p = p * r + 4.1666667e-2f;
    p = p * r + 1.6666667e-1f;
    p = p * r + 0.5f;
    p = p * r * r + r + 1.0f;
    return (vector)((unsigned_bits)p + ((unsigned_bits)shifted << 23));
}

static inline vector larger(vector a, vector b) {
    const bits is_larger = a > b;
    return (vector)(((bits)a & is_larger) | ((bits)b & ~is_larger));
}

// All lanes are the same afterwards: four steps, not sixteen.
#define TURN(v, by)                                                                                                   \
    __builtin_shufflevector(v, v, by & 15, (by + 1) & 15, (by + 2) & 15, (by + 3) & 15, (by + 4) & 15, (by + 5) & 15, \
                            (by + 6) & 15, (by + 7) & 15, (by + 8) & 15, (by + 9) & 15, (by + 10) & 15,               \
                            (by + 11) & 15, (by + 12) & 15, (by + 13) & 15, (by + 14) & 15, (by + 15) & 15)

static inline float largest_of(vector v) {
    v = larger(v, TURN(v, 8)), v = larger(v, TURN(v, 4)), v = larger(v, TURN(v, 2)), v = larger(v, TURN(v, 1));
    return v[0];
}

static inline float sum_of(vector v) {
    v += TURN(v, 8), v += TURN(v, 4), v += TURN(v, 2), v += TURN(v, 1);
    return v[0];
}

void softmax(int64_t rows, int64_t columns, const float *x, float *y) {
    for (int64_t r = 0; r < rows; r++, x += columns, y += columns) {
        float largest = x[0];
        if (columns >= LANES) { // the last vector may hold numbers of the one before
            vector most = *(const vector *)(x + columns - LANES);
            for (int64_t j = 0; j + LANES <= columns; j += LANES) most = larger(*(const vector *)(x + j), most);
            largest = largest_of(most);
        } else {
            for (int64_t j = 1; j < columns; j++) largest = x[j] > largest ? x[j] : largest;
        }
        vector sums = {0};
        int64_t j = 0;
        for (; j + LANES <= columns; j += LANES) {
            const vector e = exponential(*(const vector *)(x + j) - largest);
            *(vector *)(y + j) = e;
            sums += e;
        }
        float sum = sum_of(sums);
        for (; j < columns; j++) sum += y[j] = expf(x[j] - largest);
        const float scale = 1 / sum;
        for (j = 0; j < columns; j++) y[j] *= scale;
    }
}

#else
#include "check.h"

#include <math.h>

typedef void softmax_function(int64_t rows, int64_t columns, const float *x, float *y);
static int64_t rows, columns;
static float *x, *y;

static void prepare(int which, uint64_t seed) {
    rows = (const int64_t[]){0, 1, 1, 3, 5, 2, 64}[which];
    columns = (const int64_t[]){4, 1, 2, 10, 33, 1000, 128}[which];
    x = memory("x", (size_t)(rows * columns) * sizeof *x, INPUT);
    y = memory("y", (size_t)(rows * columns) * sizeof *y, OUTPUT);
    for (int64_t i = 0; i < rows * columns; i++) x[i] = 7.5f * random_float(&seed) + (i / columns % 2 ? 900 : -20);
}

static void call(void *const *functions, int thread, int threads) {
    (void)thread, (void)threads;
    ((softmax_function *)functions[0])(rows, columns, x, y);
}

static bool verify(void) {
    for (int64_t r = 0; r < rows; r++) {
        const float *in = x + r * columns, *out = y + r * columns;
        double largest = in[0], sum = 0;
        for (int64_t j = 0; j < columns; j++) largest = fmax(largest, in[j]);
        for (int64_t j = 0; j < columns; j++) sum += exp(in[j] - largest);
        for (int64_t j = 0; j < columns; j++) {
            const double exact = exp(in[j] - largest) / sum;
            if (!(fabs(out[j] - exact) <= (double)(columns + 32) * 0x1p-24 * exact))
                return wrong("%ld rows of %ld: row %ld, column %ld is %.9g, not %.9g", (long)rows, (long)columns,
                             (long)r, (long)j, (double)out[j], exact);
        }
    }
    return true;
}

static void limit(int thread, int threads) {
    (void)thread, (void)threads;
    typedef float vector __attribute__((vector_size(64), aligned(4)));
    for (int64_t i = 0; i + 64 <= rows * columns; i += 64) {
        vector p[4];
#pragma clang loop unroll(full)
        for (int v = 0; v < 4; v++) {
            const vector r = *(const vector *)(x + i + 16 * v);
            p[v] = r * 1.9841270e-4f + 1.3888889e-3f;
            for (int step = 0; step < 5; step++) p[v] = p[v] * r + 0.5f;
        }
        for (int v = 0; v < 4; v++) *(vector *)(y + i + 16 * v) = p[v];
    }
}

const exercise this_exercise = {
    .functions = {"softmax"},
    .cases = 6,
    .prepare = prepare,
    .call = call,
    .verify = verify,
    .limit = limit,
    .limit_text = "a polynomial of six multiply-adds for each number",
    .work = 64 * 128,
    .unit = "numbers",
    .advice =
        {"write the exponential yourself as 2^n times a polynomial, so that the compiler can use vectors for it",
         "find the largest number and the sum with vectors too, lanes together in a few steps, and multiply by 1 / "
         "sum instead of dividing",
         "take several vectors in turn, so that one polynomial does not wait for the other",
         "take what is done for a row but not for a number, such as the last steps of sums, for several rows at once",
         "there is little left: the polynomial takes most of the time"},
};
#endif
