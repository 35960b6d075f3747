// The suite for float.
#include "conformance.h"

#define ELEMENT float
#define WIDE double
#define BITS uint32_t
#define NAME(x) x##_f32
#define NAME_TEXT "f32"
#define CATALOGUE ck_gemm_f32_catalogue
#define SCALAR(x) ((ck_scalar){.f32 = (x)})
#define FMA fmaf
#define EPSILON 0x1p-24
#define SMALLEST 0x1p-149f
#define SIGNALLING 0x7fa00000
#define EXACT_LIMIT 0x1p24
#define MANTISSA 23
#define WIDE_EXP exp
#define WIDE_LOG log
#define WIDE_TANH tanh
#define EXP_LOW -104
#define EXP_HIGH 89
#include "conformance_body.h"
