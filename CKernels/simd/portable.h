// Plain C: a "vector" is one number, and fma() of the C library rounds once on every processor. What the vocabularies
// portable_f32.h and portable_f64.h are made of. Include it once in a file, inside the region of its target.
#include "compiler.h"

static inline float fma_f32(float a, float b, float c) { return fmaf(a, b, c); }
static inline double fma_f64(double a, double b, double c) { return fma(a, b, c); }
