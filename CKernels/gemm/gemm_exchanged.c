// Products of few columns, and matrix times vector: the same products with the operands exchanged, which have few
// rows.
#include "gemm_plan.h"

// One row of C whose elements stand `stride` bytes apart, or several whose elements of a column are neighbours:
// through contiguous pieces of them at a time.
static void run_scattered_rows(const ck_gemm_kernels *kernels, const ck_gemm_problem *rows, int64_t stride) {
    enum { PIECE_BYTES = 8192 };
    char piece[PIECE_BYTES] __attribute__((aligned(64)));
    const int64_t element = kernels->description.byte_count, m = rows->m;
    const int64_t most = PIECE_BYTES / (element * m) / CK_ROWS_MAX * CK_ROWS_MAX;
    for (int64_t j = 0; j < rows->n; j += most) {
        const int64_t n = smaller(most, rows->n - j);
        char *c = (char *)rows->c + j * stride;
        if (!scalar_is(&rows->beta, element, 0))
            for (int64_t i = 0; i < m; i++)
                copy_elements(piece + i * n * element, element, c + i * element, stride, n, element);
        ck_gemm_problem part = *rows;
        part.n = n;
        part.c = piece;
        part.ldc = n;
        part.b = (const char *)rows->b + j * element * (rows->transpose_b ? rows->ldb : 1);
        if (rows->bias_kind == CK_BIAS_PER_COLUMN) part.bias = (const char *)rows->bias + j * element;
        ck_gemm(kernels, &part);
        if (m == 1)
            copy_elements(c, stride, piece, element, n, element);
        else
            kernels->write_columns(c, stride, piece, n * element, m, n);
    }
}

// C has few columns: the same product with the operands exchanged has few rows.
void ck_gemm_exchanged(const ck_gemm_kernels *kernels, const ck_gemm_problem *p) {
    const int64_t element = kernels->description.byte_count;
    ck_gemm_problem rows = *p;
    rows.m = p->n;
    rows.n = p->m;
    rows.a = p->b;
    rows.lda = p->ldb;
    rows.transpose_a = !p->transpose_b;
    rows.b = p->a;
    rows.ldb = p->lda;
    rows.transpose_b = !p->transpose_a;
    rows.ldc = p->m;
    rows.bias_kind = p->bias_kind == CK_BIAS_PER_ROW      ? CK_BIAS_PER_COLUMN
                     : p->bias_kind == CK_BIAS_PER_COLUMN ? CK_BIAS_PER_ROW
                                                          : CK_BIAS_NONE;
    if (p->n == 1 && p->ldc == 1)
        ck_gemm(kernels, &rows);
    else
        run_scattered_rows(kernels, &rows, p->ldc * element);
}

ck_gemm_problem ck_gemv_as_gemm(const ck_gemv_problem *p) {
    return (ck_gemm_problem){
        .m = 1,
        .n = p->transpose ? p->n : p->m,
        .k = p->transpose ? p->m : p->n,
        .a = p->x,
        .lda = p->incx,
        .transpose_a = true,
        .b = p->a,
        .ldb = p->lda,
        .transpose_b = !p->transpose,
        .c = p->y,
        .ldc = p->transpose ? p->n : p->m,
        .alpha = p->alpha,
        .beta = p->beta,
    };
}

void ck_gemv(const ck_gemm_kernels *kernels, const ck_gemv_problem *p) {
    const ck_gemm_problem row = ck_gemv_as_gemm(p);
    if (p->incy == 1)
        ck_gemm(kernels, &row);
    else
        run_scattered_rows(kernels, &row, p->incy * kernels->description.byte_count);
}
