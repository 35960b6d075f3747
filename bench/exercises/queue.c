#if defined(EXERCISE_START)
// queue: One thread hands numbers to another, in order. How fast can that go?
//
// The functions below are right: a lock around a ring of `capacity` places. But each number needs the lock twice, and
// its line goes to and fro. How near can you come to handing over whole blocks, which a flag announces?
//
// Promised: memory holds 4096 + 8 * capacity bytes of zeros and begins at a multiple of 4096; capacity is a power of
// two, at least 2. One thread alone puts and one other alone takes. The thread sanitizer sees order that acquire and
// release make, not fences. Timed with 100,000 numbers through a queue of 1024. Right: queue_put returns false where
// the queue is full, queue_take where it is empty; every number arrives once, in order; at least `capacity` - 1
// numbers find a place.
#include <stdbool.h>
#include <stdint.h>

enum { LOCK = 0, HEAD = 1, TAIL = 2, RING = 512 };

static void take_lock(int64_t *memory) {
    while (__atomic_exchange_n(&memory[LOCK], 1, __ATOMIC_ACQUIRE)) {}
}

static void give_lock(int64_t *memory) { __atomic_store_n(&memory[LOCK], 0, __ATOMIC_RELEASE); }

bool queue_put(int64_t *memory, int64_t capacity, int64_t number) {
    take_lock(memory);
    const bool has_place = memory[TAIL] - memory[HEAD] < capacity;
    if (has_place) memory[RING + memory[TAIL]++ % capacity] = number;
    give_lock(memory);
    return has_place;
}

bool queue_take(int64_t *memory, int64_t capacity, int64_t *number) {
    take_lock(memory);
    const bool has_number = memory[HEAD] < memory[TAIL];
    if (has_number) *number = memory[RING + memory[HEAD]++ % capacity];
    give_lock(memory);
    return has_number;
}

#elif defined(EXERCISE_OURS)
#include <stdbool.h>
#include <stdint.h>

// Each side has a line of its own for its place and for what it last saw of the other's, and looks at the other's only
// when it must.
enum { PUT = 0, PUT_SEEN = 1, TAKE = 16, TAKE_SEEN = 17, RING = 512 };

bool queue_put(int64_t *memory, int64_t capacity, int64_t number) {
    const int64_t at = memory[PUT];
    if (at - memory[PUT_SEEN] == capacity) {
        memory[PUT_SEEN] = __atomic_load_n(&memory[TAKE], __ATOMIC_ACQUIRE);
        if (at - memory[PUT_SEEN] == capacity) return false;
    }
    memory[RING + (at & (capacity - 1))] = number;
    __atomic_store_n(&memory[PUT], at + 1, __ATOMIC_RELEASE);
    return true;
}

bool queue_take(int64_t *memory, int64_t capacity, int64_t *number) {
    const int64_t at = memory[TAKE];
    if (at == memory[TAKE_SEEN]) {
        memory[TAKE_SEEN] = __atomic_load_n(&memory[PUT], __ATOMIC_ACQUIRE);
        if (at == memory[TAKE_SEEN]) return false;
    }
    *number = memory[RING + (at & (capacity - 1))];
    __atomic_store_n(&memory[TAKE], at + 1, __ATOMIC_RELEASE);
    return true;
}

#else
#include "check.h"

typedef bool put_function(int64_t *memory, int64_t capacity, int64_t number);
typedef bool take_function(int64_t *memory, int64_t capacity, int64_t *number);
enum { MOST = 100000, CAPACITY = 1024, BLOCK = 128 };
static int64_t n, capacity, *ring, *result, places;
static uint64_t start;
static _Alignas(128) int has_put_all;
enum { PATIENCE = 1000000 }; // looks at a queue that stays empty though all was put

static void prepare(int which, uint64_t seed) {
    n = (const int64_t[]){0, 1, 2, 1000, 5000, MOST}[which];
    capacity = (const int64_t[]){2, 2, 4, 2, 64, CAPACITY}[which];
    ring = memory("memory", (size_t)(4096 + 8 * capacity + 4095) / 4096 * 4096, SCRATCH);
    result = memory("the result", 3 * sizeof *result, OUTPUT);
    start = seed & 0xffffff;
}

