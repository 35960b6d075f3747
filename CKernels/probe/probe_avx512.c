// Measuring kernels; see probe_body.h.
#if defined(__x86_64__)

#include "../simd/compiler.h"
#include "ck_probe.h"

#include <immintrin.h>

enum { CHAINS = 24 };

CK_BEGIN_TARGET(CK_AVX512_FEATURES)
#include "../simd/avx512.h"

#include "../simd/avx512_f32.h"
#include "probe_body.h"
#include "../simd/undefine.h"

#include "../simd/avx512_f64.h"
#include "probe_body.h"
#include "../simd/undefine.h"

CK_END_TARGET

const ck_probe_kernels ck_probe_avx512 = {
    "ck_probe_avx512", CK_ISA_AVX512, probe_fma_f32_avx512, probe_fma_f64_avx512, CHAINS * 16 * 4, CHAINS * 8 * 4,
};

#else
typedef int ck_probe_avx512_is_for_x86_64; // a translation unit may not be empty
#endif
