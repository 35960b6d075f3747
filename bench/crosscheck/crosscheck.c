// The laboratory's figures beside programs that know nothing of it: streams as plain loops (those of STREAM), a
// pointer chase and a ping-pong of their own. Both sides run in turns of milliseconds on the same processors, so that
// what neighbours of a shared machine do affects both; the ratio is the median over the pairs.
//
// usage: crosscheck [PAIRS]      JSON lines: {"what", "unit", "lanes", "other", "ratio", "low", "high", "pairs"}; low
// and high are quartiles
#define _GNU_SOURCE
#include "ck_lab.h"
#include "ck_vector.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

enum { PAIRS_MAX = 1000, ARRAY_BYTES = 48 << 20 };

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC_RAW, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int by_size(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double quantile(double *values, int count, double q) {
    qsort(values, (size_t)count, sizeof *values, by_size);
    return values[(int)(q * (count - 1) + 0.5)];
}

static void *map(size_t bytes) {
    char *memory = mmap(NULL, bytes + (2 << 20), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        fprintf(stderr, "crosscheck: no memory for %zu bytes\n", bytes);
        exit(1);
    }
    memory += (2 << 20) - (uintptr_t)memory % (2 << 20);
    madvise(memory, bytes, MADV_HUGEPAGE);
    for (size_t i = 0; i < bytes / sizeof(float); i++) ((float *)memory)[i] = (float)(i % 7) * 0.25f;
    return memory;
}

// `measure(side)` gives the figure of one turn: side 0 ours, side 1 the other.
static void compare(const char *what, const char *unit, int pairs, double (*measure)(int side, void *context),
                    void *context) {
    static double ours[PAIRS_MAX], other[PAIRS_MAX], ratio[PAIRS_MAX];
    measure(0, context), measure(1, context);
    for (int i = 0; i < pairs; i++) { // A B, then B A
        const int first = i % 2;
        const double a = measure(first, context), b = measure(!first, context);
        ours[i] = first ? b : a;
        other[i] = first ? a : b;
        ratio[i] = ours[i] / other[i];
    }
    printf("{\"what\": \"%s\", \"unit\": \"%s\", \"lanes\": %.3f, \"other\": %.3f, \"ratio\": %.3f, \"low\": %.3f, "
           "\"high\": %.3f, \"pairs\": %d}\n",
           what, unit, quantile(ours, pairs, 0.5), quantile(other, pairs, 0.5), quantile(ratio, pairs, 0.5),
           quantile(ratio, pairs, 0.25), quantile(ratio, pairs, 0.75), pairs);
    fflush(stdout);
}

// Streams.

typedef enum stream { READ, FILL, COPY, SCALE, ADD, TRIAD, STREAMS } stream;
static const char *const stream_names[STREAMS] = {"read", "fill", "copy", "scale", "add", "triad"};
static const double stream_bytes[STREAMS] = {4, 4, 8, 8, 12, 12};

typedef struct stream_case {
    stream kind;
    int64_t count;
    float *x, *y, *z;
} stream_case;

static volatile float sink;

// Compiled without knowledge of what the laboratory does, for this processor, with sums in any order.
static void run_plain(const stream_case *c) {
    const float *restrict x = c->x, *restrict y = c->y;
    float *restrict z = c->z;
    const int64_t n = c->count;
    float sum = 0, sums[64] = {0};
    switch (c->kind) {
    case READ:
        for (int64_t i = 0; i < n; i += 64) // many sums, for one waits for its additions
            for (int lane = 0; lane < 64; lane++) sums[lane] += x[i + lane];
        for (int lane = 0; lane < 64; lane++) sum += sums[lane];
        sink = sum;
        break;
    case FILL:
        for (int64_t i = 0; i < n; i++) z[i] = 0.5f;
        break;
    case COPY:
        for (int64_t i = 0; i < n; i++) z[i] = x[i];
        break;
    case SCALE:
        for (int64_t i = 0; i < n; i++) z[i] = 0.5f * x[i];
        break;
    case ADD:
        for (int64_t i = 0; i < n; i++) z[i] = x[i] + y[i];
        break;
    default:
        for (int64_t i = 0; i < n; i++) z[i] = x[i] + 0.5f * y[i];
    }
}

static void run_lanes(const stream_case *c) {
    const ck_vector_kernels *k = ck_vector_f32();
    switch (c->kind) {
    case READ: sink = (float)k->sum(c->count, c->x); break;
    case FILL: k->fill(c->count, 0.5, c->z, false); break;
    case COPY: k->copy(c->count, c->x, c->z, false); break;
    case SCALE: k->scale(c->count, 0.5, c->x, c->z, false); break;
    case ADD: k->add(c->count, c->x, c->y, c->z, false); break;
    default: k->triad(c->count, 0.5, c->x, c->y, c->z, false);
    }
}

static double measure_stream(int side, void *context) {
    const stream_case *c = context;
    const double begin = now();
    (side ? run_plain : run_lanes)(c);
    return stream_bytes[c->kind] * (double)c->count / (now() - begin) * 1e-9;
}

// Latency.

typedef struct chase_case {
    size_t bytes;
    int64_t steps;
    void *ours;
    char *other; // a cell holds how many bytes from here the next one is
    const void *position;
    uint64_t offset;
} chase_case;

static uint64_t *cell_of(const chase_case *c, int64_t i) { return (uint64_t *)(c->other + 64 * i); }

static void prepare(chase_case *c) {
    const int64_t cells = (int64_t)(c->bytes / 64);
    ck_lab_make_chase(c->ours, cells, 64, 1);
    ck_lab_start_chase(c->ours, cells, 64, 1, &c->position);
    // Sattolo's shuffle.
    for (int64_t i = 0; i < cells; i++) *cell_of(c, i) = (uint64_t)i * 64;
    uint32_t state = 2463534242u;
    for (int64_t i = cells - 1; i > 0; i--) {
        state ^= state << 13, state ^= state >> 17, state ^= state << 5;
        uint64_t *a = cell_of(c, i), *b = cell_of(c, (int64_t)((uint64_t)state * (uint64_t)i >> 32));
        const uint64_t t = *a;
        *a = *b;
        *b = t;
    }
    c->offset = 0;
}

static double measure_chase(int side, void *context) {
    chase_case *c = context;
    const double begin = now();
    if (side == 0) {
        ck_lab_chase(1, c->steps, &c->position);
    } else {
        uint64_t offset = c->offset;
        for (int64_t i = 0; i < c->steps; i++) offset = *(const uint64_t *)(c->other + offset);
        c->offset = offset;
    }
    return (now() - begin) / (double)c->steps * 1e9;
}

// Ping-pong.

typedef struct ping_case {
    int processor[2];
    int64_t rounds;
    int64_t *line;
    _Atomic int64_t *turn;
    int side;
    _Atomic int ready;
} ping_case;

static void bind_to(int processor) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(processor, &set);
    sched_setaffinity(0, sizeof set, &set);
}

