// Where workers run: masks given from outside stay, and what one processor or busy neighbours cost.
#define _GNU_SOURCE
#include "conformance_pool.h"

#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

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
    const ck_gemm_problem p = square_problem(SIDE, numbers);
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
void test_masks(void) {
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
    const ck_gemm_problem p = square_problem(SIDE, numbers);
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
    const ck_gemm_problem p = square_problem(SIDE, numbers);
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
