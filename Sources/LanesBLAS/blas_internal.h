// What the two precisions share.
#ifndef BLAS_INTERNAL_H
#define BLAS_INTERNAL_H

#include "ck_gemm.h"
// The library itself is built with its own names, whatever the system has.
#define LANES_BLAS_OWN_NAMES
#include "lanes_blas.h"

// 0 for no transpose, 1 for a transpose (a conjugate one is the same for real numbers), -1 for anything else.
static inline int transpose_of(CBLAS_TRANSPOSE trans) {
    switch ((int)trans) {
    case 111:
    case 114: return 0; // a conjugate of real numbers; not every cblas.h has a name for 114
    case 112:
    case 113: return 1;
    default: return -1;
    }
}

static inline int transpose_of_letter(char letter) {
    switch (letter) {
    case 'N':
    case 'n': return 0;
    case 'T':
    case 't':
    case 'C':
    case 'c': return 1;
    default: return -1;
    }
}

extern int RowMajorStrg;

// Call the program's handler of a bad argument, or print a line. The routine's name as the reference has it.
void lanes_blas_bad_argument_c(int parameter, const char *routine);
void lanes_blas_bad_argument_fortran(int parameter, const char *routine);

static inline int at_least_1(int x) { return x > 1 ? x : 1; }

// Position of the first bad argument in the Fortran call, 0 where all are good. Column-major: A is (trans ? k x m : m
// x k).
static inline int gemm_bad_argument(int transa, int transb, int m, int n, int k, int lda, int ldb, int ldc) {
    if (transa < 0) return 1;
    if (transb < 0) return 2;
    if (m < 0) return 3;
    if (n < 0) return 4;
    if (k < 0) return 5;
    if (lda < at_least_1(transa ? k : m)) return 8;
    if (ldb < at_least_1(transb ? n : k)) return 10;
    if (ldc < at_least_1(m)) return 13;
    return 0;
}

static inline int gemv_bad_argument(int trans, int m, int n, int lda, int incx, int incy) {
    if (trans < 0) return 1;
    if (m < 0) return 2;
    if (n < 0) return 3;
    if (lda < at_least_1(m)) return 6;
    if (incx == 0) return 8;
    if (incy == 0) return 11;
    return 0;
}

#endif
