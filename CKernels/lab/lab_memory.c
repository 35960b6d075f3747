// Chains of additions and of loads, and walks over a matrix.
#include "../simd/compiler.h"
#include "ck_lab.h"

#include <stdlib.h>

uint64_t ck_lab_alu_chain(int64_t steps) {
    // Of the chain before, from which this one goes on: a processor would run the two side by side.
    static _Thread_local uint64_t end;
    uint64_t x = end, y = 3;
    // A register that nobody knows the value of: additions of constants are done at renaming by some cores, several in
    // a cycle (Golden Cove).
    __asm__ volatile("" : "+r"(y));
    for (int64_t i = 0; i < steps; i += 16)
        for (int j = 0; j < 16; j++) {
            x += y;
            __asm__ volatile("" : "+r"(x)); // the compiler must not add sixteen times at once
        }
    end = x;
    return x;
}

// Sixteen steps in a turn, each opaque to the compiler. Both operands are 1 and the sum begins with 0: nothing
// overflows or gets subnormal.
#if defined(__aarch64__)
#define IN_VECTOR_REGISTER "+w"
#elif defined(__x86_64__)
#define IN_VECTOR_REGISTER "+x"
#else
#define IN_VECTOR_REGISTER "+m"
#endif

static bool has_multiply_add(void) {
#if defined(__x86_64__)
    return (ck_cpu_features() & CK_FEATURE_FMA) != 0;
#elif defined(__aarch64__)
    return true;
#else
    return false;
#endif
}

bool ck_lab_chain(ck_lab_chain_kind kind, int64_t steps) {
    uint64_t x = 1, y = 1;
    double number = 1, one = 1;
    float single = 0, unit = 1;
    __asm__ volatile("" : "+r"(y));
    __asm__ volatile("" : IN_VECTOR_REGISTER(one));
    __asm__ volatile("" : IN_VECTOR_REGISTER(unit));
    if (kind == CK_LAB_CHAIN_MULTIPLY_ADD && !has_multiply_add()) return false;
    for (int64_t i = 0; i < steps; i += 16) {
        switch (kind) {
        case CK_LAB_CHAIN_MULTIPLY:
            for (int j = 0; j < 16; j++) {
                x *= y;
                __asm__ volatile("" : "+r"(x));
            }
            break;
        case CK_LAB_CHAIN_FLOAT_ADD:
            for (int j = 0; j < 16; j++) {
                single += unit;
                __asm__ volatile("" : IN_VECTOR_REGISTER(single));
            }
            break;
        case CK_LAB_CHAIN_MULTIPLY_ADD:
            for (int j = 0; j < 16; j++) {
#if defined(__x86_64__)
                __asm__ volatile("vfmadd132sd %1, %1, %0" : "+x"(number) : "x"(one)); // number * 1 + 1
#else
                number = __builtin_fma(number, one, one);
                __asm__ volatile("" : IN_VECTOR_REGISTER(number));
#endif
            }
            break;
        }
    }
    return true;
}

static uint64_t next(uint64_t *state) { // splitmix64
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

void ck_lab_make_chase(void *memory, int64_t count, int64_t stride, uint64_t seed) {
    // Sattolo's shuffle: the permutation is one single cycle.
    for (int64_t i = 0; i < count; i++) *(int64_t *)((char *)memory + i * stride) = i;
    for (int64_t i = count - 1; i > 0; i--) {
        const int64_t j = (int64_t)(next(&seed) % (uint64_t)i);
        int64_t *a = (int64_t *)((char *)memory + i * stride), *b = (int64_t *)((char *)memory + j * stride);
        const int64_t t = *a;
        *a = *b;
        *b = t;
    }
    for (int64_t i = 0; i < count; i++) {
        int64_t *cell = (int64_t *)((char *)memory + i * stride);
        *(void **)cell = (char *)memory + *cell * stride;
    }
}

void ck_lab_start_chase(const void *memory, int64_t count, int64_t stride, int chains, const void **positions) {
    for (int chain = 0; chain < chains; chain++)
        positions[chain] = (const char *)memory + count * chain / chains * stride;
}

void ck_lab_chase(int chains, int64_t steps, const void **positions) {
#define CHASE(n)                                                                               \
    {                                                                                          \
        const void *p[n];                                                                      \
        for (int chain = 0; chain < n; chain++) p[chain] = positions[chain];                   \
        for (int64_t i = 0; i < steps; i++)                                                    \
            for (int chain = 0; chain < n; chain++) p[chain] = *(const void *const *)p[chain]; \
        for (int chain = 0; chain < n; chain++) positions[chain] = p[chain];                   \
        break;                                                                                 \
    }
    switch (chains) {
    case 1: CHASE(1)
    case 2: CHASE(2)
    case 4: CHASE(4)
    case 8: CHASE(8)
    default: CHASE(16)
    }
}

float ck_lab_sum_rows(int64_t rows, int64_t columns, const float *x) {
    float sum = 0;
    for (int64_t i = 0; i < rows; i++) {
        CK_SCALAR_LOOP
        for (int64_t j = 0; j < columns; j++) sum += x[i * columns + j];
    }
    return sum;
}

float ck_lab_sum_columns(int64_t rows, int64_t columns, const float *x) {
    float sum = 0;
    for (int64_t j = 0; j < columns; j++) {
        CK_SCALAR_LOOP
        for (int64_t i = 0; i < rows; i++) sum += x[i * columns + j];
    }
    return sum;
}
