// The pool of lanes: every lane runs once, whoever calls, nested, forked, with more lanes than processors; products on
// lanes have the bits of those on one thread.
#define _GNU_SOURCE
#include "conformance_pool.h"

#include <fenv.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

// Sanitizers keep freed memory for a while.
#if defined(__SANITIZE_THREAD__)
enum { FREED_MEMORY_STAYS = 1 };
#else
enum { FREED_MEMORY_STAYS = SANITIZES_ADDRESSES };
#endif

ck_pool *pool_of(int32_t lanes, int64_t spin) {
    return ck_pool_create(&(ck_pool_options){.lanes = lanes, .spin_nanoseconds = spin});
}

void count_lane(void *context, int32_t lane, int32_t lanes) {
    tally *t = context;
    if (t->yields && (lane + t->lanes) % 3 == 0) sched_yield();
    atomic_fetch_add(&t->runs[lane], 1);
    atomic_store(&t->lanes, lanes);
}

void test_regions(ck_pool *pool, int rounds, bool yields) {
    for (int round = 0; round < rounds; round++) {
        tally t = {.pool = pool, .yields = yields && round % 16 == 0};
        const int32_t most = 1 + round % LANES;
        const int32_t lanes = round % 5 == 4 ? ck_pool_run_if_awake(pool, most, count_lane, &t)
                                             : ck_pool_run(pool, most, count_lane, &t);
        bool right = lanes <= most && lanes == t.lanes;
        for (int32_t lane = 0; lane < LANES; lane++) right &= t.runs[lane] == (lane < lanes);
        if (!right) {
            check(false, "pool: region %d of %d lanes, %d wanted", round, lanes, most);
            return;
        }
        if (yields && round % 4096 == 0) { // let the workers fall asleep
            const struct timespec pause = {0, 1000000};
            nanosleep(&pause, NULL);
        }
    }
    check(true, "pool: regions");
}

static void nest(void *context, int32_t lane, int32_t lanes) {
    (void)lanes;
    tally *t = context, inner = {.pool = t->pool};
    if (ck_pool_inside() && ck_pool_run(t->pool, LANES, count_lane, &inner) == 1 && inner.runs[0] == 1)
        atomic_fetch_add(&t->nested, 1);
    atomic_fetch_add(&t->runs[lane], 1);
}

typedef struct rounding {
    _Atomic int32_t right;
} rounding;

static void look_at_rounding(void *context, int32_t lane, int32_t lanes) {
    (void)lane, (void)lanes;
    volatile float one = 1, tiny = 0x1p-30f; // fegetround() may ask a unit that the kernels do not use
    if (one + tiny > 1) atomic_fetch_add(&((rounding *)context)->right, 1);
}

// Lanes round as the caller does, and the worker's next lane as its caller.
static void test_rounding(ck_pool *pool) {
    rounding upward = {0}, nearest = {0};
    fesetround(FE_UPWARD);
    const int32_t lanes = ck_pool_run(pool, LANES, look_at_rounding, &upward);
    fesetround(FE_TONEAREST);
    ck_pool_run(pool, LANES, look_at_rounding, &nearest);
    check(upward.right == lanes && nearest.right == 0, "pool: %d of %d lanes rounded upward, then %d", upward.right,
          lanes, nearest.right);
}

static void test_nested(ck_pool *pool) {
    tally t = {.pool = pool};
    const int32_t lanes = ck_pool_run(pool, LANES, nest, &t);
    check(t.nested == lanes && !ck_pool_inside(), "pool: %d of %d nested regions ran alone", t.nested, lanes);
}

static pthread_mutex_t checks = PTHREAD_MUTEX_INITIALIZER; // clients check at the same time

