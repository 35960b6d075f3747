// Lanes: a lease, one line to start, one line to join.
//
//   caller                                  worker
//   takes bits of `free`
//   writes task, context, lane; start = even ticket  →  sees it, start + 1 by compare-and-swap: the lane is taken
//   runs lane 0                             runs its lane; done = ticket
//   waits for done, or takes the lane back by the same compare-and-swap
//   returns the bits
//
// The line that starts a worker is written by its leaseholder alone and polled by the worker; the line that joins is written by
// the worker and polled by the leaseholder: two transfers between cores for a region of two lanes.
#define _GNU_SOURCE
#include "ck_pool.h"

#include "../simd/compiler.h"
#include "ck_cpu.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#if defined(__linux__)
#include <sched.h>
#include <sys/syscall.h>
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

static _Thread_local bool inside, is_client;
static _Atomic uint32_t process_generation;

bool ck_pool_inside(void) { return inside; }

// How the thread rounds and whether it flushes subnormal numbers: control bits alone. Results depend on them, so a lane that a
// worker runs takes the caller's.
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

static int64_t now(void) {
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

static inline void publish_processor(worker *w) {
    const int32_t processor = this_processor();
    if (processor != atomic_load_explicit(&w->processor, memory_order_relaxed))
        atomic_store_explicit(&w->processor, processor, memory_order_relaxed);
}

static inline bool is_on(const worker *w, int32_t processor) {
    return processor >= 0 && processor == atomic_load_explicit(&w->processor, memory_order_relaxed);
}

static inline bool is_behind_caller(const worker *w) {
    return is_on(w, atomic_load_explicit(&w->caller_processor, memory_order_relaxed));
}

static inline void give_way(void) {
#if defined(__linux__)
    sched_yield();
#else
    ck_pause();
#endif
}

// Processor time of the calling thread; negative where the system does not say.
static int64_t worked(void) {
    struct timespec t;
    return clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) ? -1 : (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

// Where the scheduler has put the worker on its leaseholder's processor, one of the two waits for the other. The worker stays runnable,
// which is what makes a scheduler move it to an idle processor, and lets the leaseholder have this one. No affinity mask is written:
// a mask belongs to whoever set it, and one that is read, narrowed and restored undoes what somebody else sets meanwhile. Returns the
// ticket, or an odd number once the worker is elsewhere or its own processor time is used up.
static uint32_t wait_behind_caller(worker *w, int64_t spin) {
    const int64_t begin = worked();
    int64_t time = begin;
    uint32_t start;
    do {
        give_way();
        publish_processor(w);
        start = atomic_load_explicit(&w->start, memory_order_acquire);
    } while (start % 2 && is_behind_caller(w) && begin >= 0 && (time = worked()) >= 0 && time - begin < spin);
    return start;
}

// Waits until start is even, awake for a while, then asleep. Returns the ticket.
static uint32_t wait_for_work(worker *w) {
    const int64_t spin = w->pool->spin_nanoseconds;
    if (spin > 0) {
        int64_t begin = now(), time = begin;
        do {
            // A time slice that ends in the middle of a lane keeps the caller waiting for the slice of whoever comes next. Given up
            // between lanes it costs nothing: the caller takes this worker's lanes back meanwhile.
            if (time - w->gave_way > GIVE_WAY_NANOSECONDS) {
                give_way();
                w->gave_way = now();
                begin += w->gave_way - time;
            }
            publish_processor(w);
            if (is_behind_caller(w)) {
                const uint32_t start = wait_behind_caller(w, spin);
                if (start % 2 == 0) return start;
                if (is_behind_caller(w)) break;
                begin = now();
            }
            for (int poll = 0; poll < POLLS_PER_CLOCK; poll++) {
                const uint32_t start = atomic_load_explicit(&w->start, memory_order_acquire);
                if (start % 2 == 0) return start;
                ck_pause();
            }
            time = now();
        } while (time - begin < spin);
    }
    pthread_mutex_lock(&w->mutex);
    // Either this thread sees the ticket below, or the caller sees it asleep: both sides write first and then read, in one order.
    atomic_store(&w->asleep, true);
    uint32_t start;
    while ((start = atomic_load(&w->start)) % 2 && atomic_load(&w->asleep)) pthread_cond_wait(&w->posted, &w->mutex);
    atomic_store(&w->asleep, false);
    pthread_mutex_unlock(&w->mutex);
    publish_processor(w);
    // Woken on its leaseholder's processor: a lane that both would do in turns there is done sooner by the leaseholder alone.
    if (start % 2 == 0 && is_behind_caller(w)) {
        give_way();
        publish_processor(w);
        start = atomic_load(&w->start);
    }
    return start; // odd where ck_pool_rouse woke it: the caller of this function looks again
}

// A task that forked, on whichever lane: in the child there is nobody to wait for or to be waited for by, and half of the work is missing.
static void stop_forked_child(const ck_pool *pool) {
    if (__builtin_expect(pool->generation == atomic_load_explicit(&process_generation, memory_order_relaxed), 1)) return;
    fprintf(stderr, "swift-lanes: a forked child returned into a parallel region; inside one, fork only to exec or _exit\n");
    _exit(1);
}

static void *work(void *argument) {
    worker *w = argument;
    inside = true;
    is_client = w->pool->is_shared; // uncounted: its own workers do not keep the shared pool alive
    if (w->pool->on_start) w->pool->on_start(w->pool->start_context, w->number);
    for (;;) {
        uint32_t ticket = wait_for_work(w);
        if (ticket % 2 || !atomic_compare_exchange_strong(&w->start, &ticket, ticket + 1)) continue;
        if (!w->task) return NULL;
        publish_processor(w);
        const bool detached = w->detached;
        set_float_environment(w->float_environment);
        w->task(w->context, w->lane, w->lanes);
        stop_forked_child(w->pool);
        atomic_exchange(&w->done, ticket);
        if (detached) {
            const int32_t index = w->number - 1;
            atomic_fetch_or_explicit(&w->pool->free[index / WORD_BITS], (uint64_t)1 << index % WORD_BITS, memory_order_release);
            atomic_fetch_sub(&w->pool->detached, 1);
            continue;
        }
        if (atomic_load(&w->caller_sleeps)) {
            pthread_mutex_lock(&w->mutex);
            pthread_cond_signal(&w->joined);
            pthread_mutex_unlock(&w->mutex);
        }
    }
}

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
    bool roused; // the worker slept
} posting;

// Writes a lane to its worker's line. A plain store: the lines of many workers are on their way to this core at the same time, where an
// exchange would wait for each (64 lines 2.0 us, stored 0.24 us, between two Zen 5 cores 140 ns apart).
static posting post(worker *w, ck_pool_task task, void *context, int32_t lane, int32_t lanes, uint64_t environment, int32_t processor,
                    bool detached) {
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
    posted->roused = atomic_load(&posted->worker->asleep);
    if (posted->roused) wake(posted->worker);
}

// `begin` is when the caller first found itself waiting, 0 before: lanes that have not begun share one delay. A worker that was woken for
// its lane and has not begun when the caller is through with another takes longer to come than the lane does; one that waits for this
// processor does not come before this thread lets it.
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
        if (!taken && time - *begin >= (posted.roused || is_here ? 0 : TAKE_BACK_NANOSECONDS)) {
            uint32_t expected = ticket;
            if (atomic_compare_exchange_strong(&w->start, &expected, ticket + 1)) {
                task(context, lane, lanes);
                stop_forked_child(w->pool);
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
        } while (wanted && !atomic_compare_exchange_weak_explicit(&pool->free[word], &free, free & ~wanted, memory_order_acquire,
                                                                  memory_order_relaxed));
        taken[word] = wanted;
        count += __builtin_popcountll(wanted);
    }
    return count;
}

