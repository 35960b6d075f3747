#if defined(EXERCISE_START)
// product: How near can a matrix product come to the peak?
//
// The three loops below are right. The innermost one walks down a column of b, a line for each number, and each of its
// additions needs the one before. How much of the multiply-adds that the core can do are yours?
//
// Promised: n >= 0; a, b and c hold n * n floats each, row after row, at addresses that are multiples of 4; c overlaps
// neither. Timed with n = 256. Right is what lies within (n + 1) * 2^-24 * (|a[i][0] b[0][j]| + ... ) of each sum: you
// may add in any order.
#include <stdint.h>

void product(int64_t n, const float *a, const float *b, float *c) {
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++) {
            float sum = 0;
            for (int64_t p = 0; p < n; p++) sum += a[i * n + p] * b[p * n + j];
            c[i * n + j] = sum;
        }
}

#elif defined(EXERCISE_OURS)
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(__AVX512F__)
enum { LANES = 16, ROWS = 12, VECTORS = 2 };
#else
enum { LANES = 8, ROWS = 6, VECTORS = 2 };
#endif
typedef float vector __attribute__((vector_size(4 * LANES), aligned(4)));

// A tile of some rows and two vectors stays in registers for all of k: its sums do not wait for each other. Rows of a
// and columns of b are copied in the order in which tiles use them: one pointer for each then, and no rows that share
// few sets of the first cache.
static inline __attribute__((always_inline)) void tile(int64_t n, int rows, const float *a, const float *b, float *c) {
    vector sums[ROWS][VECTORS] = {{{0}}};
    for (int64_t p = 0; p < n; p++, a += ROWS, b += VECTORS * LANES) {
        const vector b0 = *(const vector *)b, b1 = *(const vector *)(b + LANES);
#pragma clang loop unroll(full)
        for (int r = 0; r < ROWS; r++) sums[r][0] += a[r] * b0, sums[r][1] += a[r] * b1;
    }
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < VECTORS; v++) *(vector *)(c + r * n + v * LANES) = sums[r][v];
}

void product(int64_t n, const float *a, const float *b, float *c) {
    enum { WIDTH = VECTORS * LANES };
    float *rows = calloc((size_t)(n + 1) * ROWS, sizeof *rows),
          *panels = malloc((size_t)(n + 1) * (size_t)(n + 1) * sizeof *panels);
    const int64_t whole = rows && panels ? n / WIDTH * WIDTH : 0;
    for (int64_t j = 0; j < whole; j += WIDTH)
        for (int64_t p = 0; p < n; p++) memcpy(panels + j * n + p * WIDTH, b + p * n + j, WIDTH * sizeof *b);
    for (int64_t i = 0; i < n && whole > 0; i += ROWS) {
        const int few = n - i < ROWS ? (int)(n - i) : ROWS;
        for (int r = 0; r < few; r++)
            for (int64_t p = 0; p < n; p++) rows[p * ROWS + r] = a[(i + r) * n + p];
        for (int64_t j = 0; j < whole; j += WIDTH)
            if (few == ROWS)
                tile(n, ROWS, rows, panels + j * n, c + i * n + j);
            else
                tile(n, few, rows, panels + j * n, c + i * n + j);
    }
    free(rows), free(panels);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = whole; j < n; j++) {
            float sum = 0;
            for (int64_t p = 0; p < n; p++) sum += a[i * n + p] * b[p * n + j];
            c[i * n + j] = sum;
        }
}

#else
#include "check.h"

#include <math.h>

typedef void product_function(int64_t n, const float *a, const float *b, float *c);
static int64_t n;
static float *a, *b, *c;

static void prepare(int which, uint64_t seed) {
    n = (const int64_t[]){0, 1, 2, 5, 16, 31, 48, 100, 256}[which];
    a = memory("a", (size_t)(n * n) * sizeof *a, INPUT);
    b = memory("b", (size_t)(n * n) * sizeof *b, INPUT);
    c = memory("c", (size_t)(n * n) * sizeof *c, OUTPUT);
    for (int64_t i = 0; i < n * n; i++) a[i] = random_float(&seed), b[i] = random_float(&seed);
}

static void call(void *const *functions, int thread, int threads) {
    (void)thread, (void)threads;
    ((product_function *)functions[0])(n, a, b, c);
}

static bool verify(void) {
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++) {
            double exact = 0, size = 0;
            for (int64_t p = 0; p < n; p++) {
                const double term = (double)a[i * n + p] * (double)b[p * n + j];
                exact += term, size += fabs(term);
            }
            if (!(fabs((double)c[i * n + j] - exact) <= (double)(n + 1) * 0x1p-24 * size))
                return wrong("n = %ld: row %ld, column %ld is %.9g, not %.9g", (long)n, (long)i, (long)j,
                             (double)c[i * n + j], exact);
        }
    return true;
}

// As many multiply-adds, in registers: sums of the widest vectors that the compiler has, none of which waits for
// another.
static void limit(int thread, int threads) {
    (void)thread, (void)threads;
#if defined(__AVX512F__)
    enum { BYTES = 64, SUMS = 12 };
#elif defined(__AVX__)
    enum { BYTES = 32, SUMS = 12 };
#elif defined(__aarch64__)
    enum { BYTES = 16, SUMS = 24 };
#else
    enum { BYTES = 16, SUMS = 12 };
#endif
    typedef float vector __attribute__((vector_size(BYTES)));
    vector sums[SUMS], x, y;
    for (unsigned i = 0; i < BYTES / 4; i++) x[i] = 1, y[i] = 0.5f;
    for (int s = 0; s < SUMS; s++) sums[s] = x;
    for (int64_t step = n * n * n * 4 / (SUMS * BYTES); step > 0; step--) {
#pragma clang loop unroll(full)
        for (int s = 0; s < SUMS; s++) {
            sums[s] = sums[s] * y + x;
#if defined(__x86_64__)
            __asm__ volatile("" : "+v"(sums[s]));
#else
            __asm__ volatile("" : "+w"(sums[s]));
#endif
        }
    }
}

const exercise this_exercise = {
    .functions = {"product"},
    .cases = 8,
    .prepare = prepare,
    .call = call,
    .verify = verify,
    .limit = limit,
    .limit_text = "as many multiply-adds in registers",
    .work = 2.0 * 256 * 256 * 256,
    .unit = "operations",
    .advice = {"exchange the loops: with j innermost b and c are read along rows, and the compiler uses vectors",
               "keep a few sums of c in registers for all of k, instead of loading and storing them at every step",
               "compute a tile of several rows and vectors at once, as many sums as there are registers: each vector "
               "of b serves several rows then",
               "copy rows of a and columns of b in the order in which tiles use them: rows a power of two apart share "
               "few sets of a cache",
               "there is little left"},
};
#endif
