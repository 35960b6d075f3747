// Making a pool and ending it.
#define _GNU_SOURCE
#include "pool.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

_Thread_local bool ck_pool_is_inside, ck_pool_is_client;
_Atomic uint32_t ck_pool_generation;

bool ck_pool_inside(void) { return ck_pool_is_inside; }

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
    return pthread_create(&w->thread, NULL, ck_pool_work, w) == 0;
}

ck_pool *ck_pool_make(const ck_pool_options *options, bool is_shared) {
    ck_pool_handle_fork();
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
    pool->generation = atomic_load(&ck_pool_generation);
    // Signals are the program's: workers take none but those of their own faults, which end a thread that blocks them.
    sigset_t all, before;
    sigfillset(&all);
    const int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS};
    for (int i = 0; i < 6; i++) sigdelset(&all, faults[i]);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (pool->workers < wanted && start_worker(pool, pool->workers)) pool->workers++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (pool->workers < wanted)
        fprintf(stderr, "swift-lanes: the system gave %d of %d threads; going on with %d lanes\n", pool->workers,
                wanted, pool->workers + 1);
    for (int32_t i = 0; i < pool->workers; i++) pool->free[i / WORD_BITS] |= (uint64_t)1 << i % WORD_BITS;
    return pool;
}

ck_pool *ck_pool_create(const ck_pool_options *options) { return ck_pool_make(options, false); }

void ck_pool_destroy(ck_pool *pool) {
    if (!pool) return;
    if (is_of_this_process(pool)) {
        const struct timespec moment = {0, 50000};
        while (atomic_load(&pool->detached)) nanosleep(&moment, NULL);
        if (!ck_pool_end_workers(pool)) {
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
