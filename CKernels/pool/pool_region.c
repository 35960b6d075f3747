// Lanes: a lease, one line to start, one line to join.
//
//   caller                                  worker
//   takes bits of `free`
//   writes task, context, lane; start = even ticket  →  sees it, start + 1 by compare-and-swap: the lane is taken
//   runs lane 0                             runs its lane; done = ticket
//   waits for done, or takes the lane back by the same compare-and-swap
//   returns the bits
//
// The line that starts a worker is written by its leaseholder alone and polled by the worker; the line that joins is
// written by the worker and polled by the leaseholder: two transfers between cores for a region of two lanes.
#define _GNU_SOURCE
#include "pool.h"

static void wake(worker *w) {
    pthread_mutex_lock(&w->mutex);
    atomic_store(&w->asleep, false);
    pthread_cond_signal(&w->posted);
    pthread_mutex_unlock(&w->mutex);
}

// A lane in a worker's hands.
typedef struct posting {
    worker *worker;
    uint32_t ticket;
    bool woken; // the worker slept
} posting;

// Writes a lane to its worker's line. A plain store: the lines of many workers are on their way to this core at the
// same time, where an exchange would wait for each (64 lines 2.0 us, stored 0.24 us, between two Zen 5 cores 140 ns
// apart).
static posting post(worker *w, ck_pool_task task, void *context, int32_t lane, int32_t lanes, uint64_t environment,
                    int32_t processor, bool detached) {
    w->task = task;
    w->context = context;
    w->lane = lane;
    w->lanes = lanes;
    w->float_environment = environment;
    w->detached = detached;
    atomic_store_explicit(&w->caller_processor, processor, memory_order_relaxed);
    const uint32_t ticket = atomic_load_explicit(&w->start, memory_order_relaxed) + 1;
    atomic_store_explicit(&w->start, ticket, memory_order_release);
    return (posting){w, ticket, false};
}

// After the barrier that follows the last post: either the worker sees its ticket, or it is seen asleep here.
static void wake_if_asleep(posting *posted) {
    posted->woken = atomic_load(&posted->worker->asleep);
    if (posted->woken) wake(posted->worker);
}

// `begin` is when the caller first found itself waiting, 0 before: lanes that have not begun share one delay. A worker
// that was woken for its lane and has not begun when the caller is through with another takes longer to come than the
// lane does; one that waits for this processor does not come before this thread lets it.
static void join(posting posted, int32_t lane, int32_t lanes, ck_pool_task task, void *context, int64_t *begin) {
    worker *w = posted.worker;
    const uint32_t ticket = posted.ticket;
    bool taken = false;
    for (;;) {
        const bool is_here = is_on(w, this_processor());
        for (int poll = 0; poll < (is_here ? 1 : POLLS_PER_CLOCK); poll++) {
            if (atomic_load_explicit(&w->done, memory_order_acquire) == ticket) return;
            ck_pause();
        }
        const int64_t time = now();
        if (!*begin) *begin = time;
        if (!taken && time - *begin >= (posted.woken || is_here ? 0 : TAKE_BACK_NANOSECONDS)) {
            uint32_t expected = ticket;
            if (atomic_compare_exchange_strong(&w->start, &expected, ticket + 1)) {
                task(context, lane, lanes);
                ck_pool_stop_forked_child(w->pool);
                return;
            }
            taken = true;
        }
        if (time - *begin > JOIN_SPIN_NANOSECONDS) break;
        if (is_here) give_way();
    }
    // The workers use this thread's stack: it must not be cancelled here.
    int cancel_state;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
    pthread_mutex_lock(&w->mutex);
    atomic_store(&w->caller_sleeps, true);
    while (atomic_load(&w->done) != ticket) pthread_cond_wait(&w->joined, &w->mutex);
    atomic_store(&w->caller_sleeps, false);
    pthread_mutex_unlock(&w->mutex);
    pthread_setcancelstate(cancel_state, &cancel_state);
}

