// What single cores do slowly: subnormal numbers, loads that follow stores, accesses that cross lines, branches, sets of a cache, pages.
#define _GNU_SOURCE
#include "../simd/compiler.h"
#include "ck_lab.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

// Flush-to-zero of the calling thread, on from `flush_begin` to `flush_end`, which puts back what was set before.
static bool flush_begin(uint64_t *before) {
#if defined(__x86_64__)
    *before = _mm_getcsr();
    _mm_setcsr((uint32_t)*before | 0x8040u); // results and operands
    return true;
#elif defined(__aarch64__)
    __asm__ volatile("mrs %0, fpcr" : "=r"(*before));
    __asm__ volatile("msr fpcr, %0" : : "r"(*before | UINT64_C(1) << 24));
    return true;
#else
    (void)before;
    return false;
#endif
}

static void flush_end(uint64_t before) {
#if defined(__x86_64__)
    _mm_setcsr((uint32_t)before);
#elif defined(__aarch64__)
    __asm__ volatile("msr fpcr, %0" : : "r"(before));
#else
    (void)before;
#endif
}

bool ck_lab_multiply(int64_t steps, float factor, float *numbers, bool flush) {
    uint64_t before = 0;
    if (flush && !flush_begin(&before)) return false;
    float x[8];
    memcpy(x, numbers, sizeof x);
    for (int64_t i = 0; i < steps; i++)
        for (int j = 0; j < 8; j++) {
            x[j] *= factor;
#if defined(__x86_64__)
            __asm__ volatile("" : "+x"(x[j]));
#elif defined(__aarch64__)
            __asm__ volatile("" : "+w"(x[j]));
#else
            __asm__ volatile("" : "+m"(x[j]));
#endif
        }
    memcpy(numbers, x, sizeof x);
    if (flush) flush_end(before);
    return true;
}

// Every step stores what the load of the step before gave: the chain runs through memory.
int64_t ck_lab_forward(ck_lab_forward_kind kind, int64_t steps, char *at) {
    int64_t x = 1;
    for (int64_t i = 0; i < steps; i++) {
        if (kind == CK_LAB_FORWARD_NARROW_TO_WIDE) {
            *(volatile int32_t *)at = (int32_t)x;
            *(volatile int32_t *)(at + 4) = 0;
        } else {
            *(volatile int64_t *)at = x;
        }
        if (kind == CK_LAB_FORWARD_WIDE_TO_NARROW)
            x = *(volatile int32_t *)(at + 4) | 1;
        else
            x = *(volatile int64_t *)at;
    }
    return x;
}

static inline CK_ALWAYS_INLINE void load(const char *at) {
    int64_t x;
    memcpy(&x, at, sizeof x);
    __asm__ volatile("" : : "r"(x)); // every load is done, none needs another
}

void ck_lab_load_at(int64_t steps, const char *at, int64_t stride) {
    for (int64_t i = 0; i < steps; i += 8) {
        CK_UNROLL
        for (int twice = 0; twice < 2; twice++) {
            load(at);
            load(at + stride);
            load(at + 2 * stride);
            load(at + 3 * stride);
        }
        __asm__ volatile("" : "+r"(at) : : "memory");
    }
}

void ck_lab_copy_numbers(int64_t count, const float *from, float *to) {
    for (int64_t i = 0; i < count; i++) {
        int32_t x;
        memcpy(&x, from + i, sizeof x);
        __asm__ volatile("" : "+r"(x) : : "memory"); // in order, one after the other
        memcpy(to + i, &x, sizeof x);
    }
}

int64_t ck_lab_branch(int64_t steps, const uint8_t *pattern, int64_t length) {
    int64_t sum = 0, at = 0;
    for (int64_t i = 0; i < steps; i++) {
        // Two ways of different work, so that no compiler turns the branch into a select.
        if (pattern[at])
            __asm__ volatile("" : "+r"(sum));
        else {
            sum++;
            __asm__ volatile("" : "+r"(sum) : : "memory");
        }
        at = at + 1 == length ? 0 : at + 1;
    }
    return sum;
}