// One random product on one thread and on lanes.
void test_product(ck_pool *pool, uint64_t seed, int32_t worker_lanes) {
    uint64_t state = seed;
    const bool f64 = state & 1;
    const int64_t element = f64 ? 8 : 4;
    int64_t size[3];
    for (int i = 0; i < 3; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        size[i] = (i < 2 || state >> 60) + (int64_t)(state >> 33) % ((state >> 20) % 4 == 0 ? 9 : 150);
    }
    state = state * 6364136223846793005u + 1442695040888963407u;
    const uint32_t bits = (uint32_t)(state >> 33);
    const int64_t m = size[0], n = size[1], k = size[2], pad = bits >> 8 & 3;
    ck_gemm_problem p = {.m = m,
                         .n = n,
                         .k = k,
                         .transpose_a = bits & 1,
                         .transpose_b = bits >> 1 & 1,
                         .relu = bits >> 2 & 1,
                         .bias_kind = (ck_bias)((bits >> 3) % 3)};
    p.lda = (p.transpose_a ? m : k) + pad;
    p.ldb = (p.transpose_b ? k : n) + pad;
    p.ldc = n + pad;
    const int64_t a = (p.transpose_a ? k : m) * p.lda, b = (p.transpose_b ? n : k) * p.ldb, c = m * p.ldc,
                  bias = m > n ? m : n;
    char *memory = malloc((size_t)((a + b + 2 * c + bias) * element)), *at = memory;
    for (int64_t i = 0; i < a + b + c + bias; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        const double x = (double)(int32_t)(state >> 32) / 2147483648.0;
        if (f64)
            ((double *)memory)[i] = x;
        else
            ((float *)memory)[i] = (float)x;
    }
    p.a = at, at += a * element;
    p.b = at, at += b * element;
    p.bias = at, at += bias * element;
    char *one = at, *many = at + c * element;
    memcpy(many, one, (size_t)(c * element));
    const ck_gemm_kernels *kernels = f64 ? ck_gemm_f64() : ck_gemm_f32();
    if (f64)
        p.alpha.f64 = 0.5, p.beta.f64 = bits >> 6 & 1;
    else
        p.alpha.f32 = 0.5f, p.beta.f32 = bits >> 6 & 1;
    char *packed = NULL;
    if (bits >> 7 & 1) {
        packed = aligned_alloc(64, (size_t)(ck_gemm_packed_b_size(kernels, n, k) + 63) / 64 * 64);
        ck_gemm_pack_b(kernels, p.transpose_b, n, k, p.b, p.ldb, packed);
        p.packed_b = packed;
    }
    p.c = one;
    ck_gemm(kernels, &p);
    p.c = many;
    ck_gemm_parallel(pool, kernels, &p);
    const bool same = memcmp(one, many, (size_t)(c * element)) == 0;
    pthread_mutex_lock(&checks);
    check(same, "%d lanes, %s: m %ld n %ld k %ld ta %d tb %d packed %d", worker_lanes, f64 ? "f64" : "f32", (long)m,
          (long)n, (long)k, p.transpose_a, p.transpose_b, packed != NULL);
    pthread_mutex_unlock(&checks);
    free(packed);
    free(memory);
}

// A product without steps, long enough for all lanes.
static void test_product_without_steps(ck_pool *pool) {
    enum { M = 70000, N = 16 };
    float *c = malloc(sizeof *c * M * N);
    for (int64_t i = 0; i < M * N; i++) c[i] = (float)i;
    ck_gemm_parallel(pool, ck_gemm_f32(),
                     &(ck_gemm_problem){.m = M,
                                        .n = N,
                                        .k = 0,
                                        .a = c,
                                        .lda = 1,
                                        .b = c,
                                        .ldb = N,
                                        .c = c,
                                        .ldc = N,
                                        .alpha.f32 = 1,
                                        .beta.f32 = 0.5f});
    bool right = true;
    for (int64_t i = 0; i < M * N; i++) right &= c[i] == 0.5f * (float)i;
    check(right, "pool: a product without steps is not beta * C");
    free(c);
}

typedef struct client {
    ck_pool *pool;
    int32_t number;
    int products;
} client;

