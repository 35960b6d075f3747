// What threads do to each other's cache lines: counters, ping-pong, locks.
#include "../simd/compiler.h"
#include "ck_lab.h"

#include <pthread.h>
#include <sched.h>
#include <string.h>

void ck_lab_count_plain(int64_t *number, int64_t steps) {
    for (int64_t i = 0; i < steps; i++) {
        *number += 1;
        __asm__ volatile("" : "+m"(*number)); // in memory each time, not in a register
    }
}

void ck_lab_count_add(int64_t *number, int64_t steps) {
    for (int64_t i = 0; i < steps; i++) __atomic_fetch_add(number, 1, __ATOMIC_RELAXED);
}

void ck_lab_count_exchange(int64_t *number, int64_t steps) {
    for (int64_t i = 0; i < steps; i++) __atomic_exchange_n(number, i, __ATOMIC_RELAXED);
}

int64_t ck_lab_count_swap(int64_t *number, int64_t steps) {
    int64_t failed = 0;
    for (int64_t i = 0; i < steps; i++) {
        int64_t seen = __atomic_load_n(number, __ATOMIC_RELAXED);
        while (!__atomic_compare_exchange_n(number, &seen, seen + 1, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
            failed++;
    }
    return failed;
}

int64_t ck_lab_read(const int64_t *number, int64_t steps) {
    int64_t sum = 0;
    for (int64_t i = 0; i < steps; i++) sum += __atomic_load_n(number, __ATOMIC_RELAXED);
    return sum;
}

void ck_lab_count_racing(int64_t *number, int64_t steps) {
    for (int64_t i = 0; i < steps; i++) {
        const int64_t seen = __atomic_load_n(number, __ATOMIC_RELAXED);
        ck_lab_alu_chain(16);
        __atomic_store_n(number, seen + 1, __ATOMIC_RELAXED);
    }
}

void ck_lab_ping(int64_t *line, int side, int64_t rounds) {
    for (int64_t i = 0; i < rounds; i++) {
        int64_t polls = 0;
        // No pause: on Skylake and later it takes 140 cycles, longer than what is measured.
        while (__atomic_load_n(line, __ATOMIC_ACQUIRE) != side + 2 * i) {
            if (++polls % (1 << 20) == 0) sched_yield(); // both sides on one processor
        }
        __atomic_store_n(line, side + 2 * i + 1, __ATOMIC_RELEASE);
    }
}

typedef struct mcs_node {
    struct mcs_node *next;
    int32_t waits;
} mcs_node;

typedef union lab_lock {
    int32_t flag;
    struct {
        uint32_t next, serving;
    } ticket;
    mcs_node *tail;
    struct {
        char apart[128];
        pthread_mutex_t mutex;
    } system;
} lab_lock;
_Static_assert(sizeof(lab_lock) <= CK_LAB_LOCK_BYTES, "a lock must fit");

void ck_lab_lock_init(void *lock) {
    lab_lock *l = lock;
    memset(l, 0, sizeof *l);
    pthread_mutex_init(&l->system.mutex, NULL);
}

// A waiter gives its processor away now and then: without that, a lock whose holder is not running would stand still
// for whole time slices.
static inline void wait_a_little(int64_t *polls) {
    ck_pause();
    if (++*polls % 16384 == 0) sched_yield();
}

static void take(ck_lab_lock_kind kind, lab_lock *l, mcs_node *node) {
    int64_t polls = 0, delay = 1;
    switch (kind) {
    case CK_LAB_TAS:
        while (__atomic_exchange_n(&l->flag, 1, __ATOMIC_ACQUIRE)) wait_a_little(&polls);
        return;
    case CK_LAB_TTAS:
        while (__atomic_load_n(&l->flag, __ATOMIC_RELAXED) || __atomic_exchange_n(&l->flag, 1, __ATOMIC_ACQUIRE)) {
            for (int64_t i = 0; i < delay; i++) wait_a_little(&polls);
            if (delay < 64) delay *= 2;
        }
        return;
    case CK_LAB_TICKET: {
        const uint32_t mine = __atomic_fetch_add(&l->ticket.next, 1, __ATOMIC_RELAXED);
        while (__atomic_load_n(&l->ticket.serving, __ATOMIC_ACQUIRE) != mine) wait_a_little(&polls);
        return;
    }
    case CK_LAB_MCS: {
        node->next = NULL;
        node->waits = 1;
        mcs_node *before = __atomic_exchange_n(&l->tail, node, __ATOMIC_ACQ_REL);
        if (!before) return;
        __atomic_store_n(&before->next, node, __ATOMIC_RELEASE);
        while (__atomic_load_n(&node->waits, __ATOMIC_ACQUIRE)) wait_a_little(&polls);
        return;
    }
    case CK_LAB_MUTEX: pthread_mutex_lock(&l->system.mutex);
    }
}

static void give_back(ck_lab_lock_kind kind, lab_lock *l, mcs_node *node) {
    switch (kind) {
    case CK_LAB_TAS:
    case CK_LAB_TTAS: __atomic_store_n(&l->flag, 0, __ATOMIC_RELEASE); return;
    case CK_LAB_TICKET: __atomic_store_n(&l->ticket.serving, l->ticket.serving + 1, __ATOMIC_RELEASE); return;
    case CK_LAB_MCS: {
        mcs_node *next = __atomic_load_n(&node->next, __ATOMIC_ACQUIRE), *expected = node;
        int64_t polls = 0;
        if (!next) {
            if (__atomic_compare_exchange_n(&l->tail, &expected, NULL, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
                return;
            while (!(next = __atomic_load_n(&node->next, __ATOMIC_ACQUIRE))) wait_a_little(&polls);
        }
        __atomic_store_n(&next->waits, 0, __ATOMIC_RELEASE);
        return;
    }
    case CK_LAB_MUTEX: pthread_mutex_unlock(&l->system.mutex);
    }
}

void ck_lab_lock_run(ck_lab_lock_kind kind, void *lock, int64_t *number, int64_t acquisitions, int64_t inside,
                     int64_t outside) {
    _Alignas(128) mcs_node node;
    for (int64_t i = 0; i < acquisitions; i++) {
        take(kind, lock, &node);
        ck_lab_alu_chain(inside);
        *number += 1;
        give_back(kind, lock, &node);
        ck_lab_alu_chain(outside);
    }
}
