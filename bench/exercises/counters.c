#if defined(EXERCISE_START)
// counters: Several threads count, each in a counter of its own. Why is that slow?
//
// The functions below are right, and no two threads write to the same counter. But their counters are neighbours: a
// core that writes to a line takes all of it away from the others. How near can you come to the time that loading the
// items takes?
//
// Promised: memory holds 16,384 bytes of zeros and begins at a multiple of 4096; n >= 0; items holds n bytes at any
// address. All threads, at most 64, call counters_add at the same time, each with items of its own; one of them calls
// counters_total after all have returned. Timed with 65,536 items for each thread. Right: the total is how many items
// of all threads are odd.
#include <stdint.h>

void counters_add(int64_t *memory, int thread, int64_t n, const uint8_t *items) {
    for (int64_t i = 0; i < n; i++) __atomic_fetch_add(&memory[thread], items[i] & 1, __ATOMIC_RELAXED);
}

int64_t counters_total(const int64_t *memory, int threads) {
    int64_t total = 0;
    for (int thread = 0; thread < threads; thread++) total += memory[thread];
    return total;
}

#elif defined(EXERCISE_OURS)
#include <stdint.h>

// In a register, in vectors; the counter is written once.
void counters_add(int64_t *memory, int thread, int64_t n, const uint8_t *items) {
    int64_t count = 0;
    while (n > 0) {
        const int64_t part = n < 128 ? n : 128;
        uint8_t few = 0; // at most 128: sums of bytes, sixteen or more at once
        for (int64_t i = 0; i < part; i++) few += items[i] & 1;
        count += few, n -= part, items += part;
    }
    memory[16 * thread] = count;
}

int64_t counters_total(const int64_t *memory, int threads) {
    int64_t total = 0;
    for (int thread = 0; thread < threads; thread++) total += memory[16 * thread];
    return total;
}

#else
#include "check.h"

#include <string.h>

typedef void add_function(int64_t *memory, int thread, int64_t n, const uint8_t *items);
typedef int64_t total_function(const int64_t *memory, int threads);
enum { MOST = 65536, THREADS = 64, BYTES = 16384 };
static int64_t n, *counters, *total;
static uint8_t *items;
static int used;

static void prepare(int which, uint64_t seed) {
    n = (const int64_t[]){0, 1, 7, 64, 300, 1001, MOST}[which];
    items = memory("items", (size_t)n * THREADS, INPUT);
    counters = memory("memory", BYTES, SCRATCH);
    total = memory("the total", sizeof *total, OUTPUT);
    for (int64_t i = 0; i < n * THREADS; i++) items[i] = (uint8_t)(random_number(&seed) >> 40);
}

static void call(void *const *functions, int thread, int threads) {
    if (thread == 0) memset(counters, 0, BYTES);
    barrier();
    ((add_function *)functions[0])(counters, thread, n, items + thread * n);
    barrier();
    if (thread != 0) return;
    used = threads;
    *total = ((total_function *)functions[1])(counters, threads);
}

static bool verify(void) {
    int64_t exact = 0;
    for (int64_t i = 0; i < n * used; i++) exact += items[i] & 1;
    return *total == exact || wrong("%ld items for each of %d threads: the total is %ld, not %ld", (long)n, used,
                                    (long)*total, (long)exact);
}

static void limit(int thread, int threads) {
    (void)threads;
    if (thread == 0) memset(counters, 0, BYTES);
    barrier();
    load_all(items + thread * n, (size_t)n);
    barrier();
}

const exercise this_exercise = {
    .functions = {"counters_add", "counters_total"},
    .is_threaded = true,
    .least_threads = 2,
    .cases = 6,
    .prepare = prepare,
    .call = call,
    .verify = verify,
    .limit = limit,
    .limit_text = "loads of the items by all threads",
    .work = MOST,
    .is_work_of_each = true,
    .unit = "items",
    .advice = {"put each thread's counter into a line of its own, 64 or 128 bytes apart: no line is taken away then",
               "count in a variable on the stack, and write to memory once at the end",
               "let the compiler count many items at once: sums of bytes in vectors, widened before they run over",
               "take more items in each turn of the loop",
               "there is little left: loading the items takes most of the time"},
};
#endif
