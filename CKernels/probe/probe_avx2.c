// Measuring kernels; see probe_body.h.
#if defined(__x86_64__)

#include "../simd/compiler.h"
#include "ck_probe.h"

#include <immintrin.h>

enum { CHAINS = 12 };

CK_BEGIN_TARGET(CK_AVX2_FEATURES)
#include "../simd/avx2.h"

#include "../simd/avx2_f32.h"
#include "probe_body.h"
#include "../simd/undefine.h"

#include "../simd/avx2_f64.h"
#include "probe_body.h"
#include "../simd/undefine.h"

CK_END_TARGET

const ck_probe_kernels ck_probe_avx2 = {
    "ck_probe_avx2", CK_ISA_AVX2, probe_fma_f32_avx2, probe_fma_f64_avx2, CHAINS * 8 * 4, CHAINS * 4 * 4,
};

#else
typedef int ck_probe_avx2_is_for_x86_64; // a translation unit may not be empty
#endif
