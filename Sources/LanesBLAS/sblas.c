// The single-precision routines.
#include "blas_internal.h"

#define ELEMENT float
#define NAME(name) s_##name
#define CBLAS(name) cblas_s##name
#define FORTRAN(name) s##name##_
#define CBLAS_ROUTINE(name) "cblas_s" #name
#define FORTRAN_ROUTINE(name) "S" #name " "
#define KERNELS() ck_gemm_f32()
#define SCALAR(x) ((ck_scalar){.f32 = (x)})
#include "blas_body.h"
