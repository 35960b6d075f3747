// Measuring kernels; see probe_body.h.
#if defined(__aarch64__)

#include "../simd/compiler.h"
#include "ck_probe.h"

#include <arm_neon.h>

enum { CHAINS = 24 };

#include "../simd/neon.h"

#include "../simd/neon_f32.h"
#include "probe_body.h"
#include "../simd/undefine.h"

#include "../simd/neon_f64.h"
#include "probe_body.h"
#include "../simd/undefine.h"

const ck_probe_kernels ck_probe_neon = {
    "ck_probe_neon", CK_ISA_NEON, probe_fma_f32_neon, probe_fma_f64_neon, CHAINS * 4 * 4, CHAINS * 2 * 4,
};

#else
typedef int ck_probe_neon_is_for_arm64; // a translation unit may not be empty
#endif
