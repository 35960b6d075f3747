// Kernels for matrices other than products, for one element type on one instruction set, inside a vocabulary
// (simd/vocabulary.h) and after vector/transcendental_body.h and vector/reduction_body.h.

// Columns that are worked on at once: their sums stay in the first-level cache.
enum { NAME(PIECE) = 1024 };

static void NAME(reduce_rows_kernel)(ck_reduction reduction, int64_t rows, int64_t columns, const void *x_,
                                     int64_t ldx, void *results_) {
    const ELEMENT *x = x_;
    ELEMENT *results = results_;
    for (int64_t i = 0; i < rows; i++, x += ldx) switch (reduction) {
        case CK_SUM: results[i] = NAME(sum_of)(columns, x); break;
        case CK_SQUARE_SUM: results[i] = NAME(dot_of)(columns, x, x); break;
        case CK_MINIMUM: results[i] = NAME(minimum_of)(columns, x); break;
        case CK_MAXIMUM: results[i] = NAME(maximum_of)(columns, x); break;
        }
}

// Blocks of rows for a piece of the columns: a block into `block`, all of them into results.
#define REDUCE_COLUMNS(START, STEP, JOIN)                                                    \
    for (int64_t j = 0; j < width; j++) results[j] = START;                                  \
    for (int64_t first = 0; first < rows; first += CK_MATRIX_BLOCK) {                        \
        const int64_t end = rows - first < CK_MATRIX_BLOCK ? rows : first + CK_MATRIX_BLOCK; \
        for (int64_t j = 0; j < width; j++) block[j] = START;                                \
        for (int64_t i = first; i < end; i++) {                                              \
            const ELEMENT *restrict row = x + i * ldx;                                       \
            for (int64_t j = 0; j < width; j++) block[j] = STEP(block[j], row[j]);           \
        }                                                                                    \
        for (int64_t j = 0; j < width; j++) results[j] = JOIN(results[j], block[j]);         \
    }

static void NAME(reduce_columns_kernel)(ck_reduction reduction, int64_t rows, int64_t columns, const void *x_,
                                        int64_t ldx, void *results_) {
    ELEMENT block[NAME(PIECE)];
    for (int64_t start = 0; start < columns; start += NAME(PIECE)) {
        const int64_t width = columns - start < NAME(PIECE) ? columns - start : NAME(PIECE);
        const ELEMENT *x = (const ELEMENT *)x_ + start;
        ELEMENT *restrict results = (ELEMENT *)results_ + start;
#define SUM(a, b) ((a) + (b))
#define SUM_OF_SQUARES(a, b) number_fma(b, b, a)
#define SMALLER(a, b) ((b) < (a) ? (b) : (a))
#define LARGER(a, b) ((b) > (a) ? (b) : (a))
        switch (reduction) {
        case CK_SUM: REDUCE_COLUMNS(0, SUM, SUM) break;
        case CK_SQUARE_SUM: REDUCE_COLUMNS(0, SUM_OF_SQUARES, SUM) break;
        case CK_MINIMUM: REDUCE_COLUMNS((ELEMENT)__builtin_inf(), SMALLER, SMALLER) break;
        case CK_MAXIMUM: REDUCE_COLUMNS((ELEMENT)-__builtin_inf(), LARGER, LARGER) break;
        }
#undef SUM
#undef SUM_OF_SQUARES
#undef SMALLER
#undef LARGER
    }
}
#undef REDUCE_COLUMNS

static void NAME(find_in_rows_kernel)(int64_t rows, int64_t columns, const void *x_, int64_t ldx, const void *values_,
                                      int64_t *positions) {
    enum { STEP = 64 };
    for (int64_t i = 0; i < rows; i++) {
        const ELEMENT *x = (const ELEMENT *)x_ + i * ldx, value = ((const ELEMENT *)values_)[i];
        int64_t j = 0;
        positions[i] = -1;
        // Whole steps without a branch in them, until one holds the value.
        for (; j + STEP <= columns; j += STEP) {
            SIGNED found = 0;
            for (int s = 0; s < STEP; s++) found |= x[j + s] == value ? 1 : 0;
            if (found) break;
        }
        for (; j < columns; j++)
            if (x[j] == value) {
                positions[i] = j;
                break;
            }
    }
}

