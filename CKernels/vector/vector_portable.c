// Elementwise kernels, streams and reductions; see vector_body.h.
#include "../simd/compiler.h"
#include "ck_vector.h"

#include <math.h>
#include <stdbool.h>

#define ROW_ISA CK_ISA_PORTABLE
#define CK_STREAM_FENCE() ((void)0)

#include "../simd/portable.h"

#include "../simd/portable_f32.h"
#include "transcendental_body.h"
#include "vector_body.h"
#include "transcendental_undefine.h"
#include "../simd/undefine.h"

#include "../simd/portable_f64.h"
#include "transcendental_body.h"
#include "vector_body.h"
#include "transcendental_undefine.h"
#include "../simd/undefine.h"
