// The double-precision routines.
#include "blas_internal.h"

#define ELEMENT double
#define NAME(name) d_##name
#define CBLAS(name) cblas_d##name
#define FORTRAN(name) d##name##_
#define CBLAS_ROUTINE(name) "cblas_d" #name
#define FORTRAN_ROUTINE(name) "D" #name " "
#define KERNELS() ck_gemm_f64()
#define SCALAR(x) ((ck_scalar){.f64 = (x)})
#include "blas_body.h"