static void give_back(ck_pool *pool, const uint64_t taken[WORDS]) {
    for (int32_t word = 0; word * WORD_BITS < pool->workers; word++)
        if (taken[word]) atomic_fetch_or_explicit(&pool->free[word], taken[word], memory_order_release);
}

static int32_t lease_for_region(ck_pool *pool, int32_t most, int32_t processor, bool ready_only, uint64_t taken[WORDS]) {
    if (inside || !pool || most < 2 || pool->generation != atomic_load_explicit(&process_generation, memory_order_relaxed)) return 0;
    return lease(pool, most - 1, processor, ready_only, taken);
}

static int32_t run_leased(ck_pool *pool, int32_t leased, int32_t processor, const uint64_t taken[WORDS], ck_pool_task task, void *context) {
    const int32_t lanes = leased + 1;
    posting postings[lanes];
    int32_t lane = 1;
    const uint64_t environment = float_environment();
    for (int32_t word = 0; word * WORD_BITS < pool->workers; word++)
        for (uint64_t rest = taken[word]; rest; rest &= rest - 1, lane++)
            postings[lane] =
                post(&pool->worker[word * WORD_BITS + __builtin_ctzll(rest)], task, context, lane, lanes, environment, processor, false);
    atomic_thread_fence(memory_order_seq_cst);
    for (lane = 1; lane < lanes; lane++) wake_if_asleep(&postings[lane]);
    inside = true;
    task(context, 0, lanes);
    stop_forked_child(pool);
    int64_t begin = 0;
    for (lane = 2; lane < lanes; lane++) __builtin_prefetch((const void *)&postings[lane].worker->done); // all at the same time
    for (lane = 1; lane < lanes; lane++) join(postings[lane], lane, lanes, task, context, &begin);
    inside = false;
    give_back(pool, taken);
    return lanes;
}

