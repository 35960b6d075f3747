// The pool of lanes: every lane runs once, whoever calls, nested, forked, with more lanes than processors; products on
// lanes have the bits of those on one thread. The limits that lanes obey.
#define _GNU_SOURCE
#include "conformance.h"

#include "ck_pool.h"

#include <dirent.h>
#include <fenv.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef __has_feature // of clang
#define __has_feature(x) 0
#endif
// Sanitizers keep freed memory for a while.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || __has_feature(address_sanitizer)
enum { FREED_MEMORY_STAYS = 1 };
#else
enum { FREED_MEMORY_STAYS = 0 };
#endif

enum { LANES = 8 };

static ck_pool *pool_of(int32_t lanes, int64_t spin) {
    return ck_pool_create(&(ck_pool_options){.lanes = lanes, .spin_nanoseconds = spin});
}

typedef struct tally {
    ck_pool *pool;
    _Atomic int32_t runs[LANES];
    _Atomic int32_t lanes, nested;
    bool yields;
} tally;

static void count_lane(void *context, int32_t lane, int32_t lanes) {
    tally *t = context;
    if (t->yields && (lane + t->lanes) % 3 == 0) sched_yield();
    atomic_fetch_add(&t->runs[lane], 1);
    atomic_store(&t->lanes, lanes);
}

