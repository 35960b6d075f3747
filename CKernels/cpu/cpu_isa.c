#include "ck_cpu.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const isa_names[CK_ISA_COUNT] = {"portable", "neon", "avx2", "avx512"};

const char *ck_isa_name(ck_isa isa) { return isa_names[isa]; }

uint32_t ck_isa_features(ck_isa isa) {
    switch (isa) {
    case CK_ISA_PORTABLE: return 0;
    case CK_ISA_NEON: return CK_FEATURE_NEON;
    case CK_ISA_AVX2: return CK_FEATURE_AVX2 | CK_FEATURE_FMA;
    case CK_ISA_AVX512:
        return CK_FEATURE_AVX2 | CK_FEATURE_FMA | CK_FEATURE_AVX512F | CK_FEATURE_AVX512BW | CK_FEATURE_AVX512DQ |
               CK_FEATURE_AVX512VL | CK_FEATURE_BMI2;
    }
    return 0;
}

bool ck_isa_available(ck_isa isa) {
#if defined(__x86_64__)
    const bool built = isa != CK_ISA_NEON;
#elif defined(__aarch64__)
    const bool built = isa == CK_ISA_NEON || isa == CK_ISA_PORTABLE;
#else
    const bool built = isa == CK_ISA_PORTABLE;
#endif
    const uint32_t required = ck_isa_features(isa);
    return built && (ck_cpu_features() & required) == required;
}

int ck_isa_parse(const char *name, ck_isa *isa, char *message, int64_t message_size) {
    for (int candidate = 0; candidate < CK_ISA_COUNT; candidate++) {
        if (strcmp(name, isa_names[candidate]) == 0 && ck_isa_available((ck_isa)candidate)) {
            *isa = (ck_isa)candidate;
            return 0;
        }
    }
    char available[64] = "";
    for (int candidate = CK_ISA_COUNT - 1; candidate >= 0; candidate--) {
        if (!ck_isa_available((ck_isa)candidate)) continue;
        if (*available) strcat(available, ", ");
        strcat(available, isa_names[candidate]);
    }
    snprintf(message, (size_t)message_size, "LANES_ISA=%s is not available on this processor; available: %s", name,
             available);
    return -1;
}

ck_isa ck_isa_selected(void) {
    static _Atomic int selected = -1;
    int isa = atomic_load_explicit(&selected, memory_order_relaxed);
    if (isa >= 0) return (ck_isa)isa;
    const char *forced = getenv("LANES_ISA");
    if (forced && *forced) {
        char message[256];
        ck_isa parsed;
        if (ck_isa_parse(forced, &parsed, message, sizeof message)) {
            fprintf(stderr, "swift-lanes: %s\n", message);
            exit(2);
        }
        isa = parsed;
    } else {
        isa = CK_ISA_COUNT - 1;
        while (!ck_isa_available((ck_isa)isa)) isa--;
    }
    atomic_store_explicit(&selected, isa, memory_order_relaxed);
    return (ck_isa)isa;
}
