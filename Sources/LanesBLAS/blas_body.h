// gemm and gemv of one precision, after defining:
//   ELEMENT                       float or double
//   CBLAS(name) FORTRAN(name)     cblas_sgemm, sgemm_
//   ROUTINE(name)                 "SGEMM "
//   KERNELS() SCALAR(x)           the catalogue row in use; x as a ck_scalar

// Column-major is row-major with the operands exchanged.
static inline void NAME(gemm)(bool transa, bool transb, int64_t m, int64_t n, int64_t k, ELEMENT alpha,
                              const ELEMENT *a, int64_t lda, const ELEMENT *b, int64_t ldb, ELEMENT beta, ELEMENT *c,
                              int64_t ldc) {
    const ck_gemm_problem problem = {.m = m,
                                     .n = n,
                                     .k = k,
                                     .a = a,
                                     .lda = lda,
                                     .b = b,
                                     .ldb = ldb,
                                     .c = c,
                                     .ldc = ldc,
                                     .alpha = SCALAR(alpha),
                                     .beta = SCALAR(beta),
                                     .transpose_a = transa,
                                     .transpose_b = transb};
    ck_gemm_shared(KERNELS(), &problem);
}

// a is row-major m x n here. A negative increment runs from the end of the vector.
static inline void NAME(gemv)(bool trans, int64_t m, int64_t n, ELEMENT alpha, const ELEMENT *a, int64_t lda,
                              const ELEMENT *x, int64_t incx, ELEMENT beta, ELEMENT *y, int64_t incy) {
    if (m == 0 || n == 0) return;
    if (incx < 0) x -= ((trans ? m : n) - 1) * incx;
    if (incy < 0) y -= ((trans ? n : m) - 1) * incy;
    const ck_gemv_problem problem = {.m = m,
                                     .n = n,
                                     .a = a,
                                     .lda = lda,
                                     .x = x,
                                     .incx = incx,
                                     .y = y,
                                     .incy = incy,
                                     .alpha = SCALAR(alpha),
                                     .beta = SCALAR(beta),
                                     .transpose = trans};
    ck_gemv_parallel(ck_pool_shared(), KERNELS(), &problem);
}

void CBLAS(gemm)(CBLAS_LAYOUT layout, CBLAS_TRANSPOSE transa, CBLAS_TRANSPOSE transb, int m, int n, int k,
                 ELEMENT alpha, const ELEMENT *a, int lda, const ELEMENT *b, int ldb, ELEMENT beta, ELEMENT *c,
                 int ldc) {
    const int ta = transpose_of(transa), tb = transpose_of(transb);
    int bad;
    if (layout == CblasRowMajor) {
        // Checked in the caller's order; sizes and leading dimensions are those of the exchanged column-major product.
        bad = ta < 0 ? 1 : tb < 0 ? 2 : gemm_bad_argument(tb, ta, n, m, k, ldb, lda, ldc);
        if (__builtin_expect(!bad, 1)) {
            NAME(gemm)(ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
            return;
        }
    } else if (layout == CblasColMajor) {
        bad = gemm_bad_argument(ta, tb, m, n, k, lda, ldb, ldc);
        if (__builtin_expect(!bad, 1)) {
            NAME(gemm)(tb, ta, n, m, k, alpha, b, ldb, a, lda, beta, c, ldc);
            return;
        }
    } else {
        bad = 0;
    }
    RowMajorStrg = layout == CblasRowMajor;
    lanes_blas_bad_argument_c(bad + 1, CBLAS_ROUTINE(gemm));
}

void CBLAS(gemv)(CBLAS_LAYOUT layout, CBLAS_TRANSPOSE trans, int m, int n, ELEMENT alpha, const ELEMENT *a, int lda,
                 const ELEMENT *x, int incx, ELEMENT beta, ELEMENT *y, int incy) {
    const int t = transpose_of(trans);
    int bad;
    if (layout == CblasRowMajor) {
        bad = gemv_bad_argument(t, n, m, lda, incx, incy);
        if (__builtin_expect(!bad, 1)) {
            NAME(gemv)(t, m, n, alpha, a, lda, x, incx, beta, y, incy);
            return;
        }
    } else if (layout == CblasColMajor) {
        bad = gemv_bad_argument(t, m, n, lda, incx, incy);
        if (__builtin_expect(!bad, 1)) {
            NAME(gemv)(!t, n, m, alpha, a, lda, x, incx, beta, y, incy);
            return;
        }
    } else {
        bad = 0;
    }
    RowMajorStrg = layout == CblasRowMajor;
    lanes_blas_bad_argument_c(bad + 1, CBLAS_ROUTINE(gemv));
}

void FORTRAN(gemm)(const char *transa, const char *transb, const int *m, const int *n, const int *k,
                   const ELEMENT *alpha, const ELEMENT *a, const int *lda, const ELEMENT *b, const int *ldb,
                   const ELEMENT *beta, ELEMENT *c, const int *ldc) {
    const int ta = transpose_of_letter(*transa), tb = transpose_of_letter(*transb);
    const int bad = gemm_bad_argument(ta, tb, *m, *n, *k, *lda, *ldb, *ldc);
    if (bad)
        lanes_blas_bad_argument_fortran(bad, FORTRAN_ROUTINE(GEMM));
    else
        NAME(gemm)(tb, ta, *n, *m, *k, *alpha, b, *ldb, a, *lda, *beta, c, *ldc);
}

void FORTRAN(gemv)(const char *trans, const int *m, const int *n, const ELEMENT *alpha, const ELEMENT *a,
                   const int *lda, const ELEMENT *x, const int *incx, const ELEMENT *beta, ELEMENT *y,
                   const int *incy) {
    const int t = transpose_of_letter(*trans);
    const int bad = gemv_bad_argument(t, *m, *n, *lda, *incx, *incy);
    if (bad)
        lanes_blas_bad_argument_fortran(bad, FORTRAN_ROUTINE(GEMV));
    else
        NAME(gemv)(!t, *n, *m, *alpha, a, *lda, x, *incx, *beta, y, *incy);
}