// Where a caller that has no lane for the worker is: a hint, by which it sees whether it stands in that caller's way.
static void tell_processor(worker *w, int32_t processor) {
    if (is_on(w, processor) && atomic_load_explicit(&w->caller_processor, memory_order_relaxed) != processor)
        atomic_store_explicit(&w->caller_processor, processor, memory_order_relaxed);
}

// Whether the worker begins a lane at once: it does not sleep and does not wait for the leaseholder's processor.
static bool is_ready(const worker *w, int32_t processor) {
    return !atomic_load_explicit(&w->asleep, memory_order_relaxed) && !is_on(w, processor);
}

// Takes up to `most` workers, low numbers first, into `taken`. Returns how many.
static int32_t lease(ck_pool *pool, int32_t most, int32_t processor, bool ready_only, uint64_t taken[WORDS]) {
    int32_t count = 0;
    for (int32_t word = 0; word * WORD_BITS < pool->workers; word++) {
        taken[word] = 0;
        uint64_t free = atomic_load_explicit(&pool->free[word], memory_order_relaxed), wanted;
        do {
            wanted = 0;
            int32_t room = most - count;
            for (uint64_t rest = free; rest && room > 0; rest &= rest - 1) {
                const int32_t number = word * WORD_BITS + __builtin_ctzll(rest);
                if (ready_only && !is_ready(&pool->worker[number], processor)) {
                    tell_processor(&pool->worker[number], processor);
                    continue;
                }
                wanted |= rest & -rest;
                room--;
            }
        } while (wanted && !atomic_compare_exchange_weak_explicit(&pool->free[word], &free, free & ~wanted,
                                                                  memory_order_acquire, memory_order_relaxed));
        taken[word] = wanted;
        count += __builtin_popcountll(wanted);
    }
    return count;
}

static void give_back(ck_pool *pool, const uint64_t taken[WORDS]) {
    for (int32_t word = 0; word * WORD_BITS < pool->workers; word++)
        if (taken[word]) atomic_fetch_or_explicit(&pool->free[word], taken[word], memory_order_release);
}

static int32_t lease_for_region(ck_pool *pool, int32_t most, int32_t processor, bool ready_only,
                                uint64_t taken[WORDS]) {
    if (ck_pool_is_inside || !pool || most < 2 || !is_of_this_process(pool)) return 0;
    return lease(pool, most - 1, processor, ready_only, taken);
}

static int32_t run_leased(ck_pool *pool, int32_t leased, int32_t processor, const uint64_t taken[WORDS],
                          ck_pool_task task, void *context) {
    const int32_t lanes = leased + 1;
    posting postings[lanes];
    int32_t lane = 1;
    const uint64_t environment = float_environment();
    for (int32_t word = 0; word * WORD_BITS < pool->workers; word++)
        for (uint64_t rest = taken[word]; rest; rest &= rest - 1, lane++)
            postings[lane] = post(&pool->worker[word * WORD_BITS + __builtin_ctzll(rest)], task, context, lane, lanes,
                                  environment, processor, false);
    atomic_thread_fence(memory_order_seq_cst);
    for (lane = 1; lane < lanes; lane++) wake_if_asleep(&postings[lane]);
    ck_pool_is_inside = true;
    task(context, 0, lanes);
    ck_pool_stop_forked_child(pool);
    int64_t begin = 0;
    for (lane = 2; lane < lanes; lane++)
        __builtin_prefetch((const void *)&postings[lane].worker->done); // all at the same time
    for (lane = 1; lane < lanes; lane++) join(postings[lane], lane, lanes, task, context, &begin);
    ck_pool_is_inside = false;
    give_back(pool, taken);
    return lanes;
}

int32_t ck_pool_run(ck_pool *pool, int32_t most, ck_pool_task task, void *context) {
    uint64_t taken[WORDS];
    const int32_t processor = this_processor();
    const int32_t leased = lease_for_region(pool, most, processor, false, taken);
    if (leased) return run_leased(pool, leased, processor, taken, task, context);
    const bool outer = ck_pool_is_inside;
    ck_pool_is_inside = true;
    task(context, 0, 1);
    ck_pool_is_inside = outer;
    return 1;
}

