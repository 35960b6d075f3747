// A pool of lanes: threads that wait for parallel regions. Mechanism only: how many lanes and on which processors is the
// caller's decision (ck_cpu_lanes() tells what the process may use).
//
// A region is this serial loop with its iterations at the same time:
//
//   for (int32_t lane = 0; lane < lanes; lane++) task(context, lane, lanes);
//
// Lane 0 is the calling thread. Many threads may call at once: each leases the workers that are free, and runs alone when none
// is. A region inside a region runs alone. Nothing waits for a worker that has not begun: after a few
// microseconds, at once where that worker slept, the caller takes such a lane back and runs it itself. Lanes round, and treat subnormal numbers, as the caller
// does. A task may fork only to exec or _exit.
//
// Cost. Starting and joining n lanes is a broadcast: all lines are written before one barrier, and read again with all of them asked for at
// once, so that some ten transfers are under way at the same time. Model: 2 t + (n - 1) * 2 t / 10 with t the latency of one cache-line
// transfer: 64 lanes 65 ns apart 1 us, where one after the other would be 8. Measured is the posting of 64 lines between two cores.
//
// Sources of the ideas: one line to start and one to join per worker, spin then sleep (every OpenMP runtime); taking work back
// from a thief that has not begun (Blumofe and Leiserson, Cilk).
#ifndef CK_POOL_H
#define CK_POOL_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ck_pool ck_pool;
typedef void (*ck_pool_task)(void *context, int32_t lane, int32_t lanes);

enum { CK_POOL_LANES_MAX = 1025 };

// Called once in each worker before it waits; may bind the thread. NULL for none.
typedef void (*ck_pool_start)(void *context, int32_t lane);

typedef struct ck_pool_options {
    int32_t lanes;            // the caller included: lanes - 1 workers
    int64_t spin_nanoseconds; // how long a worker looks for work before it sleeps; 0 under a fractional quota
    ck_pool_start start;
    void *start_context;
} ck_pool_options;

// Creates the workers. Where threads cannot be had there are fewer, with one warning on standard error. NULL when there is no
// memory at all.
ck_pool *ck_pool_create(const ck_pool_options *options);

// Ends the workers and waits for them. No region may be running.
void ck_pool_destroy(ck_pool *pool);

// Lanes of the largest region: workers that were created and the caller.
int32_t ck_pool_lanes(const ck_pool *pool);

// Runs a region on at most `most` lanes; sleeping workers are woken, which is worth it for regions of some 40 microseconds and
// more. Returns how many lanes there were; the task learns it too. Returns when all have ended.
int32_t ck_pool_run(ck_pool *pool, int32_t most, ck_pool_task task, void *context);

// The same for short regions: only workers that are awake take part. Returns 0, without having run anything, where none is.
int32_t ck_pool_run_if_awake(ck_pool *pool, int32_t most, ck_pool_task task, void *context);

// Wakes the workers of a region of `most` lanes, so that they are found awake soon; for callers whose short regions come often.
// Without effect where workers do not look for work before they sleep.
void ck_pool_rouse(ck_pool *pool, int32_t most);

// Nanoseconds of an empty region of two lanes whose worker is awake, the shortest of some, measured at a thread's first calls and seldom later,
// for the distance between processors may change; 0 where it cannot be known: workers never wait awake, or others have them.
int32_t ck_pool_region_nanoseconds(ck_pool *pool);

// True on a thread that is inside a region: another region would run alone.
bool ck_pool_inside(void);

// The pool of the process, with ck_cpu_lanes() lanes, created at the first call; NULL where there is one lane only. After fork
// the child gets a pool of its own at its first call.
ck_pool *ck_pool_shared(void);

#ifdef __cplusplus
}
#endif
#endif