static void NAME(find_in_columns_kernel)(int64_t rows, int64_t columns, const void *x_, int64_t ldx,
                                         const void *values_, int64_t *positions) {
    // Positions as wide as elements, so that both fill the same vectors; rows from the last to the first.
    SIGNED at[NAME(PIECE)];
    for (int64_t start = 0; start < columns; start += NAME(PIECE)) {
        const int64_t width = columns - start < NAME(PIECE) ? columns - start : NAME(PIECE);
        const ELEMENT *values = (const ELEMENT *)values_ + start;
        for (int64_t j = 0; j < width; j++) positions[start + j] = -1;
        const int64_t most = (int64_t)1 << 30;
        for (int64_t first = 0; first < rows; first += most) {
            const int64_t end = rows - first < most ? rows : first + most;
            for (int64_t j = 0; j < width; j++) at[j] = -1;
            for (int64_t i = end - 1; i >= first; i--) {
                const ELEMENT *x = (const ELEMENT *)x_ + i * ldx + start;
                for (int64_t j = 0; j < width; j++) at[j] = x[j] == values[j] ? (SIGNED)(i - first) : at[j];
            }
            for (int64_t j = 0; j < width; j++)
                if (positions[start + j] < 0 && at[j] >= 0) positions[start + j] = first + at[j];
        }
    }
}

#define COMBINE_ROW(OPERATOR)                                              \
    for (int64_t i = 0; i < rows; i++, x += ldx, y += ldy) {               \
        CK_INDEPENDENT                                                     \
        for (int64_t j = 0; j < columns; j++) y[j] = x[j] OPERATOR row[j]; \
    }
#define COMBINE_COLUMN(OPERATOR)                                          \
    for (int64_t i = 0; i < rows; i++, x += ldx, y += ldy) {              \
        const ELEMENT value = column[i];                                  \
        CK_INDEPENDENT                                                    \
        for (int64_t j = 0; j < columns; j++) y[j] = x[j] OPERATOR value; \
    }

static void NAME(combine_row_kernel)(ck_combination combination, int64_t rows, int64_t columns, const void *x_,
                                     int64_t ldx, const void *row_, void *y_, int64_t ldy) {
    const ELEMENT *x = x_, *row = row_;
    ELEMENT *y = y_;
    switch (combination) {
    case CK_ADD: COMBINE_ROW(+) break;
    case CK_SUBTRACT: COMBINE_ROW(-) break;
    case CK_MULTIPLY: COMBINE_ROW(*) break;
    case CK_DIVIDE: COMBINE_ROW(/) break;
    }
}

static void NAME(combine_column_kernel)(ck_combination combination, int64_t rows, int64_t columns, const void *x_,
                                        int64_t ldx, const void *column_, void *y_, int64_t ldy) {
    const ELEMENT *x = x_, *column = column_;
    ELEMENT *y = y_;
    switch (combination) {
    case CK_ADD: COMBINE_COLUMN(+) break;
    case CK_SUBTRACT: COMBINE_COLUMN(-) break;
    case CK_MULTIPLY: COMBINE_COLUMN(*) break;
    case CK_DIVIDE: COMBINE_COLUMN(/) break;
    }
}
#undef COMBINE_ROW
#undef COMBINE_COLUMN

// e = exp(e) in whole vectors: up to 15 elements past `count` are written too.
static inline void NAME(exponentials)(int64_t count, ELEMENT *e) {
    for (int64_t i = count; i % 16; i++) e[i] = 0;
    for (int64_t start = 0; start < count; start += 16)
        for (int64_t i = start; i < start + 16; i++) e[i] = NAME(exp_of_negative)(e[i]);
}