int32_t ck_pool_run_if_awake(ck_pool *pool, int32_t most, ck_pool_task task, void *context) {
    uint64_t taken[WORDS];
    const int32_t processor = this_processor();
    const int32_t leased = lease_for_region(pool, most, processor, true, taken);
    return leased ? run_leased(pool, leased, processor, taken, task, context) : 0;
}

// A new thread's environment: the lane is nobody's part.
static uint64_t default_float_environment(void) {
#if defined(__x86_64__)
    return 0x1f80;
#else
    return 0;
#endif
}

int32_t ck_pool_detach(ck_pool *pool, int32_t most, ck_pool_task task, void *context) {
    uint64_t taken[WORDS];
    if (!pool || most < 1 || !is_of_this_process(pool)) return 0;
    const int32_t lanes = lease(pool, most, -1, false, taken);
    atomic_fetch_add(&pool->detached, lanes);
    int32_t lane = 0;
    for (int32_t word = 0; word * WORD_BITS < pool->workers; word++)
        for (uint64_t rest = taken[word]; rest; rest &= rest - 1, lane++) {
            worker *w = &pool->worker[word * WORD_BITS + __builtin_ctzll(rest)];
            posting posted = post(w, task, context, lane, lanes, default_float_environment(), -1, true);
            atomic_thread_fence(memory_order_seq_cst);
            wake_if_asleep(&posted);
        }
    return lanes;
}

void ck_pool_wake(ck_pool *pool, int32_t most) {
    if (!pool || pool->spin_nanoseconds == 0 || !is_of_this_process(pool)) return;
    const int32_t processor = this_processor();
    for (int32_t i = 0; i < pool->workers && i < most - 1; i++) {
        worker *w = &pool->worker[i];
        if (!atomic_load_explicit(&w->asleep, memory_order_relaxed)) continue;
        atomic_store_explicit(&w->caller_processor, processor, memory_order_relaxed);
        wake(w);
    }
}

static void nothing(void *context, int32_t lane, int32_t lanes) { (void)context, (void)lane, (void)lanes; }

int32_t ck_pool_region_nanoseconds(ck_pool *pool) {
    enum { SOON = 16, EVERY = 16384, TIMES = 12 }; // a worker that sleeps is woken for it: tens of microseconds
    static _Thread_local uint32_t calls, next;
    if (!pool || pool->spin_nanoseconds == 0) return 0;
    const int32_t known = atomic_load_explicit(&pool->region_nanoseconds, memory_order_relaxed);
    // Whoever measured a pool first measures again soon: its worker may have hardly begun.
    if (next == 0) next = known < 0 ? SOON : EVERY;
    if (calls++ != next && known >= 0) return known;
    if (calls > next) next += next < EVERY / 4 ? 3 * next : EVERY;
    int64_t shortest = INT32_MAX;
    for (int i = 0; i < TIMES; i++) {
        const int64_t begin = now();
        const int32_t lanes = ck_pool_run(pool, 2, nothing, NULL);
        const int64_t elapsed = now() - begin;
        // A longer one may have run on the caller alone, while the worker woke up.
        if (lanes == 2 && elapsed < TAKE_BACK_NANOSECONDS && elapsed < shortest) shortest = elapsed;
    }
    if (shortest == INT32_MAX) {
        if (known >= 0) return known;
        shortest = 0;
    }
    atomic_store_explicit(&pool->region_nanoseconds, (int32_t)shortest, memory_order_relaxed);
    return (int32_t)shortest;
}

// Ends the workers that nobody has leased. Returns true where these were all.
bool ck_pool_end_workers(ck_pool *pool) {
    uint64_t taken[WORDS];
    const int32_t count = lease(pool, pool->workers, -1, false, taken);
    for (int32_t word = 0; word * WORD_BITS < pool->workers; word++)
        for (uint64_t rest = taken[word]; rest; rest &= rest - 1) {
            worker *w = &pool->worker[word * WORD_BITS + __builtin_ctzll(rest)];
            posting last = post(w, NULL, NULL, 0, 0, float_environment(), -1, false);
            atomic_thread_fence(memory_order_seq_cst);
            wake_if_asleep(&last);
            pthread_join(w->thread, NULL);
        }
    return count == pool->workers;
}