// One thread's part of either game: whose turn it is stands in one word, and goes from 0 to 1 and back by
// compare-and-swap.
static void play(ping_case *c, int me) {
    atomic_fetch_add(&c->ready, 1);
    while (atomic_load(&c->ready) < 2) {}
    if (c->side == 0) {
        ck_lab_ping(c->line, me, c->rounds);
        return;
    }
    for (int64_t i = 0; i < c->rounds; i++) {
        // Loads until it is our turn: a compare-and-swap for each look would take the line from who is about to write
        // it.
        int64_t mine = me;
        while (atomic_load_explicit(c->turn, memory_order_acquire) != me) {}
        while (!atomic_compare_exchange_weak(c->turn, &mine, (int64_t)!me)) mine = me;
    }
}

static void *second_player(void *context) {
    ping_case *c = context;
    bind_to(c->processor[1]);
    play(c, 1);
    return NULL;
}

static double measure_ping(int side, void *context) {
    ping_case *c = context;
    c->side = side;
    *c->line = 0;
    atomic_store(c->turn, 0);
    atomic_store(&c->ready, 0);
    pthread_t thread;
    if (pthread_create(&thread, NULL, second_player, c)) exit(1);
    const double begin = now();
    play(c, 0);
    pthread_join(thread, NULL);
    return (now() - begin) / (double)(2 * c->rounds) * 1e9;
}

int main(int argc, char **argv) {
    const int wanted = argc > 1 ? atoi(argv[1]) : 101, pairs = wanted < 1 || wanted > PAIRS_MAX ? 101 : wanted;
    cpu_set_t mask;
    sched_getaffinity(0, sizeof mask, &mask);
    int processor[2], found = 0;
    for (int i = 0; i < CPU_SETSIZE && found < 2; i++)
        if (CPU_ISSET(i, &mask)) processor[found++] = i;
    bind_to(processor[0]);
    float *memory[3];
    for (int i = 0; i < 3; i++) memory[i] = map(ARRAY_BYTES);
    char what[64];
    for (stream kind = READ; kind < STREAMS; kind++) {
        stream_case c = {kind, ARRAY_BYTES / sizeof(float), memory[0], memory[1], memory[2]};
        snprintf(what, sizeof what, "%s from memory", stream_names[kind]);
        compare(what, "GB/s", pairs, measure_stream, &c);
    }
    static const size_t sizes[] = {16 << 10, 256 << 10, 2 << 20, ARRAY_BYTES};
    for (int i = 0; i < 4; i++) {
        chase_case c = {.bytes = sizes[i], .steps = 20000, .ours = memory[0], .other = (char *)memory[1]};
        prepare(&c);
        snprintf(what, sizeof what, "load from %zu KiB", sizes[i] >> 10);
        compare(what, "ns", pairs, measure_chase, &c);
    }
    if (found == 2) {
        // The same line for both: how long a transfer takes depends on the line, 24 to 70 ns between the same two
        // cores of a Zen 5.
        ping_case c = {.processor = {processor[0], processor[1]},
                       .rounds = 20000,
                       .line = (int64_t *)memory[0],
                       .turn = (_Atomic int64_t *)memory[0]};
        snprintf(what, sizeof what, "line from processor %d to %d", processor[0], processor[1]);
        compare(what, "ns", pairs, measure_ping, &c);
    }
    return 0;
}
