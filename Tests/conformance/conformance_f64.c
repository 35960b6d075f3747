// The suite for double.
#include "conformance.h"

#define ELEMENT double
#define WIDE wide
#define BITS uint64_t
#define NAME(x) x##_f64
#define NAME_TEXT "f64"
#define CATALOGUE ck_gemm_f64_catalogue
#define SCALAR(x) ((ck_scalar){.f64 = (x)})
#define FMA fma
#define EPSILON 0x1p-53
#define SMALLEST 0x1p-1074
#define SIGNALLING 0x7ff4000000000000
#define EXACT_LIMIT 0x1p53
#define MANTISSA 52
#define WIDE_EXP expl
#define WIDE_LOG logl
#define WIDE_TANH tanhl
#define EXP_LOW -746
#define EXP_HIGH 710
#include "conformance_body.h"
