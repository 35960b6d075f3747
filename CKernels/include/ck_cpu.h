// What this processor can do, and which instruction set the kernels use.
#ifndef CK_CPU_H
#define CK_CPU_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Instruction sets, best last. Every catalogue has one row for each that its operation is written for.
typedef enum ck_isa {
    CK_ISA_PORTABLE = 0, // C with fma() from the library: any processor
    CK_ISA_NEON = 1,     // arm64 Advanced SIMD
    CK_ISA_AVX2 = 2,     // AVX2 and FMA
    CK_ISA_AVX512 = 3,   // AVX-512 F, BW, DQ, VL, with AVX2, FMA and BMI2
} ck_isa;
enum { CK_ISA_COUNT = 4 };

// Features that catalogue rows may require, found by CPUID and XCR0 on x86-64, by getauxval on arm64. A feature counts
// only when the operating system saves its registers too.
enum {
    CK_FEATURE_AVX2 = 1 << 0,
    CK_FEATURE_FMA = 1 << 1,
    CK_FEATURE_AVX512F = 1 << 2,
    CK_FEATURE_AVX512BW = 1 << 3,
    CK_FEATURE_AVX512DQ = 1 << 4,
    CK_FEATURE_AVX512VL = 1 << 5,
    CK_FEATURE_NEON = 1 << 6,
    CK_FEATURE_BMI2 = 1 << 7,
    // Reported by `lanes info`; no kernel requires these.
    CK_FEATURE_AVX512_BF16 = 1 << 8,
    CK_FEATURE_AVX512_VNNI = 1 << 9,
    CK_FEATURE_SVE = 1 << 10,
};
enum { CK_FEATURE_COUNT = 11 };

// The raw registers that the features are derived from: CPUID and XCR0. A test can make up a processor with them.
typedef struct ck_cpu_registers {
    uint32_t leaf1_ecx, leaf7_ebx, leaf7_ecx, leaf7_1_eax;
    uint64_t xcr0; // 0 when the operating system does not use XSAVE
} ck_cpu_registers;

// Feature bits for made-up or real x86-64 registers. Pure.
uint32_t ck_cpu_features_from(ck_cpu_registers registers);

// Feature bits of this processor, found once.
uint32_t ck_cpu_features(void);

// Name of one feature bit (`avx512f`), or NULL.
const char *ck_cpu_feature_name(uint32_t feature);

// Name of the processor as it gives it itself, "unknown" where there is none. Static storage.
const char *ck_cpu_brand(void);

// Names are `portable`, `neon`, `avx2`, `avx512`: those that LANES_ISA takes.
const char *ck_isa_name(ck_isa isa);

// Feature bits that an instruction set requires.
uint32_t ck_isa_features(ck_isa isa);

// True where this build has kernels for the instruction set and this processor can run them.
bool ck_isa_available(ck_isa isa);

// Parses a name given by a user. Returns 0, or -1 and a message that lists what is available here.
int ck_isa_parse(const char *name, ck_isa *isa, char *message, int64_t message_size);

// The instruction set in use: LANES_ISA where it is set, else the best available. Decided once, at the first call. An
// unknown or unavailable LANES_ISA prints a message that lists the available ones and ends the process with status 2.
ck_isa ck_isa_selected(void);

// Processors in the calling thread's affinity mask.
int32_t ck_cpu_mask_count(void);

// Processors that the control groups of this process allow it (cgroup v2, or v1), as a fraction; the least of its
// group and all above. 0 where there is no quota. `root` stands before /proc and /sys: "" for this system, a folder
// for a made-up one.
double ck_cpu_quota(const char *root);

// Cores that the processors of the calling thread's mask belong to: two hardware threads of one core share its
// multiply-add units. As the system tells it (`thread_siblings_list` below `root`), processor by processor; one that
// it says nothing of counts as a core.
int32_t ck_cpu_core_count(const char *root);

// The lanes that a call may use: as many as cores or, with a requested number (NULL or "" for none), as many as it
// says, up to the processors of the mask; never more than the quota rounded up. Returns -1 and a message where the
// wish is not a number of threads. Pure.
int32_t ck_cpu_lanes_from(const char *wish, int32_t mask_count, int32_t core_count, double quota, char *message,
                          int64_t message_size);

// The same for this process, with LANES_NUM_THREADS as the wish and the calling thread's mask. Decided once, at the
// first call. A bad value prints a message and ends the process with status 2.
int32_t ck_cpu_lanes(void);

#ifdef __cplusplus
}
#endif
#endif