void ck_lab_make_ring(void *memory, int64_t count, int64_t stride, int64_t shift, uint64_t seed) {
    int64_t *order = malloc((size_t)count * sizeof *order);
    if (!order) abort();
    for (int64_t i = 0; i < count; i++) order[i] = i;
    for (int64_t i = count - 1; i > 0; i--) {
        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        const int64_t j = (int64_t)((seed >> 33) % (uint64_t)(i + 1)), old = order[i];
        order[i] = order[j];
        order[j] = old;
    }
    for (int64_t i = 0; i < count; i++) {
        const int64_t from = order[i], to = order[(i + 1) % count];
        *(void **)((char *)memory + from * stride + from * shift % stride) = (char *)memory + to * stride + to * shift % stride;
    }
    free(order);
}

const void *ck_lab_follow(const void *at, int64_t steps) {
    for (int64_t i = 0; i < steps; i++) at = *(void *const *)at;
    return at;
}

int64_t ck_lab_sum_lines(const char *memory, int64_t count, int64_t stride) {
    int64_t sum = 0;
    for (int64_t i = 0; i < count; i++, memory += stride) sum += *(const int64_t *)memory;
    return sum;
}

#if defined(__x86_64__)
#define EIGHT(X) X("0") X("1") X("2") X("3") X("4") X("5") X("6") X("7")
#define FOUR_TWICE(X) X("8") X("9") X("10") X("11") X("8") X("9") X("10") X("11")
#define MULTIPLY_ADD(r) "vfmadd231ps %%ymm15, %%ymm15, %%ymm" r "\n\t"
#define LOAD(r) "vmovups (%1), %%ymm" r "\n\t"
#define SHUFFLE(r) "vpermilps $0x1b, %%ymm15, %%ymm" r "\n\t"
#define REPEAT(text)                                                                                                         \
    __asm__ volatile("vxorps %%ymm15, %%ymm15, %%ymm15\n\t" EIGHT(CLEAR) ".p2align 6\n1:\n\t" text "decq %0\n\tjnz 1b\n\tvzeroupper" \
                     : "+r"(turns)                                                                                           \
                     : "r"(numbers)                                                                                          \
                     : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", \
                       "xmm14", "xmm15", "cc", "memory")
#define CLEAR(r) "vxorps %%ymm" r ", %%ymm" r ", %%ymm" r "\n\t"

bool ck_lab_issue(uint32_t kinds, int64_t turns, const float *numbers) {
    if (turns < 1 || !(ck_cpu_features() & CK_FEATURE_FMA) || !(ck_cpu_features() & CK_FEATURE_AVX2)) return false;
    switch (kinds) {
    case CK_LAB_ISSUE_MULTIPLY_ADD: REPEAT(EIGHT(MULTIPLY_ADD)); return true;
    case CK_LAB_ISSUE_LOAD: REPEAT(FOUR_TWICE(LOAD)); return true;
    case CK_LAB_ISSUE_SHUFFLE: REPEAT(FOUR_TWICE(SHUFFLE)); return true;
    case CK_LAB_ISSUE_MULTIPLY_ADD | CK_LAB_ISSUE_LOAD: REPEAT(EIGHT(MULTIPLY_ADD) FOUR_TWICE(LOAD)); return true;
    case CK_LAB_ISSUE_MULTIPLY_ADD | CK_LAB_ISSUE_SHUFFLE: REPEAT(EIGHT(MULTIPLY_ADD) FOUR_TWICE(SHUFFLE)); return true;
    case CK_LAB_ISSUE_LOAD | CK_LAB_ISSUE_SHUFFLE: REPEAT(FOUR_TWICE(LOAD) FOUR_TWICE(SHUFFLE)); return true;
    case CK_LAB_ISSUE_MULTIPLY_ADD | CK_LAB_ISSUE_LOAD | CK_LAB_ISSUE_SHUFFLE:
        REPEAT(EIGHT(MULTIPLY_ADD) FOUR_TWICE(LOAD) FOUR_TWICE(SHUFFLE));
        return true;
    default: return false;
    }
}
#else
bool ck_lab_issue(uint32_t kinds, int64_t turns, const float *numbers) {
    (void)kinds, (void)turns, (void)numbers;
    return false;
}
#endif