static void test_regions(ck_pool *pool, int rounds, bool yields) {
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
static void test_product(ck_pool *pool, uint64_t seed, int32_t worker_lanes) {
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

// The status that a child ended with; not 0 where there was none.
static int status_of(pid_t child) {
    int status = 1;
    waitpid(child, &status, 0);
    return status;
}

// The child of a process that has a pool gets one of its own, or runs alone on the parent's; so does its child.
static void test_fork(ck_pool *pool) {
    if (getenv("CONFORMANCE_NO_FORK")) {
        printf("skipped fork: CONFORMANCE_NO_FORK is set\n");
        return;
    }
    // A child that only ever saw a private pool, and destroys its copy.
    const pid_t alone = fork();
    if (alone == 0) {
        alarm(5);
        tally t = {.pool = pool};
        const bool right = ck_pool_run(pool, LANES, count_lane, &t) == 1 && t.runs[0] == 1;
        ck_pool_destroy(pool);
        _exit(right ? 0 : 1);
    }
    const int alone_status = status_of(alone);
    check(alone_status == 0, "pool: the child with a private pool ended with %d", alone_status);
    tally warm = {.pool = pool};
    if (ck_pool_shared()) ck_pool_run(ck_pool_shared(), LANES, count_lane, &warm);
    const pid_t child = fork();
    if (child == 0) {
        alarm(5);
        tally t = {.pool = pool}, mine = {.pool = NULL};
        bool right = ck_pool_run(pool, LANES, count_lane, &t) == 1 && t.runs[0] == 1;
        const int32_t lanes = ck_pool_run(ck_pool_shared(), LANES, count_lane, &mine);
        right &= lanes == (ck_cpu_lanes() < LANES ? ck_cpu_lanes() : LANES) && mine.runs[lanes - 1] == 1;
        const pid_t grandchild = fork();
        if (grandchild == 0) {
            alarm(5);
            tally again = {.pool = NULL};
            _exit(ck_pool_run(ck_pool_shared(), LANES, count_lane, &again) == lanes ? 0 : 1);
        }
        _exit(right && status_of(grandchild) == 0 ? 0 : 1);
    }
    const int status = status_of(child);
    check(status == 0, "pool: the forked child ended with %d", status);
    test_regions(pool, 100, false);
}

// A child that returns from a lane ends with a message, whichever lane forked.
static void fork_on_lane(void *context, int32_t lane, int32_t lanes) {
    int *const of = context;
    if (lanes > 1 && lane == of[0]) {
        const pid_t child = fork();
        if (child == 0) {
            alarm(5);
            close(2); // it says why, which is meant for a program's author
            return;
        }
        of[1] = status_of(child);
    }
}

// Of gemm_tile.h, which is the kernels' own.
char *ck_gemm_borrow_reserve(void);
void ck_gemm_return_reserve(void);

static _Atomic bool has_reserve;
static void *hold_reserve(void *nothing) {
    (void)nothing;
    ck_gemm_borrow_reserve();
    has_reserve = true;
    const struct timespec pause = {0, 50000000};
    nanosleep(&pause, NULL);
    ck_gemm_return_reserve();
    return NULL;
}

static void test_fork_inside(void) {
    if (getenv("CONFORMANCE_NO_FORK")) return;
    ck_pool *pool = pool_of(2, 1000000);
    for (int lane = 0; lane < 2; lane++) {
        int of[2] = {lane, -1};
        for (int try = 0; try < 100 && of[1] < 0; try++) ck_pool_run(pool, 2, fork_on_lane, of);
        check(of[1] >= 0 && WIFEXITED(of[1]) && WEXITSTATUS(of[1]) == 1,
              "pool: a child that returned from lane %d ended with %d", lane, of[1]);
    }
    ck_pool_destroy(pool);
    // The child is forked while another thread has the reserve for products that find no memory.
    pthread_t holder;
    check(pthread_create(&holder, NULL, hold_reserve, NULL) == 0, "pool: a thread");
    while (!has_reserve) sched_yield();
    const pid_t child = fork();
    if (child == 0) {
        alarm(5);
        ck_gemm_borrow_reserve();
        ck_gemm_return_reserve();
        _exit(0);
    }
    const int status = status_of(child);
    check(status == 0, "pool: a child forked while the reserve was taken ended with %d", status);
    pthread_join(holder, NULL);
}

static void write_text(const char *root, const char *path, const char *text) {
    char full[512], *slash;
    snprintf(full, sizeof full, "%s%s", root, path);
    for (slash = strchr(full + strlen(root) + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        mkdir(full, 0700);
        *slash = '/';
    }
    FILE *file = fopen(full, "w");
    fputs(text, file);
    fclose(file);
}

static void test_limits(void) {
    char message[256] = "";
    check(ck_cpu_lanes_from(NULL, 12, 6, 0, message, sizeof message) == 6,
          "limits: cores, not their hardware threads");
    check(ck_cpu_lanes_from("", 12, 6, 2.5, message, sizeof message) == 3, "limits: quota, rounded up");
    check(ck_cpu_lanes_from("2", 12, 6, 2.5, message, sizeof message) == 2, "limits: wish");
    check(ck_cpu_lanes_from("40", 12, 6, 0, message, sizeof message) == 12, "limits: a wish beyond the mask");
    check(ck_cpu_lanes_from(NULL, 12, 6, 0.3, message, sizeof message) == 1, "limits: less than one processor");
    const char *bad[] = {"0", "-1", "two", "3x", "99999999999999999999"};
    for (int i = 0; i < 5; i++)
        check(ck_cpu_lanes_from(bad[i], 12, 6, 0, message, sizeof message) == -1 && strstr(message, bad[i]),
              "limits: LANES_NUM_THREADS=%s", bad[i]);
    check(ck_cpu_mask_count() >= 1, "limits: an empty mask");

    char root[] = "/tmp/conformance-XXXXXX";
    if (!mkdtemp(root)) return;
    // The first two processors of the mask are threads of one core.
    const int32_t processors = ck_cpu_mask_count();
    check(ck_cpu_core_count(root) == processors, "cores: a system that says nothing");
    cpu_set_t mask;
    if (!sched_getaffinity(0, sizeof mask, &mask) && processors >= 2) {
        int pair[2], found = 0;
        for (int i = 0; i < CPU_SETSIZE && found < 2; i++)
            if (CPU_ISSET(i, &mask)) pair[found++] = i;
        for (int i = 0; i < 2; i++) {
            char path[128], list[64];
            snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", pair[i]);
            snprintf(list, sizeof list, pair[1] == pair[0] + 1 ? "%d-%d\n" : "%d,%d\n", pair[0], pair[1]);
            write_text(root, path, list);
        }
        check(ck_cpu_core_count(root) == processors - 1, "cores: two threads of one");
    }
    check(ck_cpu_quota(root) == 0, "quota: no control groups");
    write_text(root, "/proc/self/cgroup", "0::/a/b\n");
    write_text(root, "/sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
    check(ck_cpu_quota(root) == 0, "quota: none in version 2");
    write_text(root, "/sys/fs/cgroup/a/cpu.max", "150000 100000\n");
    check(ck_cpu_quota(root) == 1.5, "quota: of the group above");
    write_text(root, "/sys/fs/cgroup/a/b/cpu.max", "50000 100000\n");
    check(ck_cpu_quota(root) == 0.5, "quota: the least");
    check(ck_pool_spin_nanoseconds(1, root) == 0, "spin: workers would use up half a processor");
    write_text(root, "/sys/fs/cgroup/a/b/cpu.max", "200000 100000\n");
    check(ck_pool_spin_nanoseconds(2, root) == 0, "spin: of the group above, 1.5 for 2 lanes");
    write_text(root, "/sys/fs/cgroup/a/cpu.max", "200000 100000\n");
    check(ck_pool_spin_nanoseconds(2, root) == 100000, "spin: a processor for each lane");
    write_text(root, "/proc/self/cgroup", "5:memory:/x\n4:cpu,cpuacct:/y\n");
    check(ck_cpu_quota(root) == 0, "quota: no file of version 1");
    write_text(root, "/sys/fs/cgroup/cpu,cpuacct/y/cpu.cfs_quota_us", "-1\n");
    write_text(root, "/sys/fs/cgroup/cpu,cpuacct/y/cpu.cfs_period_us", "100000\n");
    check(ck_cpu_quota(root) == 0, "quota: none in version 1");
    write_text(root, "/sys/fs/cgroup/cpu,cpuacct/y/cpu.cfs_quota_us", "250000\n");
    check(ck_cpu_quota(root) == 2.5, "quota: version 1");
    char command[600];
    snprintf(command, sizeof command, "rm -rf '%s'", root);
    if (system(command)) printf("left %s\n", root);
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

// Seconds of one product on a pool, the mean over about `seconds`.
static double product_seconds(ck_pool *pool, const ck_gemm_problem *p, double seconds) {
    struct timespec begin, end;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    double elapsed;
    int64_t count = 0;
    do {
        ck_gemm_parallel(pool, ck_gemm_f32(), p);
        count++;
        clock_gettime(CLOCK_MONOTONIC, &end);
        elapsed = (double)(end.tv_sec - begin.tv_sec) + 1e-9 * (double)(end.tv_nsec - begin.tv_nsec);
    } while (elapsed < seconds);
    return elapsed / (double)count;
}

// Seconds of the product beside so many processes that keep processors busy.
static double seconds_beside(int hogs, ck_pool *pool, const ck_gemm_problem *p) {
    pid_t hog[8];
    for (int i = 0; i < hogs; i++) {
        hog[i] = fork();
        check(hog[i] >= 0, "pool: no process for hog %d", i);
        if (hog[i] == 0)
            for (volatile uint64_t n = 0;; n++) {}
    }
    const double seconds = product_seconds(pool, p, 3);
    for (int i = 0; i < hogs; i++)
        if (hog[i] > 0) kill(hog[i], SIGKILL), waitpid(hog[i], NULL, 0);
    return seconds;
}

// Gives every thread of the process a mask, as taskset -ap does. Returns how many there were; `ids` has room for 64.
static int confine(const cpu_set_t *mask, pid_t ids[64]) {
    int count = 0;
    DIR *tasks = opendir("/proc/self/task");
    for (struct dirent *entry; tasks && (entry = readdir(tasks)) && count < 64;)
        if (entry->d_name[0] != '.') ids[count++] = (pid_t)atoi(entry->d_name);
    if (tasks) closedir(tasks);
    for (int i = 0; i < count; i++) sched_setaffinity(ids[i], sizeof *mask, mask);
    return count;
}

// Makes a pool, so that its worker's mask is set after the caller's, and uses it until it is told to stop.
static void *multiply_and_pause(void *argument) {
    enum { SIDE = 128 };
    _Atomic bool *stops = argument;
    ck_pool *pool = pool_of(2, 100000);
    float *numbers = calloc(3 * SIDE * SIDE, sizeof *numbers);
    const ck_gemm_problem p = {.m = SIDE,
                               .n = SIDE,
                               .k = SIDE,
                               .a = numbers,
                               .lda = SIDE,
                               .b = numbers + SIDE * SIDE,
                               .ldb = SIDE,
                               .c = numbers + 2 * SIDE * SIDE,
                               .ldc = SIDE,
                               .alpha.f32 = 1};
    while (!atomic_load(stops)) {
        for (int i = 0; i < 40; i++) ck_gemm_parallel(pool, ck_gemm_f32(), &p);
        usleep(150); // workers go to sleep and are woken again
    }
    free(numbers);
    ck_pool_destroy(pool);
    return NULL;
}

// A mask that somebody gives to the threads of the process stays: workers that find a way off their caller's processor
// do not undo it.
static void test_masks(void) {
    enum { ROUNDS = 300, BOTH = 2 };
    cpu_set_t all;
    int processors[BOTH], count = 0;
    if (sched_getaffinity(0, sizeof all, &all)) return;
    for (int cpu = 0; cpu < CPU_SETSIZE && count < BOTH; cpu++)
        if (CPU_ISSET(cpu, &all)) processors[count++] = cpu;
    if (count < BOTH) return;
    _Atomic bool stops = false;
    pthread_t thread;
    if (pthread_create(&thread, NULL, multiply_and_pause, &stops)) return;
    int undone = 0;
    usleep(20000);
    for (int round = 0; round < ROUNDS; round++) {
        cpu_set_t one, now;
        pid_t ids[64];
        CPU_ZERO(&one);
        CPU_SET(processors[round % BOTH], &one);
        const int threads = confine(&one, ids);
        usleep(3000);
        for (int i = 0; i < threads; i++)
            undone += !sched_getaffinity(ids[i], sizeof now, &now) && !CPU_EQUAL(&now, &one);
        confine(&all, ids);
        usleep(3000);
    }
    check(undone == 0, "pool: a mask given from outside was undone %d times in %d rounds", undone, ROUNDS);
    atomic_store(&stops, true);
    pthread_join(thread, NULL);
}

// Confined to one processor after the pool began, a small product takes little longer on lanes than on one.
static void test_confined(void) {
    enum { SIDE = 64 };
    cpu_set_t all, one;
    pid_t ids[64];
    if (sched_getaffinity(0, sizeof all, &all) || CPU_COUNT(&all) < 2) return;
    ck_pool *pool = pool_of(2, 100000);
    float *numbers = calloc(3 * SIDE * SIDE, sizeof *numbers);
    const ck_gemm_problem p = {.m = SIDE,
                               .n = SIDE,
                               .k = SIDE,
                               .a = numbers,
                               .lda = SIDE,
                               .b = numbers + SIDE * SIDE,
                               .ldb = SIDE,
                               .c = numbers + 2 * SIDE * SIDE,
                               .ldc = SIDE,
                               .alpha.f32 = 1};
    double worst = 0;
    for (int round = 0; round < 8; round++) { // it depends on what the worker does at that moment
        product_seconds(pool, &p, 0.05);
        CPU_ZERO(&one);
        CPU_SET(sched_getcpu(), &one);
        confine(&one, ids);
        const double alone = product_seconds(NULL, &p, 0.05), shared = product_seconds(pool, &p, 0.05);
        confine(&all, ids);
        if (shared / alone > worst) worst = shared / alone;
    }
    printf("64^3 confined to one processor: on a pool of two lanes at most %.2f times the time of one lane\n", worst);
    check(worst < 2, "pool: 64^3 confined to one processor takes %.2f times the time of one lane", worst);
    free(numbers);
    ck_pool_destroy(pool);
}

void test_pool_beside_hogs(void) {
    enum { SIDE = 512, HOGS = 4 };
    test_confined();
    const int32_t lanes = ck_cpu_lanes();
    ck_pool *pool = pool_of(lanes, 100000);
    float *numbers = calloc(3 * SIDE * SIDE, sizeof *numbers);
    const ck_gemm_problem p = {.m = SIDE,
                               .n = SIDE,
                               .k = SIDE,
                               .a = numbers,
                               .lda = SIDE,
                               .b = numbers + SIDE * SIDE,
                               .ldb = SIDE,
                               .c = numbers + 2 * SIDE * SIDE,
                               .ldc = SIDE,
                               .alpha.f32 = 1};
    product_seconds(pool, &p, 0.2);
    const double alone = product_seconds(pool, &p, 0.5);
    const double one = seconds_beside(1, pool, &p), four = seconds_beside(HOGS, pool, &p);
    // Each lane's fair share is its part of the threads that want a processor.
    const double fair = alone * (lanes + HOGS) / lanes;
    printf("512^3 on %d lanes: %.2f of its speed beside one hog; beside %d, %.2f of the time of a fair share\n", lanes,
           alone / one, HOGS, four / fair);
    check(one < 2 * alone, "pool: %g s beside one hog, %g s alone", one, alone);
    check(four < 2 * fair, "pool: %g s beside hogs, the fair share would take %g s", four, fair);
    free(numbers);
    ck_pool_destroy(pool);
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
    ck_gemm_problem p = {.m = SIDE,
                         .n = SIDE,
                         .k = SIDE,
                         .a = numbers,
                         .lda = SIDE,
                         .b = numbers + SIDE * SIDE,
                         .ldb = SIDE,
                         .c = numbers + 2 * SIDE * SIDE,
                         .ldc = SIDE,
                         .alpha.f32 = 1};
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

enum { DETACHED = 70, FIRST = 3 }; // more than one word of the list of free workers has bits
static _Atomic int32_t detached_runs[DETACHED];
static _Atomic bool detached_wait;

static void wait_detached(void *context, int32_t lane, int32_t lanes) {
    (void)context, (void)lane, (void)lanes;
    while (atomic_load(&detached_wait)) usleep(100);
}

static void run_detached(void *context, int32_t lane, int32_t lanes) {
    wait_detached(context, lane, lanes);
    atomic_fetch_add(&detached_runs[lane + *(const int32_t *)context], 1);
}

// Lanes that nobody joins: each runs once, its worker is free again afterwards, and a pool that ends waits for them.
static void test_detached(void) {
    static const int32_t from_first = 0, from_rest = FIRST;
    int32_t wanted = 0;
    for (int32_t round = 0; round < 20; round++, wanted++) {
        ck_pool *pool = pool_of(DETACHED + 1, round % 2 ? 20000 : 0);
        atomic_store(&detached_wait, true);
        const int32_t first = ck_pool_detach(pool, FIRST, run_detached, (void *)&from_first);
        const int32_t rest = ck_pool_detach(pool, CK_POOL_LANES_MAX, run_detached, (void *)&from_rest);
        check(first == FIRST && rest == DETACHED - FIRST, "pool: %d and %d detached lanes, %d and %d wanted", first,
              rest, FIRST, DETACHED - FIRST);
        check(ck_pool_detach(pool, 1, run_detached, (void *)&from_first) == 0,
              "pool: a detached lane without a free worker");
        tally t = {.pool = pool};
        check(ck_pool_run(pool, 2, count_lane, &t) == 1, "pool: a region of two lanes while all workers are detached");
        atomic_store(&detached_wait, false);
        if (round % 4 == 0) {
            for (int32_t lane = 0; lane < DETACHED; lane++) // the alarm is the limit, here and below
                while (atomic_load(&detached_runs[lane]) <= wanted) usleep(100);
            atomic_store(&detached_wait, true);
            int32_t free_again = 0;
            while (free_again < DETACHED) {
                free_again += ck_pool_detach(pool, CK_POOL_LANES_MAX, wait_detached, NULL);
                usleep(100);
            }
            check(free_again == DETACHED, "pool: %d workers came free after %d detached lanes", free_again, DETACHED);
            atomic_store(&detached_wait, false);
        }
        ck_pool_destroy(pool);
        for (int32_t lane = 0; lane < DETACHED; lane++)
            check(detached_runs[lane] == wanted + 1, "pool: detached lane %d ran %d times, %d wanted", lane,
                  detached_runs[lane], wanted + 1);
    }
    check(ck_pool_detach(NULL, 1, run_detached, NULL) == 0, "pool: a detached lane without a pool");
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
