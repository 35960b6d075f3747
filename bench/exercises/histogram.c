#if defined(EXERCISE_START)
// histogram: Several threads count how often each value comes. Who owns the counts?
//
// The functions below are right: every item is an atomic addition to counts that all threads share, and every core
// takes the lines of the counts away from the others. How near can you come to one store for each item, on every
// thread?
//
// Promised: counts holds 256 zeros and scratch 1024 for each thread (int64_t), both begin at a multiple of 2048;
// thread is one of threads; n >= 0; values holds n bytes at any address, other ones for each thread. All threads call
// histogram_count at the same time, and when all have returned all call histogram_merge. Timed with 65,536 values for
// each thread.
// Right: counts[v] is how often v comes among the values of all threads.
#include <stdint.h>

void histogram_count(int thread, int threads, int64_t n, const uint8_t *values, int64_t *counts, int64_t *scratch) {
    (void)thread, (void)threads, (void)scratch;
    for (int64_t i = 0; i < n; i++) __atomic_fetch_add(&counts[values[i]], 1, __ATOMIC_RELAXED);
}

void histogram_merge(int thread, int threads, int64_t *counts, const int64_t *scratch) {
    (void)thread, (void)threads, (void)counts, (void)scratch;
}

#elif defined(EXERCISE_OURS)
#include <stdint.h>
#include <string.h>

// Four counts of one's own for each value, so that equal values one after the other do not wait for each other's
// store; each thread then merges its share of the values.
void histogram_count(int thread, int threads, int64_t n, const uint8_t *values, int64_t *counts, int64_t *scratch) {
    (void)threads, (void)counts;
    int64_t *own = scratch + 1024 * thread;
    int64_t i = 0;
    for (; i + 8 <= n; i += 8) {
        uint64_t eight;
        memcpy(&eight, values + i, 8);
        for (int b = 0; b < 8; b++) own[256 * (b % 4) + (eight >> 8 * b & 255)]++;
    }
    for (; i < n; i++) own[values[i]]++;
}

void histogram_merge(int thread, int threads, int64_t *counts, const int64_t *scratch) {
    for (int64_t v = 256 * thread / threads; v < 256 * (thread + 1) / threads; v++) {
        int64_t sum = 0;
        for (int64_t from = 0; from < 4 * threads; from++) sum += scratch[256 * from + v];
        counts[v] = sum;
    }
}

#else
#include "check.h"

typedef void count_function(int thread, int threads, int64_t n, const uint8_t *values, int64_t *counts,
                            int64_t *scratch);
typedef void merge_function(int thread, int threads, int64_t *counts, const int64_t *scratch);
enum { MOST = 65536, THREADS = 64 };
static int64_t n, *counts, *scratch, *result;
static uint8_t *values;
static int used;

static void prepare(int which, uint64_t seed) {
    n = (const int64_t[]){0, 1, 9, 100, 1003, MOST}[which];
    values = memory("values", (size_t)n * THREADS, INPUT);
    counts = memory("counts", 4096, SCRATCH);
    scratch = memory("scratch", 64 * 1024 * sizeof *scratch, SCRATCH);
    result = memory("the result", 256 * sizeof *result, OUTPUT);
    for (int64_t i = 0; i < n * THREADS; i++) values[i] = (uint8_t)(random_number(&seed) >> 40);
}

static void call(void *const *functions, int thread, int threads) {
    for (int i = 0; i < 1024; i++) scratch[1024 * thread + i] = 0;
    if (thread == 0)
        for (int i = 0; i < 512; i++) counts[i] = 0;
    barrier();
    ((count_function *)functions[0])(thread, threads, n, values + thread * n, counts, scratch);
    barrier();
    ((merge_function *)functions[1])(thread, threads, counts, scratch);
    barrier();
    if (thread != 0) return;
    used = threads;
    for (int v = 0; v < 256; v++) result[v] = counts[v];
}

static bool verify(void) {
    int64_t exact[256] = {0};
    for (int64_t i = 0; i < n * used; i++) exact[values[i]]++;
    for (int v = 0; v < 256; v++)
        if (result[v] != exact[v])
            return wrong("%ld values for each of %d threads: %d comes %ld times, not %ld", (long)n, used, v,
                         (long)exact[v], (long)result[v]);
    return true;
}

static void limit(int thread, int threads) {
    (void)threads;
    barrier();
    volatile int64_t *own = scratch + 1024 * thread;
    for (int64_t i = 0; i < n; i++) own[i & 255] = i;
    barrier();
}

const exercise this_exercise = {
    .functions = {"histogram_count", "histogram_merge"},
    .is_threaded = true,
    .least_threads = 2,
    .cases = 5,
    .prepare = prepare,
    .call = call,
    .verify = verify,
    .limit = limit,
    .limit_text = "one store for each item, on every thread",
    .work = MOST,
    .is_work_of_each = true,
    .unit = "items",
    .advice = {"count in scratch, a part for each thread, without atomics; merge the parts in histogram_merge",
               "let the threads share the merge: each takes some of the values",
               "an addition to a count waits for the store of the one before if both are of the same value: take "
               "several counts in turn",
               "load eight values at once, and take them apart in registers",
               "there is little left: an item needs a load, an addition and a store"},
};
#endif