// e = x - top in whole vectors: up to a vector past `count` is written too.
static inline void NAME(subtract_top)(int64_t count, const ELEMENT *x, ELEMENT top, ELEMENT *e) {
    const VECTOR tops = set1(top);
    int64_t j = 0;
    for (; j + LANES <= count; j += LANES) store(e + j, sub(load(x + j), tops));
    if (j < count) store(e + j, sub(load_masked(x + j, mask_first(count - j)), tops));
}

// Exponentials are taken of several short rows at once, or of a piece of a long one.
static inline CK_ALWAYS_INLINE void NAME(softmax_of)(bool logarithm, int64_t rows, int64_t columns, const ELEMENT *x,
                                                     int64_t ldx, ELEMENT *y, int64_t ldy) {
    enum { TOGETHER = 64 };
    ELEMENT e[NAME(PIECE) + 16], tops[TOGETHER], sums[TOGETHER];
    if (columns <= 0) return;
    const bool is_one_piece = columns <= NAME(PIECE);
    const int64_t fit = is_one_piece ? NAME(PIECE) / columns : 1, most = fit < TOGETHER ? fit : TOGETHER;
    for (int64_t count; rows > 0; rows -= count, x += count * ldx, y += count * ldy) {
        count = most < rows ? most : rows;
        for (int64_t r = 0; r < count; r++) tops[r] = NAME(maximum_of)(columns, x + r * ldx), sums[r] = 0;
        for (int64_t start = 0; start < columns; start += NAME(PIECE)) {
            const int64_t width = columns - start < NAME(PIECE) ? columns - start : NAME(PIECE);
            for (int64_t r = 0; r < count; r++) NAME(subtract_top)(width, x + r * ldx + start, tops[r], e + r * width);
            NAME(exponentials)(count * width, e);
            for (int64_t r = 0; r < count; r++) sums[r] += NAME(sum_of)(width, e + r * width);
            if (!logarithm && !is_one_piece)
                for (int64_t j = 0; j < width; j++) y[start + j] = e[j];
        }
        for (int64_t r = 0; r < count; r++) sums[r] = logarithm ? NAME(log_of)(sums[r]) : (ELEMENT)1 / sums[r];
        for (int64_t r = 0; r < count; r++) {
            const ELEMENT value = sums[r], top = tops[r], *from = x + r * ldx;
            ELEMENT *to = y + r * ldy;
            if (logarithm) {
                CK_INDEPENDENT
                for (int64_t j = 0; j < columns; j++) to[j] = from[j] - top - value;
            } else if (is_one_piece) {
                for (int64_t j = 0; j < columns; j++) to[j] = e[r * columns + j] * value;
            } else {
                for (int64_t j = 0; j < columns; j++) to[j] = to[j] * value;
            }
        }
    }
}

static void NAME(softmax_kernel)(int64_t rows, int64_t columns, const void *x, int64_t ldx, void *y, int64_t ldy) {
    NAME(softmax_of)(false, rows, columns, x, ldx, y, ldy);
}

static void NAME(log_softmax_kernel)(int64_t rows, int64_t columns, const void *x, int64_t ldx, void *y, int64_t ldy) {
    NAME(softmax_of)(true, rows, columns, x, ldx, y, ldy);
}

