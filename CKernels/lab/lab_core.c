// What single cores do slowly: subnormal numbers, loads that follow stores, accesses that cross lines, branches, sets
// of a cache, pages.
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

// Numbers at any address, which may be read in other widths than they were written in.
typedef int64_t wide_number __attribute__((aligned(1), may_alias));
typedef int32_t narrow_number __attribute__((aligned(1), may_alias));

// Every step stores what the load of the step before gave: the chain runs through memory, unless a core keeps such a
// number in a register.
int64_t ck_lab_forward(ck_lab_forward_kind kind, int64_t steps, char *at) {
    int64_t x = 1;
    for (int64_t i = 0; i < steps; i++) {
        if (kind == CK_LAB_FORWARD_NARROW_TO_WIDE) {
            *(volatile narrow_number *)at = (int32_t)x;
            *(volatile narrow_number *)(at + 4) = 0;
        } else {
            *(volatile wide_number *)at = x;
        }
        if (kind == CK_LAB_FORWARD_WIDE_TO_NARROW)
            x = *(volatile narrow_number *)(at + 4) | 1;
        else
            x = *(volatile wide_number *)at;
    }
    return x;
}

static inline CK_ALWAYS_INLINE void load(const char *at) {
    int64_t x;
    memcpy(&x, at, sizeof x);
    __asm__ volatile("" : : "r"(x) : "memory"); // every load is done, none needs another
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

int64_t ck_lab_sum_lines(const char *memory, int64_t count, int64_t stride) {
    int64_t sum = 0;
    for (int64_t i = 0; i < count; i++, memory += stride) sum += *(const int64_t *)memory;
    return sum;
}

int64_t ck_lab_sum_streams(const char *memory, int64_t streams, int64_t distance, int64_t step, int64_t count) {
    int64_t sum = 0;
    for (int64_t i = 0; i < count; i++, memory += step)
        for (int64_t s = 0; s < streams; s++) sum += *(const int64_t *)(memory + s * distance);
    return sum;
}

#if defined(__x86_64__)
// Twelve sums: two multiply-adds of four cycles in each cycle need eight, and what they wait for beside others needs
// some more.
#define TWELVE(X) X("0") X("1") X("2") X("3") X("4") X("5") X("6") X("7") X("8") X("9") X("10") X("11")
#define TWELVE_TIMES(text) text text text text text text text text text text text text
#define CLEAR(r) "vxorps %%ymm" r ", %%ymm" r ", %%ymm" r "\n\t"
#define MULTIPLY_ADD(r) "vfmadd231ps %%ymm15, %%ymm15, %%ymm" r "\n\t"
#define MULTIPLY_ADDS TWELVE(MULTIPLY_ADD)
#define LOADS TWELVE_TIMES("vmovups (%1), %%ymm12\n\t")
#define SHUFFLES TWELVE_TIMES("vpermilps $0x1b, %%ymm15, %%ymm13\n\t")
#define REPEAT(text)                                                                                            \
    __asm__ volatile("vxorps %%ymm15, %%ymm15, %%ymm15\n\t" TWELVE(CLEAR) ".p2align 6\n1:\n\t" text             \
                                                                          "decq %0\n\tjnz 1b\n\tvzeroupper"     \
                     : "+&r"(turns)                                                                             \
                     : "r"(numbers)                                                                             \
                     : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", \
                       "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "cc", "memory")

bool ck_lab_issue(uint32_t kinds, int64_t turns, const float *numbers) {
    enum { M = CK_LAB_ISSUE_MULTIPLY_ADD, L = CK_LAB_ISSUE_LOAD, S = CK_LAB_ISSUE_SHUFFLE };
    if (turns < 1 || !(ck_cpu_features() & CK_FEATURE_FMA) || !(ck_cpu_features() & CK_FEATURE_AVX2)) return false;
    switch (kinds) {
    case M: REPEAT(MULTIPLY_ADDS); return true;
    case L: REPEAT(LOADS); return true;
    case S: REPEAT(SHUFFLES); return true;
    case M | L: REPEAT(MULTIPLY_ADDS LOADS); return true;
    case M | S: REPEAT(MULTIPLY_ADDS SHUFFLES); return true;
    case L | S: REPEAT(LOADS SHUFFLES); return true;
    case M | L | S: REPEAT(MULTIPLY_ADDS LOADS SHUFFLES); return true;
    default: return false;
    }
}
#else
bool ck_lab_issue(uint32_t kinds, int64_t turns, const float *numbers) {
    (void)kinds, (void)turns, (void)numbers;
    return false;
}
#endif
