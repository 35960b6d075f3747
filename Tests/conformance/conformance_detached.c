// Lanes that nobody joins.
#include "conformance_pool.h"

#include <unistd.h>

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
void test_detached(void) {
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