static void NAME(layer_norm_kernel)(int64_t rows, int64_t columns, const void *x_, int64_t ldx, double epsilon_,
                                    const void *scale_, const void *shift_, void *y_, int64_t ldy) {
    const ELEMENT *x = x_, *scale = scale_, *shift = shift_, epsilon = (ELEMENT)epsilon_, size = (ELEMENT)columns;
    ELEMENT *y = y_;
    for (int64_t i = 0; i < rows; i++, x += ldx, y += ldy) {
        const ELEMENT mean = NAME(sum_of)(columns, x) / size;
        const ELEMENT factor = (ELEMENT)1 / CK_SQRT(NAME(deviation_of)(columns, x, mean) / size + epsilon);
        if (scale && shift) {
            CK_INDEPENDENT
            for (int64_t j = 0; j < columns; j++) y[j] = number_fma((x[j] - mean) * factor, scale[j], shift[j]);
        } else {
            CK_INDEPENDENT
            for (int64_t j = 0; j < columns; j++) y[j] = (x[j] - mean) * factor;
            if (scale) {
                CK_INDEPENDENT
                for (int64_t j = 0; j < columns; j++) y[j] = y[j] * scale[j];
            }
            if (shift) {
                CK_INDEPENDENT
                for (int64_t j = 0; j < columns; j++) y[j] = y[j] + shift[j];
            }
        }
    }
}

static void NAME(rms_norm_kernel)(int64_t rows, int64_t columns, const void *x_, int64_t ldx, double epsilon_,
                                  const void *scale_, void *y_, int64_t ldy) {
    const ELEMENT *x = x_, *scale = scale_, epsilon = (ELEMENT)epsilon_, size = (ELEMENT)columns;
    ELEMENT *y = y_;
    for (int64_t i = 0; i < rows; i++, x += ldx, y += ldy) {
        const ELEMENT factor = (ELEMENT)1 / CK_SQRT(NAME(dot_of)(columns, x, x) / size + epsilon);
        CK_INDEPENDENT
        for (int64_t j = 0; j < columns; j++) y[j] = scale ? x[j] * factor * scale[j] : x[j] * factor;
    }
}

// Blocks of 32 x 32, whose lines stay in the first-level cache while they are written column by column.
static void NAME(transpose_kernel)(int64_t rows, int64_t columns, const void *x_, int64_t ldx, void *y_, int64_t ldy) {
    enum { BLOCK = 32 };
    const ELEMENT *x = x_;
    ELEMENT *y = y_;
    const int64_t whole_rows = rows / LANES * LANES, whole_columns = columns / LANES * LANES;
    for (int64_t top = 0; top < whole_rows; top += BLOCK) {
        const int64_t bottom = top + BLOCK < whole_rows ? top + BLOCK : whole_rows;
        for (int64_t left = 0; left < whole_columns; left += BLOCK) {
            const int64_t right = left + BLOCK < whole_columns ? left + BLOCK : whole_columns;
            for (int64_t j = left; j < right; j += LANES)
                for (int64_t i = top; i < bottom; i += LANES) {
                    VECTOR r[LANES];
                    load_transposed(r, (const char *)(x + i * ldx + j), ldx * (int64_t)sizeof(ELEMENT));
                    CK_UNROLL
                    for (int v = 0; v < LANES; v++) store(y + (j + v) * ldy + i, r[v]);
                }
        }
    }
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = i < whole_rows ? whole_columns : 0; j < columns; j++) y[j * ldy + i] = x[i * ldx + j];
}

#define ROW_(text) #text
#define ROW_TEXT(text) ROW_(text)
const ck_matrix_kernels NAME(ck_matrix) = {
    .name = ROW_TEXT(NAME(ck_matrix)),
    .isa = ROW_ISA,
    .byte_count = sizeof(ELEMENT),
    .reduce_rows = NAME(reduce_rows_kernel),
    .reduce_columns = NAME(reduce_columns_kernel),
    .find_in_rows = NAME(find_in_rows_kernel),
    .find_in_columns = NAME(find_in_columns_kernel),
    .combine_row = NAME(combine_row_kernel),
    .combine_column = NAME(combine_column_kernel),
    .softmax = NAME(softmax_kernel),
    .log_softmax = NAME(log_softmax_kernel),
    .layer_norm = NAME(layer_norm_kernel),
    .rms_norm = NAME(rms_norm_kernel),
    .transpose = NAME(transpose_kernel),
};
#undef ROW_TEXT
#undef ROW_
