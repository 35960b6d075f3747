// What the conformance program's parts share: random numbers, guarded memory, failure counting.
#ifndef CONFORMANCE_H
#define CONFORMANCE_H

#include "ck_gemm_plan.h"
#include "ck_matrix.h"
#include "ck_network.h"
#include "ck_vector.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef __has_feature // of clang
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
enum { SANITIZES_ADDRESSES = 1 };
#else
enum { SANITIZES_ADDRESSES = 0 };
#endif

// Numbers wider than double, for the reference of double.
#if defined(__x86_64__)
typedef __float128 wide;
#else
typedef long double wide;
#endif

typedef struct effort {
    int random_problems;   // per element type
    int size_step;         // 1 tries every m, n, k up to twice the tile; n tries every n-th
    int position_step;     // 1 puts a NaN at every position; n at every n-th
    bool long_k;           // chains of 100,000 steps
} effort;

uint64_t random_bits(void);
void random_seed(uint64_t seed);
int64_t random_below(int64_t bound);

// Memory between two inaccessible pages. `at_end` says which of the two the bytes touch.
typedef struct guarded {
    char *mapping;
    size_t mapping_size;
    char *bytes;
} guarded;
guarded guarded_allocate(size_t size, bool at_end);
void guarded_free(guarded memory);

// A failed check prints where and what; the program's status is then 1.
extern long check_count, failure_count;
void check(bool condition, const char *format, ...) __attribute__((format(printf, 2, 3)));

void digest_add(uint64_t *digest, const void *bytes, size_t size);

// The rows of the table of machines, one after the other.
const ck_machine *next_machine(void);

// Calls ck_gemm with sentinels in every register that the callee has to preserve. Returns how many were lost.
int lost_registers(const ck_gemm_kernels *kernels, const ck_gemm_problem *problem);

// Regions are counted per pool of one or two lanes; larger pools get a twentieth.
void test_pool(int regions);

// For a process whose system calls for threads are made to fail.
void test_pool_without_threads(void);

// Four processes that compute for ever compete for the processors. Needs a quiet machine.
void test_pool_beside_hogs(void);

void test_f32(effort effort);
void test_f64(effort effort);

#endif
