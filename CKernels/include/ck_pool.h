// A pool of lanes: threads that wait for parallel regions. How many lanes is the caller's decision (ck_cpu_lanes()
// tells what the process may use); where the workers run is the scheduler's, or that of whoever gives their threads a
// mask: the pool writes none, and a worker that stands behind its caller on one processor yields.
//
// A region is this serial loop with its iterations at the same time:
//
//   for (int32_t lane = 0; lane < lanes; lane++) task(context, lane, lanes);
//
// Lane 0 is the calling thread. Many threads may call at once: each leases the workers that are free, and runs alone
// when none is. A region inside a region runs alone. Nothing waits for a worker that has not begun: after a few
// microseconds, at once where that worker slept or waits for the caller's processor, the caller takes such a lane back
// and runs it itself. Lanes round, and treat subnormal numbers, as the caller does. A task may fork only to exec or
// _exit. No affinity mask is written: workers run where the scheduler, or whoever gives their threads a mask, lets
// them.
//
// Cost. Starting and joining n lanes is a broadcast: all lines are written before one barrier, and read again with all
// of them asked for at once, so that some ten transfers are under way at the same time. Model: 2 t + (n - 1) * 2 t /
// 10 with t the latency of one cache-line transfer: 64 lanes 65 ns apart 1 us, where one after the other would be 8.
// Measured is the posting of 64 lines between two cores.
//
// Sources of the ideas: one line to start and one to join per worker, spin then sleep (every OpenMP runtime); taking
// work back from a thief that has not begun (Blumofe and Leiserson, Cilk).
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
    int32_t lanes; // the caller included: lanes - 1 workers
    int64_t spin_nanoseconds; // how long a worker spins before it sleeps
    ck_pool_start start;
    void *start_context;
} ck_pool_options;

// Creates the workers. Where threads cannot be had there are fewer, with one warning on standard error. NULL when
// there is no memory at all.
ck_pool *ck_pool_create(const ck_pool_options *options);

// Ends the workers and waits for them and for detached lanes. No region may be running; not to be called from a lane
// of the pool. Workers block signals: destroy a pool before the last thread of yours ends, or only SIGKILL ends the
// process.
void ck_pool_destroy(ck_pool *pool);

// Lanes of the largest region: workers that were created and the caller.
int32_t ck_pool_lanes(const ck_pool *pool);

// Runs a region on at most `most` lanes; sleeping workers are woken, which is worth it for regions of some 40
// microseconds and more. Returns the number of lanes used, which the task also receives. Returns when all have ended.
int32_t ck_pool_run(ck_pool *pool, int32_t most, ck_pool_task task, void *context);

// The same for short regions: only workers that are awake and not on the caller's processor take part. Returns 0,
// without having run anything, where none is.
int32_t ck_pool_run_if_awake(ck_pool *pool, int32_t most, ck_pool_task task, void *context);

// Gives the task to at most `most` workers that are free, each as a lane of its own (0 ..., of as many as there are),
// and returns how many there were without waiting for them. A worker is free again when its lane has ended. Such a
// lane rounds, and treats subnormal numbers, as a new thread does. For queues that workers drain as they come free.
int32_t ck_pool_detach(ck_pool *pool, int32_t most, ck_pool_task task, void *context);

// Wakes the workers of a region of `most` lanes, so that they are found awake soon; for callers whose short regions
// come often. Without effect where workers do not spin before they sleep.
void ck_pool_wake(ck_pool *pool, int32_t most);

// Nanoseconds of an empty region of two lanes whose worker is awake, the shortest of some, measured at the pool's
// first call and by each thread every so many thousand calls, for the distance between processors may change; 0 where
// it cannot be known: workers never wait awake, or others have them.
int32_t ck_pool_region_nanoseconds(ck_pool *pool);

// True on a thread that is inside a region: another region would run serially.
bool ck_pool_inside(void);

// How long workers should spin before they sleep: 100 us, 0 where the CPU quota is less than the lanes and
// looking would use it up. `root` as of ck_cpu_quota.
int64_t ck_pool_spin_nanoseconds(int32_t lanes, const char *root);

// The pool of the process, with ck_cpu_lanes() lanes, created at the first call; NULL where there is one lane only.
// After fork the child gets a pool of its own at its first call. A pointer is good for the thread that asked, until it
// ends: where the main thread has called pthread_exit and the last thread that asked ends (the one that loaded the
// library counts), the workers end, so that the process can.
ck_pool *ck_pool_shared(void);

#ifdef __cplusplus
}
#endif
#endif
