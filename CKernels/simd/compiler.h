// What the kernels ask of the compiler, for clang and gcc. Private to CKernels.
#ifndef CK_COMPILER_H
#define CK_COMPILER_H

#define CK_ALWAYS_INLINE __attribute__((always_inline))
#if defined(__clang__)
#define CK_UNROLL _Pragma("clang loop unroll(full)")
#else
#define CK_UNROLL _Pragma("GCC unroll 16")
#endif
// The square root in one instruction: without errno, which keeps compilers from vectorising a loop.
#if defined(__clang__)
#define CK_SQRT(x) __builtin_elementwise_sqrt(x)
#else
#define CK_SQRT(x) _Generic((x), float: __builtin_sqrtf, double: __builtin_sqrt)(x)
#endif
// A loop whose steps do not depend on each other, though an output may be the same memory as an input, element for
// element: compilers then vectorise it without asking where the operands stand.
#if defined(__clang__)
#define CK_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define CK_INDEPENDENT _Pragma("GCC ivdep")
#endif
// Hides where a value came from, so that the compiler keeps it in a register instead of deriving it from a neighbour:
// a chain of dependent additions for row addresses would take as long as the multiply-adds.
#define CK_OPAQUE(x) __asm__("" : "+r"(x))
// Loads stay on their side of this line, so that the compiler does not begin the next block with registers it does not
// have.
#define CK_KEEP_ORDER() __asm__ volatile("" ::: "memory")

// A loop that stays as it is written, for studies of what vectors bring.
#if defined(__clang__)
#define CK_SCALAR_LOOP _Pragma("clang loop vectorize(disable) interleave(disable) unroll(disable)")
#else
#define CK_SCALAR_LOOP _Pragma("GCC unroll 1")
#endif
// What a thread does between two looks at a line that another thread will write.
static inline void ck_pause(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

// Instruction sets are switched on around functions, after all includes; the build itself stays at the base of the
// architecture, so one library holds the kernels of every instruction set.
#define CK_AVX512_FEATURES "avx512f,avx512bw,avx512dq,avx512vl,bmi2,fma,avx2"
#define CK_AVX2_FEATURES "avx2,fma"
#if defined(__clang__)
#define CK_PRAGMA(text) _Pragma(#text)
#define CK_BEGIN_TARGET(features) \
    CK_PRAGMA(clang attribute push(__attribute__((target(features))), apply_to = function))
#define CK_END_TARGET _Pragma("clang attribute pop")
#else
#define CK_PRAGMA(text) _Pragma(#text)
#define CK_BEGIN_TARGET(features) _Pragma("GCC push_options") CK_PRAGMA(GCC target(features))
#define CK_END_TARGET _Pragma("GCC pop_options")
#endif

#endif
