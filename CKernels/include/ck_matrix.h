// Kernels for matrices other than products: reductions of rows and columns, a row or a column combined with all of a
// matrix, softmax, normalisation, transposition.
//
// Shapes      row-major with leading dimensions in elements, at least the row's length; rows <= 0 or columns <= 0 does
//             nothing, but for reductions, which give what they give of no elements.
// Alignment   that of the element. `y` may be `x` with the same leading dimension where nothing else is said, and must
//             not overlap an operand otherwise.
// Promise     the same bits on every instruction set, at every position, for every leading dimension. A row has the
//             same bits alone and among others. Rows are reduced like vectors (ck_vector.h). Columns are reduced in
//             blocks of CK_MATRIX_BLOCK rows: within a block in ascending order, then blocks in ascending order.
// Failure     none. NaN and infinities pass as the formulas say.
#ifndef CK_MATRIX_H
#define CK_MATRIX_H

#include "ck_cpu.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { CK_MATRIX_BLOCK = 256 };

// How a row or a column is reduced: the sum, the sum of squares by multiply-adds, the smallest and the largest element
// that is a number, +inf and -inf where there is none.
typedef enum ck_reduction { CK_SUM, CK_SQUARE_SUM, CK_MINIMUM, CK_MAXIMUM } ck_reduction;

// How each element of a matrix is combined with one of a vector: x + v, x - v, x * v, x / v.
typedef enum ck_combination { CK_ADD, CK_SUBTRACT, CK_MULTIPLY, CK_DIVIDE } ck_combination;

// One row of the catalogue: all kernels of one element type on one instruction set.
typedef struct ck_matrix_kernels {
    const char *name; // ck_matrix_f32_avx512
    ck_isa isa;
    int32_t byte_count; // of an element

    // results[i] = reduction of row i.
    void (*reduce_rows)(ck_reduction reduction, int64_t rows, int64_t columns, const void *x, int64_t ldx,
                        void *results);
    // results[j] = reduction of column j.
    void (*reduce_columns)(ck_reduction reduction, int64_t rows, int64_t columns, const void *x, int64_t ldx,
                           void *results);
    // positions[i] = the first column at which row i equals values[i], -1 where none does. For arguments of minima and
    // maxima.
    void (*find_in_rows)(int64_t rows, int64_t columns, const void *x, int64_t ldx, const void *values,
                         int64_t *positions);
    // positions[j] = the first row at which column j equals values[j], -1 where none does.
    void (*find_in_columns)(int64_t rows, int64_t columns, const void *x, int64_t ldx, const void *values,
                            int64_t *positions);
    // y[i][j] = x[i][j] combined with row[j].
    void (*combine_row)(ck_combination combination, int64_t rows, int64_t columns, const void *x, int64_t ldx,
                        const void *row, void *y, int64_t ldy);
    // y[i][j] = x[i][j] combined with column[i].
    void (*combine_column)(ck_combination combination, int64_t rows, int64_t columns, const void *x, int64_t ldx,
                           const void *column, void *y, int64_t ldy);
    // In each row, from x less its largest number, so that nothing overflows: y = e / sum of e, e = exp(x - largest),
    // +0 below e^-87 (f64: e^-708); y = x - largest - log(sum of e). Sums are those of pieces of 1,024 columns, added
    // in ascending order.
    void (*softmax)(int64_t rows, int64_t columns, const void *x, int64_t ldx, void *y, int64_t ldy);
    void (*log_softmax)(int64_t rows, int64_t columns, const void *x, int64_t ldx, void *y, int64_t ldy);
    // In each row: y = (x - mean) * f, f = 1 / sqrt(variance + epsilon), then fma(y, scale[j], shift[j]). The variance
    // is that of the row, the sum of squared deviations over the number of columns. `scale` and `shift` may be NULL:
    // where one is, y * scale[j] or y + shift[j] is done alone. (Ba, Kiros and Hinton, "Layer Normalization", 2016.)
    void (*layer_norm)(int64_t rows, int64_t columns, const void *x, int64_t ldx, double epsilon, const void *scale,
                       const void *shift, void *y, int64_t ldy);
    // In each row: y = x * f, f = 1 / sqrt(mean of squares + epsilon), then y * scale[j]; `scale` may be NULL: y
    // alone. (Zhang and Sennrich, "Root Mean Square Layer Normalization", 2019.)
    void (*rms_norm)(int64_t rows, int64_t columns, const void *x, int64_t ldx, double epsilon, const void *scale,
                     void *y, int64_t ldy);
    // y[j][i] = x[i][j]; y must not overlap x.
    void (*transpose)(int64_t rows, int64_t columns, const void *x, int64_t ldx, void *y, int64_t ldy);
} ck_matrix_kernels;

// The rows that were built for this architecture, f32 before f64, best first.
const ck_matrix_kernels *const *ck_matrix_catalogue(int32_t *count);

// The row in use for an element type: that of ck_isa_selected().
const ck_matrix_kernels *ck_matrix_f32(void);
const ck_matrix_kernels *ck_matrix_f64(void);

#ifdef __cplusplus
}
#endif
#endif
