// Measuring kernels; see probe_body.h.
#include "../simd/compiler.h"
#include "ck_probe.h"

#include <math.h>
#include <stdbool.h>

enum { CHAINS = 12 };

#include "../simd/portable.h"

#include "../simd/portable_f32.h"
#include "probe_body.h"
#include "../simd/undefine.h"

#include "../simd/portable_f64.h"
#include "probe_body.h"
#include "../simd/undefine.h"

const ck_probe_kernels ck_probe_portable = {
    "ck_probe_portable",    CK_ISA_PORTABLE, probe_fma_f32_portable,
    probe_fma_f64_portable, CHAINS * 1 * 4,  CHAINS * 1 * 4,
};
