// The pool of the process, the threads that use it, and what fork and unloading mean for it.
#define _GNU_SOURCE
#include "pool.h"

#include "ck_cpu.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>
#if defined(__linux__)
#include <sys/syscall.h>
#endif

// The shared pool, and the threads that use it: where the main thread has ended (pthread_exit) and the last of them
// ends, the workers end too, for a process ends with its last thread.

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
    atomic_fetch_add(&ck_pool_generation, 1);
    atomic_store(&shared, NULL);
    clients = ck_pool_is_client;
    main_ended = false;
    pthread_mutex_unlock(&shared_mutex);
}

static void handle_fork(void) { pthread_atfork(before_fork, in_parent, in_child); }

void ck_pool_handle_fork(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, handle_fork);
}

// A main thread that has ended stays a zombie until the process ends: the state in /proc/self/stat is the main
// thread's. One that is about to end has noted it before.
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

// Should the main thread live on after all, the next who asks gets a new pool. Whoever has a pointer to the pool is a
// client, or one of its own workers in a client's region or in a detached lane.
static void client_ends(void *unused) {
    (void)unused;
    ck_pool_is_client = false;
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
    ck_pool_handle_fork();
    have_key = pthread_key_create(&at_client_end, client_ends) == 0;
}

static void become_client(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_client_key);
    ck_pool_is_client = true;
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
    if (__builtin_expect(!ck_pool_is_client, 0)) become_client();
    ck_pool *pool = atomic_load_explicit(&shared, memory_order_acquire);
    if (__builtin_expect(pool != NULL, 1)) return pool->workers ? pool : NULL;
    const int32_t lanes = ck_cpu_lanes(); // may end the process: not while the mutex is held
    const int64_t spin = ck_pool_spin_nanoseconds(lanes, "");
    pthread_mutex_lock(&shared_mutex);
    pool = atomic_load(&shared);
    if (!pool) {
        pool = ck_pool_make(&(ck_pool_options){.lanes = lanes, .spin_nanoseconds = spin}, true);
        atomic_store_explicit(&shared, pool, memory_order_release);
    }
    pthread_mutex_unlock(&shared_mutex);
    return pool && pool->workers ? pool : NULL;
}

// A library that is unloaded must not leave threads in its code, nor a key whose destructor is gone. Workers of
// regions that still run are left: the process ends.
__attribute__((destructor)) static void end_shared(void) {
    const bool had_key = have_key;
    have_key = false;
    if (had_key) pthread_key_delete(at_client_end);
    ck_pool *pool = atomic_load(&shared);
    if (pool && is_of_this_process(pool)) ck_pool_end_workers(pool);
}
