// A worker: where it runs, how it looks for work, how it sleeps, and what it does with a lane.
#define _GNU_SOURCE
#include "pool.h"

#include <stdio.h>
#include <unistd.h>

static inline void publish_processor(worker *w) {
    const int32_t processor = this_processor();
    if (processor != atomic_load_explicit(&w->processor, memory_order_relaxed))
        atomic_store_explicit(&w->processor, processor, memory_order_relaxed);
}

static inline bool is_behind_caller(const worker *w) {
    return is_on(w, atomic_load_explicit(&w->caller_processor, memory_order_relaxed));
}

// Processor time of the calling thread; negative where the system does not say.
static int64_t worked(void) {
    struct timespec t;
    return clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) ? -1 : (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

// Where the scheduler has put the worker on its leaseholder's processor, one of the two waits for the other. The
// worker stays runnable, which is what makes a scheduler move it to an idle processor, and lets the leaseholder have
// this one. No affinity mask is written: a mask belongs to whoever set it, and one that is read, narrowed and restored
// undoes what somebody else sets meanwhile. Returns the ticket, or an odd number once the worker is elsewhere or its
// own processor time is used up.
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
            // A time slice that ends in the middle of a lane keeps the caller waiting for the slice of whoever comes
            // next. Given up between lanes it costs nothing: the caller takes this worker's lanes back meanwhile.
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
    // Either this thread sees the ticket below, or the caller sees it asleep: both sides write first and then read, in
    // one order.
    atomic_store(&w->asleep, true);
    uint32_t start;
    while ((start = atomic_load(&w->start)) % 2 && atomic_load(&w->asleep)) pthread_cond_wait(&w->posted, &w->mutex);
    atomic_store(&w->asleep, false);
    pthread_mutex_unlock(&w->mutex);
    publish_processor(w);
    // Woken on its leaseholder's processor: a lane that both would do in turns there is done sooner by the leaseholder
    // alone.
    if (start % 2 == 0 && is_behind_caller(w)) {
        give_way();
        publish_processor(w);
        start = atomic_load(&w->start);
    }
    return start; // odd where ck_pool_wake woke it: the caller of this function looks again
}

// A task that forked, on whichever lane: in the child there is nobody to wait for or to be waited for by, and half of
// the work is missing.
void ck_pool_stop_forked_child(const ck_pool *pool) {
    if (__builtin_expect(is_of_this_process(pool), 1)) return;
    fprintf(stderr,
            "swift-lanes: a forked child returned into a parallel region; inside one, fork only to exec or _exit\n");
    _exit(1);
}

void *ck_pool_work(void *argument) {
    worker *w = argument;
    ck_pool_is_inside = true;
    ck_pool_is_client = w->pool->is_shared; // uncounted: its own workers do not keep the shared pool alive
    if (w->pool->on_start) w->pool->on_start(w->pool->start_context, w->number);
    for (;;) {
        uint32_t ticket = wait_for_work(w);
        if (ticket % 2 || !atomic_compare_exchange_strong(&w->start, &ticket, ticket + 1)) continue;
        if (!w->task) return NULL;
        publish_processor(w);
        const bool detached = w->detached;
        set_float_environment(w->float_environment);
        w->task(w->context, w->lane, w->lanes);
        ck_pool_stop_forked_child(w->pool);
        atomic_exchange(&w->done, ticket);
        if (detached) {
            const int32_t index = w->number - 1;
            atomic_fetch_or_explicit(&w->pool->free[index / WORD_BITS], (uint64_t)1 << index % WORD_BITS,
                                     memory_order_release);
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