static void *call_often(void *argument) {
    const client *c = argument;
    for (int i = 0; i < c->products; i++) {
        tally t = {.pool = c->pool};
        const int32_t lanes = ck_pool_run(c->pool, LANES, count_lane, &t);
        bool right = lanes == t.lanes;
        for (int32_t lane = 0; lane < LANES; lane++) right &= t.runs[lane] == (lane < lanes);
        pthread_mutex_lock(&checks);
        check(right, "client %d: region of %d lanes", c->number, lanes);
        pthread_mutex_unlock(&checks);
        if (i % 10 == 0) test_product(c->pool, (uint64_t)(i * 64 + c->number), ck_pool_lanes(c->pool));
    }
    return NULL;
}

static void test_clients(ck_pool *pool, int products) {
    enum { CLIENTS = 6 };
    pthread_t threads[CLIENTS];
    client clients[CLIENTS];
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = (client){pool, i, products};
        pthread_create(&threads[i], NULL, call_often, &clients[i]);
    }
    for (int i = 0; i < CLIENTS; i++) pthread_join(threads[i], NULL);
}

static double processor_seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

// A caller with a small stack: 64 KiB.
static void *call_product(void *pool) {
    for (uint64_t seed = 0; seed < 20; seed++) test_product(pool, seed, 77);
    return NULL;
}

static void test_small_stack(ck_pool *pool) {
    pthread_attr_t attributes;
    pthread_t thread;
    pthread_attr_init(&attributes);
#if defined(__SANITIZE_THREAD__) || !defined(__OPTIMIZE__) // frames are larger
    const size_t size = 1 << 20;
#else
    const long least = sysconf(_SC_THREAD_STACK_MIN); // 128 KiB on arm64
    const size_t size = least > 64 << 10 ? (size_t)least : 64 << 10;
#endif
    check(pthread_attr_setstacksize(&attributes, size) == 0, "pool: a small stack");
    if (pthread_create(&thread, &attributes, call_product, pool) == 0) pthread_join(thread, NULL);
    pthread_attr_destroy(&attributes);
}

void test_pool_without_threads(void) {
    ck_pool *pool = pool_of(LANES, 100000);
    check(ck_pool_lanes(pool) < LANES, "pool: %d lanes, though the system should give fewer threads",
          ck_pool_lanes(pool));
    test_regions(pool, 1000, false);
    for (uint64_t seed = 0; seed < 50; seed++) test_product(pool, seed, 9);
    ck_pool_destroy(pool);
}

enum { CROWD = 150 };
static _Atomic int crowd_seen[CROWD];
static void see_lane(void *context, int32_t lane, int32_t lanes) {
    (void)context, (void)lanes;
    atomic_fetch_add(&crowd_seen[lane], 1);
}

typedef struct signal_look {
    pthread_t caller;
    _Atomic int32_t workers, wrong;
} signal_look;

static void look_at_signals(void *context, int32_t lane, int32_t lanes) {
    signal_look *look = context;
    sigset_t blocked;
    (void)lane, (void)lanes;
    if (pthread_equal(look->caller, pthread_self()) || pthread_sigmask(SIG_SETMASK, NULL, &blocked)) return;
    look->workers++;
    look->wrong +=
        !sigismember(&blocked, SIGTERM) || !sigismember(&blocked, SIGUSR1) || !sigismember(&blocked, SIGCHLD);
    look->wrong += sigismember(&blocked, SIGSEGV) || sigismember(&blocked, SIGFPE);
}

// The program's signals do not come to workers, faults of their own do; the caller's mask is as it was.
static void test_signals(void) {
    sigset_t before, after;
    signal_look look = {.caller = pthread_self()};
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    ck_pool *pool = pool_of(3, 100000);
    while (look.workers < 20) ck_pool_detach(pool, 2, look_at_signals, &look); // the alarm is the limit
    ck_pool_destroy(pool);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    check(look.wrong == 0, "pool: signals of the program are not blocked in workers, or faults are, %d times",
          look.wrong);
    check(sigismember(&before, SIGTERM) == sigismember(&after, SIGTERM),
          "pool: the caller's signals were left blocked");
}

