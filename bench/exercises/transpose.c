#if defined(EXERCISE_START)
// transpose: How fast can a matrix be turned over?
//
// The loop below is right. It reads along rows and writes down columns: each store goes to another cache line, and by
// the time the next number of that line is written the line may have left the cache. How near can you come to a copy
// of as many bytes?
//
// Promised: n >= 0; a and b hold n * n floats each, row after row, at addresses that are multiples of 4, and do not
// overlap. Timed with n = 1024. Right: b[j * n + i] is a[i * n + j], every one.
#include <stdint.h>

void transpose(int64_t n, const float *a, float *b) {
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++) b[j * n + i] = a[i * n + j];
}

#elif defined(EXERCISE_OURS)
#include <stdint.h>
#include <string.h>

enum { TILE = 16, BLOCK = 64 };
typedef float vector __attribute__((vector_size(64)));

// A tile of 16 x 16 in registers: a line of each row in, a line of each column out. Four steps swap halves, quarters
// and so on.
static inline void turn(const float *a, float *b, int64_t n) {
    vector rows[TILE];
    for (int r = 0; r < TILE; r++) memcpy(&rows[r], a + r * n, sizeof rows[r]);
#define STEP(distance, low, high)                                                                                   \
    for (int r = 0; r < TILE; r++)                                                                                  \
        if (!(r & distance)) {                                                                                      \
            const vector x = rows[r], y = rows[r + distance];                                                       \
            rows[r] = __builtin_shufflevector(x, y, low), rows[r + distance] = __builtin_shufflevector(x, y, high); \
        }
#define LIST(...) __VA_ARGS__
#define STEP_(distance, low, high) STEP(distance, LIST low, LIST high)
    STEP_(8, (0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23),
          (8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31))
    STEP_(4, (0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27),
          (4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31))
    STEP_(2, (0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29),
          (2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31))
    STEP_(1, (0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30),
          (1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31))
    for (int r = 0; r < TILE; r++) memcpy(b + r * n, &rows[r], sizeof rows[r]);
}

void transpose(int64_t n, const float *a, float *b) {
    const int64_t whole = n / TILE * TILE;
    for (int64_t i0 = 0; i0 < whole; i0 += BLOCK)
        for (int64_t j = 0; j < whole; j += TILE)
            for (int64_t i = i0; i < i0 + BLOCK && i < whole; i += TILE) turn(a + i * n + j, b + j * n + i, n);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = i < whole ? whole : 0; j < n; j++) b[j * n + i] = a[i * n + j];
}

#else
#include "check.h"

#include <string.h>

typedef void transpose_function(int64_t n, const float *a, float *b);
static int64_t n;
static float *a, *b;

static void prepare(int which, uint64_t seed) {
    n = (const int64_t[]){0, 1, 3, 16, 17, 65, 200, 1024}[which];
    a = memory("a", (size_t)(n * n) * sizeof *a, INPUT);
    b = memory("b", (size_t)(n * n) * sizeof *b, OUTPUT);
    for (int64_t i = 0; i < n * n; i++) a[i] = random_float(&seed);
}

static void call(void *const *functions, int thread, int threads) {
    (void)thread, (void)threads;
    ((transpose_function *)functions[0])(n, a, b);
}

static bool verify(void) {
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++)
            if (memcmp(&b[j * n + i], &a[i * n + j], sizeof *a) != 0)
                return wrong("n = %ld: row %ld, column %ld of b is %.9g, not %.9g", (long)n, (long)j, (long)i,
                             (double)b[j * n + i], (double)a[i * n + j]);
    return true;
}

static void limit(int thread, int threads) {
    (void)thread, (void)threads;
    copy_large(b, a, (size_t)(n * n) * sizeof *a);
}

const exercise this_exercise = {
    .functions = {"transpose"},
    .cases = 7,
    .prepare = prepare,
    .call = call,
    .verify = verify,
    .limit = limit,
    .limit_text = "a copy of as many bytes",
    .work = 2.0 * 1024 * 1024 * sizeof(float),
    .unit = "bytes",
    .advice =
        {"go through blocks of, say, 32 x 32 numbers, so that each line is used up while it is in the first cache",
         "rows that are a power of two apart share few sets of a cache: try blocks of other shapes, wide ones and "
         "tall ones",
         "turn tiles of 8 x 8 or 16 x 16 over in registers, so that each store is a whole vector",
         "change the order of the tiles, so that the lines that are written next are near those written before",
         "there is little left: a copy moves as many bytes"},
};
#endif
