#include "ck_cpu.h"

#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

static const char *const feature_names[CK_FEATURE_COUNT] = {
    "avx2", "fma", "avx512f", "avx512bw", "avx512dq", "avx512vl", "neon", "bmi2", "avx512_bf16", "avx512_vnni", "sve",
};

const char *ck_cpu_feature_name(uint32_t feature) {
    for (int bit = 0; bit < CK_FEATURE_COUNT; bit++)
        if (feature == 1u << bit) return feature_names[bit];
    return NULL;
}

static uint32_t when(bool condition, uint32_t feature) { return condition ? feature : 0; }

uint32_t ck_cpu_features_from(ck_cpu_registers r) {
    const bool osxsave = r.leaf1_ecx >> 27 & 1;
    // XCR0: bits 1 and 2 are the SSE and AVX halves of ymm; bits 5 to 7 are masks, upper zmm and zmm16-31.
    const bool ymm = osxsave && (r.xcr0 & 0x06) == 0x06;
    const bool zmm = ymm && (r.xcr0 & 0xe0) == 0xe0;
    const bool avx = r.leaf1_ecx >> 28 & 1;
    const bool avx512f = zmm && (r.leaf7_ebx >> 16 & 1);
    return when(ymm && avx && (r.leaf7_ebx >> 5 & 1), CK_FEATURE_AVX2) |
           when(ymm && avx && (r.leaf1_ecx >> 12 & 1), CK_FEATURE_FMA) | when(r.leaf7_ebx >> 8 & 1, CK_FEATURE_BMI2) |
           when(avx512f, CK_FEATURE_AVX512F) | when(avx512f && (r.leaf7_ebx >> 30 & 1), CK_FEATURE_AVX512BW) |
           when(avx512f && (r.leaf7_ebx >> 17 & 1), CK_FEATURE_AVX512DQ) |
           when(avx512f && (r.leaf7_ebx >> 31 & 1), CK_FEATURE_AVX512VL) |
           when(avx512f && (r.leaf7_1_eax >> 5 & 1), CK_FEATURE_AVX512_BF16) |
           when(avx512f && (r.leaf7_ecx >> 11 & 1), CK_FEATURE_AVX512_VNNI);
}

#if defined(__x86_64__)

static uint64_t read_xcr0(void) {
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

static uint32_t detect(void) {
    ck_cpu_registers r = {0};
    uint32_t a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d)) return 0;
    r.leaf1_ecx = c;
    if (c >> 27 & 1) r.xcr0 = read_xcr0();
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d)) {
        r.leaf7_ebx = b;
        r.leaf7_ecx = c;
        if (a >= 1 && __get_cpuid_count(7, 1, &a, &b, &c, &d)) r.leaf7_1_eax = a;
    }
    return ck_cpu_features_from(r);
}

static void read_brand(char brand[49]) {
    uint32_t words[12];
    if (__get_cpuid_max(0x80000000, NULL) < 0x80000004) {
        strcpy(brand, "unknown");
        return;
    }
    for (uint32_t leaf = 0; leaf < 3; leaf++)
        __get_cpuid(0x80000002 + leaf, &words[4 * leaf], &words[4 * leaf + 1], &words[4 * leaf + 2],
                    &words[4 * leaf + 3]);
    memcpy(brand, words, 48);
    brand[48] = 0;
}

#elif defined(__aarch64__)

static uint32_t detect(void) {
#if defined(__linux__)
    const unsigned long capabilities = getauxval(AT_HWCAP);
    // HWCAP_ASIMD is bit 1, HWCAP_SVE bit 22.
    return when(capabilities >> 1 & 1, CK_FEATURE_NEON) | when(capabilities >> 22 & 1, CK_FEATURE_SVE);
#else
    return CK_FEATURE_NEON; // part of the architecture's base
#endif
}

static void read_brand(char brand[49]) { strcpy(brand, "arm64 processor"); }

#else

static uint32_t detect(void) { return 0; }

static void read_brand(char brand[49]) { strcpy(brand, "unknown"); }

#endif

uint32_t ck_cpu_features(void) {
    static _Atomic uint32_t known; // the top bit says that detection has run; running it twice gives the same answer
    uint32_t features = atomic_load_explicit(&known, memory_order_relaxed);
    if (!features) {
        features = detect() | 1u << 31;
        atomic_store_explicit(&known, features, memory_order_relaxed);
    }
    return features & ~(1u << 31);
}

const char *ck_cpu_brand(void) {
    static char brand[49];
    static atomic_int state; // 0 unread, 1 being read, 2 ready
    int expected = 0;
    if (atomic_compare_exchange_strong(&state, &expected, 1)) {
        read_brand(brand);
        atomic_store(&state, 2);
    }
    while (atomic_load(&state) != 2) {}
    const char *start = brand;
    while (*start == ' ') start++;
    return start;
}
