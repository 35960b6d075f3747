#if defined(EXERCISE_START)
// stencil: How fast can each number become the mean of its neighbours?
//
// The loops below are right. They go down columns, so each load takes another cache line, and of each line that comes
// one number is used before the next column needs it again. How near can you come to a copy of as many bytes?
//
// Promised: rows, columns >= 2; x and y hold rows * columns floats, row after row, at addresses that are multiples of
// 4, and do not overlap. Timed with 2048 rows and columns. Right: at inner points y = ((above + below) + (left +
// right)) * 0.25f with these roundings, the same bits; at the edge y = x.
#include <stdint.h>

void stencil(int64_t rows, int64_t columns, const float *x, float *y) {
    for (int64_t j = 0; j < columns; j++)
        for (int64_t i = 0; i < rows; i++) {
            const int64_t at = i * columns + j;
            if (i == 0 || j == 0 || i == rows - 1 || j == columns - 1)
                y[at] = x[at];
            else
                y[at] = ((x[at - columns] + x[at + columns]) + (x[at - 1] + x[at + 1])) * 0.25f;
        }
}

#elif defined(EXERCISE_OURS)
#include <stdint.h>
#include <string.h>

typedef float vector __attribute__((vector_size(64)));

static inline vector load(const float *x) {
    vector v;
    memcpy(&v, x, sizeof v);
    return v;
}

// Along rows, in vectors; stores that do not fetch the line first, for y is large.
void stencil(int64_t rows, int64_t columns, const float *x, float *y) {
    memcpy(y, x, (size_t)columns * sizeof *x);
    for (int64_t i = 1; i < rows - 1; i++) {
        const float *row = x + i * columns;
        float *out = y + i * columns;
        out[0] = row[0];
        int64_t j = 1;
#define ONE ((row[j - columns] + row[j + columns]) + (row[j - 1] + row[j + 1])) * 0.25f
        for (; j < columns - 1 && (uintptr_t)(out + j) % 64 != 0; j++) out[j] = ONE;
        for (; j + 16 < columns; j += 16)
            __builtin_nontemporal_store(
                ((load(row + j - columns) + load(row + j + columns)) + (load(row + j - 1) + load(row + j + 1))) *
                    0.25f,
                (vector *)(out + j));
        for (; j < columns - 1; j++) out[j] = ONE;
        out[columns - 1] = row[columns - 1];
    }
    memcpy(y + (rows - 1) * columns, x + (rows - 1) * columns, (size_t)columns * sizeof *x);
}

#else
#include "check.h"

#include <string.h>

typedef void stencil_function(int64_t rows, int64_t columns, const float *x, float *y);
static int64_t rows, columns;
static float *x, *y;

static void prepare(int which, uint64_t seed) {
    rows = (const int64_t[]){2, 3, 3, 5, 20, 67, 2048}[which];
    columns = (const int64_t[]){2, 3, 20, 2, 33, 100, 2048}[which];
    x = memory("x", (size_t)(rows * columns) * sizeof *x, INPUT);
    y = memory("y", (size_t)(rows * columns) * sizeof *y, OUTPUT);
    for (int64_t i = 0; i < rows * columns; i++) x[i] = random_float(&seed);
}

static void call(void *const *functions, int thread, int threads) {
    (void)thread, (void)threads;
    ((stencil_function *)functions[0])(rows, columns, x, y);
}

static bool verify(void) {
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++) {
            const int64_t at = i * columns + j;
            const bool is_edge = i == 0 || j == 0 || i == rows - 1 || j == columns - 1;
            const float expected =
                is_edge ? x[at] : ((x[at - columns] + x[at + columns]) + (x[at - 1] + x[at + 1])) * 0.25f;
            if (memcmp(&y[at], &expected, sizeof expected) != 0)
                return wrong("%ld x %ld: row %ld, column %ld is %.9g, not %.9g", (long)rows, (long)columns, (long)i,
                             (long)j, (double)y[at], (double)expected);
        }
    return true;
}

static void limit(int thread, int threads) {
    (void)thread, (void)threads;
    copy_large(y, x, (size_t)(rows * columns) * sizeof *x);
}

const exercise this_exercise = {
    .functions = {"stencil"},
    .cases = 6,
    .prepare = prepare,
    .call = call,
    .verify = verify,
    .limit = limit,
    .limit_text = "a copy of as many bytes",
    .work = 2.0 * 2048 * 2048 * sizeof(float),
    .unit = "bytes",
    .advice = {"exchange the loops, so that loads and stores go along rows",
               "take the edge out of the inner loop, so that the compiler can use vectors",
               "a store fetches its line before it overwrites it: __builtin_nontemporal_store goes past the caches",
               "go through the rows in strips that fit the second cache, so that a row is still there for the two "
               "that follow",
               "there is little left: a copy moves as many bytes"},
};
#endif
