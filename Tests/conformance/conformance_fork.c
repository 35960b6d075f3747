// A forked child gets a pool of its own, or runs alone; one that returns into its parent's region ends.
#define _GNU_SOURCE
#include "conformance_pool.h"

#include <pthread.h>
#include <sched.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// The status that a child ended with; not 0 where there was none.
static int status_of(pid_t child) {
    int status = 1;
    waitpid(child, &status, 0);
    return status;
}

// The child of a process that has a pool gets one of its own, or runs alone on the parent's; so does its child.
void test_fork(ck_pool *pool) {
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

void test_fork_inside(void) {
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