int32_t ck_pool_run(ck_pool *pool, int32_t most, ck_pool_task task, void *context) {
    uint64_t taken[WORDS];
    const int32_t processor = this_processor();
    const int32_t leased = lease_for_region(pool, most, processor, false, taken);
    if (leased) return run_leased(pool, leased, processor, taken, task, context);
    const bool outer = inside;
    inside = true;
    task(context, 0, 1);
    inside = outer;
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
    if (!pool || most < 1 || pool->generation != atomic_load_explicit(&process_generation, memory_order_relaxed)) return 0;
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

void ck_pool_rouse(ck_pool *pool, int32_t most) {
    if (!pool || pool->spin_nanoseconds == 0 || pool->generation != atomic_load_explicit(&process_generation, memory_order_relaxed)) return;
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

int32_t ck_pool_lanes(const ck_pool *pool) { return pool ? pool->workers + 1 : 1; }

static bool start_worker(ck_pool *pool, int32_t index) {
    worker *w = &pool->worker[index];
    memset(w, 0, sizeof *w);
    atomic_init(&w->start, 1);
    atomic_init(&w->caller_processor, -1);
    atomic_init(&w->processor, -1);
    pthread_mutex_init(&w->mutex, NULL);
    pthread_cond_init(&w->posted, NULL);
    pthread_cond_init(&w->joined, NULL);
    w->pool = pool;
    w->number = index + 1;
    return pthread_create(&w->thread, NULL, work, w) == 0;
}

static void before_fork(void);
static void in_parent(void);
static void in_child(void);
static void handle_fork(void) { pthread_atfork(before_fork, in_parent, in_child); }

static pthread_once_t fork_handled = PTHREAD_ONCE_INIT;

static ck_pool *create(const ck_pool_options *options, bool is_shared) {
    pthread_once(&fork_handled, handle_fork);
    const int32_t wanted = (options->lanes < CK_POOL_LANES_MAX ? options->lanes : CK_POOL_LANES_MAX) - 1;
    void *memory = NULL, *workers = NULL;
    if (posix_memalign(&memory, LINE, sizeof(ck_pool))) return NULL;
    if (posix_memalign(&workers, LINE, sizeof(worker) * (size_t)(wanted > 0 ? wanted : 1))) {
        free(memory);
        return NULL;
    }
    ck_pool *pool = memory;
    memset(pool, 0, sizeof *pool);
    pool->worker = workers;
    pool->is_shared = is_shared;
    pool->spin_nanoseconds = options->spin_nanoseconds;
    pool->on_start = options->start;
    pool->start_context = options->start_context;
    atomic_init(&pool->region_nanoseconds, -1);
    pool->generation = atomic_load(&process_generation);
    // Signals are the program's: workers take none but those of their own faults, which end a thread that blocks them.
    sigset_t all, before;
    sigfillset(&all);
    const int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS};
    for (int i = 0; i < 6; i++) sigdelset(&all, faults[i]);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (pool->workers < wanted && start_worker(pool, pool->workers)) pool->workers++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (pool->workers < wanted)
        fprintf(stderr, "swift-lanes: the system gave %d of %d threads; going on with %d lanes\n", pool->workers, wanted,
                pool->workers + 1);
    for (int32_t i = 0; i < pool->workers; i++) pool->free[i / WORD_BITS] |= (uint64_t)1 << i % WORD_BITS;
    return pool;
}

ck_pool *ck_pool_create(const ck_pool_options *options) { return create(options, false); }

// Ends the workers that nobody has leased. Returns true where these were all.
static bool end_workers(ck_pool *pool) {
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

void ck_pool_destroy(ck_pool *pool) {
    if (!pool) return;
    if (pool->generation == atomic_load(&process_generation)) {
        const struct timespec moment = {0, 50000};
        while (atomic_load(&pool->detached)) nanosleep(&moment, NULL);
        if (!end_workers(pool)) {
            fprintf(stderr, "swift-lanes: a pool was destroyed while a region ran on it\n");
            abort();
        }
        for (int32_t i = 0; i < pool->workers; i++) {
            pthread_mutex_destroy(&pool->worker[i].mutex);
            pthread_cond_destroy(&pool->worker[i].posted);
            pthread_cond_destroy(&pool->worker[i].joined);
        }
    }
    free(pool->worker);
    free(pool);
}

// The shared pool, and the threads that use it: where the main thread has ended (pthread_exit) and the last of them ends, the workers end
// too, for a process ends with its last thread.

static _Atomic(ck_pool *) shared;
static pthread_mutex_t shared_mutex = PTHREAD_MUTEX_INITIALIZER;
static int32_t clients;  // under the mutex
static bool main_ended;  // under the mutex
static pthread_key_t at_client_end;
static bool have_key; // without one the workers live on

static void before_fork(void) { pthread_mutex_lock(&shared_mutex); }
static void in_parent(void) { pthread_mutex_unlock(&shared_mutex); }
static void in_child(void) {
    // The workers did not come along. Their pool is left as it is: its mutexes may be in any state.
    atomic_fetch_add(&process_generation, 1);
    atomic_store(&shared, NULL);
    clients = is_client;
    main_ended = false;
    pthread_mutex_unlock(&shared_mutex);
}

// A main thread that has ended stays a zombie until the process ends: the state in /proc/self/stat is the main thread's. One that is about
// to end has noted it before.
static bool main_has_ended(void) {
    if (main_ended) return true;
#if defined(__linux__)
    char text[512];
    FILE *file = fopen("/proc/self/stat", "re");
    if (!file) return false;
    const size_t length = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[length] = 0;
    const char *name_end = strrchr(text, ')');
    return name_end && name_end[1] == ' ' && name_end[2] == 'Z';
#else
    return false;
#endif
}

static bool is_main_thread(void) {
#if defined(__linux__)
    return syscall(SYS_gettid) == getpid();
#else
    return false;
#endif
}

// Should the main thread live on after all, the next who asks gets a new pool. Whoever has a pointer to the pool is a client, or one of its
// own workers in a client's region or in a detached lane.
static void client_ends(void *unused) {
    (void)unused;
    is_client = false;
    pthread_mutex_lock(&shared_mutex);
    clients--;
    main_ended = main_ended || is_main_thread();
    ck_pool *pool = atomic_load(&shared);
    const bool is_last = clients == 0 && pool && !atomic_load(&pool->detached) && main_has_ended();
    if (is_last) atomic_store(&shared, NULL);
    pthread_mutex_unlock(&shared_mutex);
    if (is_last) ck_pool_destroy(pool);
}

static void make_client_key(void) {
    pthread_once(&fork_handled, handle_fork);
    have_key = pthread_key_create(&at_client_end, client_ends) == 0;
}

static void become_client(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_client_key);
    is_client = true;
    pthread_mutex_lock(&shared_mutex);
    clients++;
    pthread_mutex_unlock(&shared_mutex);
    if (have_key) pthread_setspecific(at_client_end, &shared);
}

// The thread that loads the library is a client, so that its end is seen even where other threads alone have called.
__attribute__((constructor)) static void begin_shared(void) { become_client(); }

int64_t ck_pool_spin_nanoseconds(int32_t lanes, const char *root) {
    const double quota = ck_cpu_quota(root);
    return quota > 0 && quota < lanes ? 0 : 100000;
}

ck_pool *ck_pool_shared(void) {
    if (__builtin_expect(!is_client, 0)) become_client();
    ck_pool *pool = atomic_load_explicit(&shared, memory_order_acquire);
    if (__builtin_expect(pool != NULL, 1)) return pool->workers ? pool : NULL;
    const int32_t lanes = ck_cpu_lanes(); // may end the process: not while the mutex is held
    const int64_t spin = ck_pool_spin_nanoseconds(lanes, "");
    pthread_mutex_lock(&shared_mutex);
    pool = atomic_load(&shared);
    if (!pool) {
        pool = create(&(ck_pool_options){.lanes = lanes, .spin_nanoseconds = spin}, true);
        atomic_store_explicit(&shared, pool, memory_order_release);
    }
    pthread_mutex_unlock(&shared_mutex);
    return pool && pool->workers ? pool : NULL;
}

// A library that is unloaded must not leave threads in its code, nor a key whose destructor is gone. Workers of regions that still run
// are left: the process ends.
__attribute__((destructor)) static void end_shared(void) {
    const bool had_key = have_key;
    have_key = false;
    if (had_key) pthread_key_delete(at_client_end);
    ck_pool *pool = atomic_load(&shared);
    if (pool && pool->generation == atomic_load(&process_generation)) end_workers(pool);
}
