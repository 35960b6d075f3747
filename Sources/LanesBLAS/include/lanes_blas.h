// The C and Fortran interface of LanesBLAS: a subset of BLAS with the kernels of swift-lanes.
//
// Row- and column-major, with the argument order and meaning of the reference BLAS. Results follow the numeric promise
// of ck_gemm.h: the same bits for every instruction set, number of threads and layout of the operands, which a BLAS
// does not promise by itself.
// A bad argument calls the program's cblas_xerbla or xerbla_ with the reference library's parameter number, if the
// program or a library of its (such as LAPACK) has one; else a line is printed. Either way the call returns without
// touching its output.
//
// Large products run on several threads: as many as the affinity mask, the CPU quota and LANES_NUM_THREADS allow,
// whichever is least. Functions may be called from any number of threads at once, and after fork.
//
// Integers are 32 bits (LP64). Environment: LANES_ISA forces an instruction set.
#ifndef LANES_BLAS_H
#define LANES_BLAS_H

#ifdef __cplusplus
extern "C" {
#endif

// The names of CBLAS, from the system's or the program's cblas.h where there is one, so that it may be included before
// and after this.
#if !defined(CBLAS_H) && !defined(LANES_BLAS_OWN_NAMES) && defined(__has_include)
#if __has_include(<cblas.h>)
#include <cblas.h>
#endif
#endif
#ifndef CBLAS_H
typedef enum CBLAS_LAYOUT { CblasRowMajor = 101, CblasColMajor = 102 } CBLAS_LAYOUT;
#define CBLAS_ORDER CBLAS_LAYOUT // the name before 2015
typedef enum CBLAS_TRANSPOSE {
    CblasNoTrans = 111,
    CblasTrans = 112,
    CblasConjTrans = 113,
    CblasConjNoTrans = 114
} CBLAS_TRANSPOSE;
#ifndef CBLAS_INT
#define CBLAS_INT int
#endif

// C = alpha * op(A) * op(B) + beta * C;  op(A) is m x k, op(B) is k x n, C is m x n.
void cblas_sgemm(CBLAS_LAYOUT layout, CBLAS_TRANSPOSE transa, CBLAS_TRANSPOSE transb, int m, int n, int k, float alpha,
                 const float *a, int lda, const float *b, int ldb, float beta, float *c, int ldc);
void cblas_dgemm(CBLAS_LAYOUT layout, CBLAS_TRANSPOSE transa, CBLAS_TRANSPOSE transb, int m, int n, int k,
                 double alpha, const double *a, int lda, const double *b, int ldb, double beta, double *c, int ldc);

// y = alpha * op(A) * x + beta * y;  A is m x n.
void cblas_sgemv(CBLAS_LAYOUT layout, CBLAS_TRANSPOSE trans, int m, int n, float alpha, const float *a, int lda,
                 const float *x, int incx, float beta, float *y, int incy);
void cblas_dgemv(CBLAS_LAYOUT layout, CBLAS_TRANSPOSE trans, int m, int n, double alpha, const double *a, int lda,
                 const double *x, int incx, double beta, double *y, int incy);

// Not defined here: called with the number of the bad parameter and the routine's name, where the program has it.
void cblas_xerbla(int parameter, const char *routine, const char *form, ...);
#endif

// Fortran names, column-major, every argument by reference.
void sgemm_(const char *transa, const char *transb, const int *m, const int *n, const int *k, const float *alpha,
            const float *a, const int *lda, const float *b, const int *ldb, const float *beta, float *c,
            const int *ldc);
void dgemm_(const char *transa, const char *transb, const int *m, const int *n, const int *k, const double *alpha,
            const double *a, const int *lda, const double *b, const int *ldb, const double *beta, double *c,
            const int *ldc);
void sgemv_(const char *trans, const int *m, const int *n, const float *alpha, const float *a, const int *lda,
            const float *x, const int *incx, const float *beta, float *y, const int *incy);
void dgemv_(const char *trans, const int *m, const int *n, const double *alpha, const double *a, const int *lda,
            const double *x, const int *incx, const double *beta, double *y, const int *incy);

// Not defined here: called with the routine's name, padded with a blank, and the number of the bad parameter, where
// the program has it.
void xerbla_(const char *routine, const int *parameter, int routine_length);

#ifdef __cplusplus
}
#endif
#endif
