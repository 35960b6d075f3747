// Reductions, softmax, normalisation, transposition; see matrix_body.h.
#include "../simd/compiler.h"
#include "ck_matrix.h"
#include "ck_vector.h"

#include <math.h>
#include <stdbool.h>

#define ROW_ISA CK_ISA_PORTABLE

#include "../simd/portable.h"

#include "../simd/portable_f32.h"
#include "../vector/transcendental_body.h"
#include "../vector/reduction_body.h"
#include "matrix_body.h"
#include "../vector/transcendental_undefine.h"
#include "../simd/undefine.h"

#include "../simd/portable_f64.h"
#include "../vector/transcendental_body.h"
#include "../vector/reduction_body.h"
#include "matrix_body.h"
#include "../vector/transcendental_undefine.h"
#include "../simd/undefine.h"