static long resident_pages(void) {
    long size = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file && fscanf(file, "%ld %ld", &size, &resident) != 2) resident = 0;
    if (file) fclose(file);
    return resident;
}

static void *pack_once(void *problem) {
    ck_gemm(ck_gemm_f32(), problem);
    return NULL;
}

// The packing memory of threads that have ended is free.
static void test_packing_memory_ends(void) {
    enum { SIDE = 512, THREADS = 150 };
    float *numbers = calloc(3 * SIDE * SIDE, sizeof *numbers);
    ck_gemm_problem p = square_problem(SIDE, numbers);
    long before = 0;
    for (int i = 0; i < THREADS; i++) {
        pthread_t thread;
        if (i == 10) before = resident_pages();
        if (pthread_create(&thread, NULL, pack_once, &p) == 0) pthread_join(thread, NULL);
    }
    const long grown = (resident_pages() - before) * sysconf(_SC_PAGESIZE) >> 20;
    check(grown < 40, "packing memory: %ld MiB are left of %d threads that have ended", grown, THREADS);
    free(numbers);
}

// More lanes than one word of the pool's list of free workers has bits: each runs once in each region.
static void test_crowd(void) {
    ck_pool *pool = pool_of(CROWD, 0);
    check(ck_pool_lanes(pool) == CROWD, "pool: %d lanes, %d wanted", ck_pool_lanes(pool), CROWD);
    int32_t runs[CROWD + 1] = {0};
    for (int32_t round = 0; round < 20; round++) runs[ck_pool_run(pool, CROWD - round % 3, see_lane, NULL)]++;
    int32_t wanted = 0;
    for (int32_t lane = CROWD - 1; lane >= 0; lane--) {
        wanted += runs[lane + 1];
        check(crowd_seen[lane] == wanted, "pool of %d lanes: lane %d ran %d times, %d wanted", CROWD, lane,
              crowd_seen[lane], wanted);
    }
    check(runs[CROWD] + runs[CROWD - 1] + runs[CROWD - 2] == 20, "pool of %d lanes: some regions had fewer", CROWD);
    ck_pool_destroy(pool);
}

void test_pool(int regions) {
    alarm(300); // a lost wake-up would wait for ever
    test_limits();
    for (int32_t lanes = 1; lanes <= LANES; lanes++) {
        ck_pool *pool = pool_of(lanes, lanes % 3 ? 20000 : 0);
        check(ck_pool_lanes(pool) == lanes, "pool: %d lanes, %d wanted", ck_pool_lanes(pool), lanes);
        test_regions(pool, regions / (lanes > 2 ? 20 : 1), true);
        test_nested(pool);
        test_rounding(pool);
        for (int i = 0; i < 150; i++) test_product(pool, (uint64_t)(i * 8 + lanes), lanes);
        if (lanes % 3 == 0) test_clients(pool, 500);
        if (lanes % 4 == 0) test_small_stack(pool);
        test_product_without_steps(pool);
        ck_pool_destroy(pool);
    }
    ck_pool *many = pool_of(3 * LANES, 0); // parts in a grid
    for (uint64_t seed = 0; seed < 200; seed++) test_product(many, seed, 3 * LANES);
    ck_pool_destroy(many);
    test_crowd();
    test_masks();
    test_detached();
    test_signals();
    if (!FREED_MEMORY_STAYS) test_packing_memory_ends();
    ck_pool *pool = pool_of(4, 100000);
    tally t = {.pool = pool};
    ck_pool_run(pool, 4, count_lane, &t);
    const struct timespec half = {0, 500000000};
    const double before = processor_seconds();
    nanosleep(&half, NULL);
    check(processor_seconds() - before < 0.005, "pool: an idle pool used %g s of half a second",
          processor_seconds() - before);
    test_fork(pool);
    test_fork_inside();
    ck_pool_destroy(pool);
    ck_pool_destroy(NULL);
    alarm(0);
}