// What a number is, so that both sides know it.
static int64_t number(int64_t i) { return (int64_t)(start + (uint64_t)i * 2654435761u); }

static void call(void *const *functions, int thread, int threads) {
    (void)threads;
    put_function *put = (put_function *)functions[0];
    take_function *take = (take_function *)functions[1];
    if (thread == 0) {
        for (int64_t i = 0; i < 512 + capacity; i++) ring[i] = 0;
        // Nobody takes meanwhile: a full queue says so.
        for (places = 0; places <= capacity && put(ring, capacity, number(places)); places++) {}
        has_put_all = 0;
    }
    barrier();
    if (thread == 1) {
        int64_t got;
        for (int64_t i = 0; i < places; i++) take(ring, capacity, &got);
    }
    barrier();
    if (thread == 0) {
        for (int64_t i = 0; i < n; i++)
            while (!put(ring, capacity, number(i))) {}
        __atomic_store_n(&has_put_all, 1, __ATOMIC_RELEASE);
    } else if (thread == 1) {
        int64_t wrong_at = -1, got = 0, value = 0;
        for (; got < n; got++) {
            int looks = 0;
            while (looks < PATIENCE && !take(ring, capacity, &value))
                looks += looks < PATIENCE - 1000 || __atomic_load_n(&has_put_all, __ATOMIC_ACQUIRE);
            if (looks == PATIENCE) break;
            if (value != number(got) && wrong_at < 0) wrong_at = got;
        }
        result[0] = got, result[1] = wrong_at, result[2] = take(ring, capacity, &value);
    }
    barrier();
}

static bool verify(void) {
    if (places < capacity - 1 || places > capacity)
        return wrong("a queue of %ld takes %s%ld numbers that nobody takes out", (long)capacity,
                     places > capacity ? "more than " : "", (long)(places > capacity ? capacity : places));
    if (result[1] >= 0) return wrong("number %ld of %ld is not the one that was put", (long)result[1], (long)n);
    if (result[0] < n) return wrong("%ld of %ld numbers did not arrive", (long)(n - result[0]), (long)n);
    if (result[2]) return wrong("after all %ld numbers one more came", (long)n);
    return true;
}

// Blocks of 1 KiB, eight of them under way, each announced by a flag in a line of its own.
static void limit(int thread, int threads) {
    (void)threads;
    static _Alignas(128) struct {
        _Alignas(128) int64_t flag;
        _Alignas(128) int64_t numbers[BLOCK];
    } blocks[8];
    if (thread == 0)
        for (int b = 0; b < 8; b++) blocks[b].flag = 0;
    barrier();
    const int64_t count = (n + BLOCK - 1) / BLOCK;
    int64_t sum = 0;
    for (int64_t i = 0; thread < 2 && i < count; i++) {
        int64_t *flag = &blocks[i % 8].flag;
        volatile int64_t *numbers = blocks[i % 8].numbers;
        while (__atomic_load_n(flag, __ATOMIC_ACQUIRE) != thread) {}
        for (int j = 0; j < BLOCK; j++)
            if (thread == 0)
                numbers[j] = i + j;
            else
                sum += numbers[j];
        __atomic_store_n(flag, 1 - thread, __ATOMIC_RELEASE);
    }
    __asm__ volatile("" : : "r"(sum));
    barrier();
}

const exercise this_exercise = {
    .functions = {"queue_put", "queue_take"},
    .is_threaded = true,
    .least_threads = 2,
    .cases = 5,
    .prepare = prepare,
    .call = call,
    .verify = verify,
    .limit = limit,
    .limit_text = "blocks of 128 numbers, each announced by a flag",
    .work = MOST,
    .unit = "numbers",
    .advice =
        {"do without the lock: only the putter writes the tail, only the taker the head; store with release, load "
         "with acquire",
         "put head and tail into lines of their own, so that one side's store does not take the other's line away",
         "remember what you last saw of the other side's place, and look again only when the queue seems full or "
         "empty",
         "give places back several at a time, a line's worth, and at the latest when the queue is found empty",
         "there is little left: the numbers' lines have to go over"},
};
#endif
