#if defined(EXERCISE_START)
// lock: Several threads take a lock again and again. How little can that cost?
//
// The functions below are right: an exchange that finds 0 has the lock. But whoever waits writes to the lock's line
// all the time, and takes it away from the one who wants to give the lock back. How near can you come to the work
// inside, done by one thread without a lock?
//
// Promised: memory holds 16,384 bytes of zeros and begins at a multiple of 4096; threads are numbered from 0, at most
// 64, each on a processor of its own; a thread gives the lock back before it takes it again. The thread sanitizer sees
// order that acquire and release make, not fences. Timed with 2,000 acquisitions by each thread, some work inside and
// outside. Right: never two threads inside at the same time, and what one wrote inside is seen by the next.
#include <stdint.h>

void lock_take(uint64_t *memory, int thread) {
    (void)thread;
    while (__atomic_exchange_n(&memory[0], 1, __ATOMIC_ACQUIRE)) {}
}

void lock_give(uint64_t *memory, int thread) {
    (void)thread;
    __atomic_store_n(&memory[0], 0, __ATOMIC_RELEASE);
}

#elif defined(EXERCISE_OURS)
#include <stdint.h>

static inline void rest(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

// Whoever finds the lock taken leaves it alone for a while, longer after each try that failed, and then only reads
// until it looks free. So the other side takes it several times while its line stays. That is fast and not fair.
void lock_take(uint64_t *memory, int thread) {
    (void)thread;
    for (int pause = 16; __atomic_exchange_n(&memory[0], 1, __ATOMIC_ACQUIRE);
         pause = pause < 1024 ? 2 * pause : pause)
        do {
            for (int i = 0; i < pause; i++) rest();
        } while (__atomic_load_n(&memory[0], __ATOMIC_RELAXED));
}

void lock_give(uint64_t *memory, int thread) {
    (void)thread;
    __atomic_store_n(&memory[0], 0, __ATOMIC_RELEASE);
}

#else
#include "check.h"

#include <string.h>

typedef void lock_function(uint64_t *memory, int thread);
enum { MOST = 2000, NUMBERS = 8, BYTES = 16384 };
static int64_t n, used, *result;
static uint64_t *lock, start;
static _Alignas(128) volatile int64_t numbers[NUMBERS]; // written inside alone
static _Alignas(128) volatile int64_t overlaps, inside;

static void prepare(int which, uint64_t seed) {
    n = (const int64_t[]){1, 10, 500, MOST}[which];
    lock = memory("memory", BYTES, SCRATCH);
    result = memory("the result", sizeof *result, OUTPUT);
    start = seed & 0xffff;
}

static void work(int steps) {
    uint64_t x = 1;
    for (int i = 0; i < steps; i++) {
        x += 3;
        __asm__ volatile("" : "+r"(x));
    }
}

static void work_inside(void) {
    for (int i = 0; i < NUMBERS; i++) numbers[i] = numbers[i] + 1;
    work(50);
}

static void call(void *const *functions, int thread, int threads) {
    if (thread == 0) {
        memset(lock, 0, BYTES);
        for (int i = 0; i < NUMBERS; i++) numbers[i] = (int64_t)start;
        overlaps = inside = 0;
        used = threads;
    }
    barrier();
    for (int64_t i = 0; i < n; i++) {
        ((lock_function *)functions[0])(lock, thread);
        if (inside) overlaps = 1;
        inside = 1;
        work_inside();
        inside = 0;
        ((lock_function *)functions[1])(lock, thread);
        work(50);
    }
    barrier();
    if (thread == 0) *result = numbers[0];
}

static bool verify(void) {
    const int64_t exact = (int64_t)start + n * used;
    if (overlaps) return wrong("two threads were inside at the same time");
    for (int i = 0; i < NUMBERS; i++)
        if (numbers[i] != exact)
            return wrong(
                "%ld acquisitions by each of %ld threads: %ld additions, not %ld: two were inside at the same time",
                (long)n, (long)used, (long)(numbers[i] - (int64_t)start), (long)(n * used));
    return true;
}

// All that is done inside, by one thread, without a lock.
static void limit(int thread, int threads) {
    if (thread == 0)
        for (int64_t i = 0; i < n * threads; i++) work_inside();
}

const exercise this_exercise = {
    .functions = {"lock_take", "lock_give"},
    .is_threaded = true,
    .least_threads = 2,
    .cases = 3,
    .prepare = prepare,
    .call = call,
    .verify = verify,
    .limit = limit,
    .limit_text = "the work inside, by one thread without a lock",
    .work = MOST,
    .is_work_of_each = true,
    .unit = "acquisitions",
    .advice = {"wait by reading: exchange only when a load has seen the lock free",
               "wait longer after each failed try (back off), and tell the core that you wait: __builtin_ia32_pause "
               "or yield",
               "let the one who gives the lock back get at its line: whoever waits should look at it rarely",
               "let a thread wait at a line of its own, and be told there (an MCS lock): with many threads it is that "
               "which counts",
               "there is little left: what is done inside takes most of the time"},
};
#endif
