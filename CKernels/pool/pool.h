// What the parts of the pool share: a worker's lines, the pool, and what every part does in a nanosecond.
#ifndef POOL_H
#define POOL_H

#include "ck_pool.h"

#include "../simd/compiler.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>
#if defined(__linux__)
#include <sched.h>
#endif

enum {
    LINE = 128,           // lines are fetched in pairs on many processors, and are this long on some
    POLLS_PER_CLOCK = 64, // a look at the clock costs as much as several polls
    TAKE_BACK_NANOSECONDS = 5000,
    JOIN_SPIN_NANOSECONDS = 100000,
    GIVE_WAY_NANOSECONDS = 1000000, // shorter than the time slice of most schedulers
    WORD_BITS = 64,
    WORDS = (CK_POOL_LANES_MAX + WORD_BITS - 1) / WORD_BITS,
};

typedef struct worker {
    // The line that starts. An even ticket is a posted lane; odd: taken, taken back, or none yet.
    _Alignas(LINE) _Atomic uint32_t start;
    _Atomic bool asleep;
    int32_t lane, lanes;
    ck_pool_task task; // NULL ends the worker
    void *context;
    uint64_t float_environment;
    bool detached; // nobody joins: the worker gives itself back
    _Atomic int32_t caller_processor; // where the leaseholder posted from
    // The line that joins.
    _Alignas(LINE) _Atomic uint32_t done;
    _Atomic bool caller_sleeps;
    _Atomic int32_t processor; // where the worker last looked for work or took a lane
    // For sleeping; seldom touched.
    _Alignas(LINE) pthread_mutex_t mutex;
    pthread_cond_t posted, joined;
    struct ck_pool *pool;
    pthread_t thread;
    int32_t number; // lane that the worker has in a region of the whole pool
    int64_t gave_way; // when it last let others have its processor
} worker;

struct ck_pool {
    _Alignas(LINE) _Atomic uint64_t free[WORDS]; // a bit for each worker without a leaseholder
    _Alignas(LINE) int32_t workers;
    bool is_shared;
    int64_t spin_nanoseconds;
    ck_pool_start on_start;
    void *start_context;
    _Atomic int32_t detached; // workers in such lanes
    _Atomic int32_t region_nanoseconds; // of an empty region; negative before it was measured
    uint32_t generation; // of the process: workers do not live on in a forked child
    worker *worker;
};

// Of this copy of the library alone: another in the same process has its own.
#pragma GCC visibility push(hidden)

// Whether the thread is in a region, and whether the shared pool counts it. Which process this is: a forked child is
// another.
extern _Thread_local bool ck_pool_is_inside, ck_pool_is_client;
extern _Atomic uint32_t ck_pool_generation;

static inline bool is_of_this_process(const ck_pool *pool) {
    return pool->generation == atomic_load_explicit(&ck_pool_generation, memory_order_relaxed);
}

// How the thread rounds and whether it flushes subnormal numbers: control bits alone. Results depend on them, so a
// lane that a worker runs takes the caller's.
static inline uint64_t float_environment(void) {
#if defined(__x86_64__)
    return __builtin_ia32_stmxcsr() & 0xffc0;
#elif defined(__aarch64__)
    uint64_t fpcr;
    __asm__ volatile("mrs %0, fpcr" : "=r"(fpcr));
    return fpcr;
#else
    return 0;
#endif
}

static inline void set_float_environment(uint64_t environment) {
    if (environment == float_environment()) return;
#if defined(__x86_64__)
    __builtin_ia32_ldmxcsr((unsigned)environment);
#elif defined(__aarch64__)
    __asm__ volatile("msr fpcr, %0" : : "r"(environment));
#endif
}

static inline int64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static inline int32_t this_processor(void) {
#if defined(__linux__)
    return sched_getcpu();
#else
    return -1;
#endif
}

static inline bool is_on(const worker *w, int32_t processor) {
    return processor >= 0 && processor == atomic_load_explicit(&w->processor, memory_order_relaxed);
}

static inline void give_way(void) {
#if defined(__linux__)
    sched_yield();
#else
    ck_pause();
#endif
}

// pool.c
ck_pool *ck_pool_make(const ck_pool_options *options, bool is_shared);
// pool_worker.c
void *ck_pool_work(void *worker);
void ck_pool_stop_forked_child(const ck_pool *pool);
// pool_region.c
bool ck_pool_end_workers(ck_pool *pool); // those that nobody has leased; true where these were all
// pool_shared.c
void ck_pool_handle_fork(void);

#pragma GCC visibility pop

#endif
