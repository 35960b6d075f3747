// The micro-kernels of one element type on one ISA. No include guard: a file gemm_<isa>.c includes this once per
// element type, inside a vocabulary (simd/vocabulary.h) and after defining:
//
//   KERNELS DESCRIPTION   the catalogue row: its symbol and its description
//   MAX_ROWS_1 MAX_ROWS_2 MAX_ROWS_3 MAX_ROWS_6
//                         rows of the tallest micro-kernel of each width: its accumulators, one row of B and a
//                         broadcast fit the registers
//   DOT_ROWS DOT_ROWS_2   rows of the tallest dot tile, and of the tallest that is two vectors wide
//
// Every accumulator is one chain of fused multiply-adds in ascending k from +0. That chain is the numeric promise of
// ck_gemm.h: nothing here may reorder, split or shorten it.

typedef VECTOR NAME(accumulators)[CK_ROWS_MAX][CK_VECTORS_MAX];

// Where a tile stands in its operands.
typedef struct NAME(position) {
    // Rows are addressed as base + {0, 1, 2} * stride: twelve rows need four pointers and two strides.
    const char *a[(CK_ROWS_MAX + 2) / 3], *b, *ahead;
    char *packed;
    int64_t a_row, a_row2, a_step, b_step, b_panel, ahead_step;
} NAME(position);

// One step of k. In a tile that is at least as tall as wide a row of B stays in registers, and op(A) is broadcast from
// memory.
static inline CK_ALWAYS_INLINE void NAME(step)(NAME(position) * at, NAME(accumulators) acc, const int rows,
                                               const int vectors, const ck_b_source source, const bool masked,
                                               const int fetch, const MASK last) {
    CK_UNROLL
    for (int g = 0; g < (rows + 2) / 3; g++) CK_OPAQUE(at->a[g]);
    VECTOR bv[CK_VECTORS_MAX], av[CK_ROWS_MAX];
    if (rows < vectors) {
        CK_UNROLL
        for (int r = 0; r < rows; r++)
            av[r] = broadcast((const ELEMENT *)(at->a[r / 3] + (r % 3 == 0   ? 0
                                                                : r % 3 == 1 ? at->a_row
                                                                             : at->a_row2)));
    }
    CK_UNROLL
    for (int v = 0; v < vectors; v++) {
        const ELEMENT *row =
            (const ELEMENT *)(at->b + v / CK_PANEL_VECTORS * at->b_panel) + v % CK_PANEL_VECTORS * LANES;
        bv[v] = masked && v == vectors - 1 ? load_masked(row, last) : load(row);
        if (source == CK_B_PACKING) store((ELEMENT *)at->packed + v * LANES, bv[v]);
        if (rows < vectors) {
            CK_UNROLL
            for (int r = 0; r < rows; r++) acc[r][v] = fma(av[r], bv[v], acc[r][v]);
        }
    }
    if (rows >= vectors) {
        CK_UNROLL
        for (int r = 0; r < rows; r++) {
            av[r] = broadcast((const ELEMENT *)(at->a[r / 3] + (r % 3 == 0   ? 0
                                                                : r % 3 == 1 ? at->a_row
                                                                             : at->a_row2)));
            CK_UNROLL
            for (int v = 0; v < vectors; v++) acc[r][v] = fma(av[r], bv[v], acc[r][v]);
        }
    }
    CK_UNROLL
    for (int g = 0; g < (rows + 2) / 3; g++) at->a[g] += at->a_step;
    at->b += at->b_step;
    if (source == CK_B_PACKING) at->packed += (size_t)vectors * sizeof(VECTOR);
    CK_UNROLL
    for (int line = 0; line < fetch; line++) {
        if (source == CK_B_PACKING) // into L1
            __builtin_prefetch(at->ahead + 64 * line);
        else
            __builtin_prefetch(at->ahead + 64 * line, 0, 2);
    }
    if (fetch) at->ahead += at->ahead_step;
}

static inline CK_ALWAYS_INLINE void NAME(accumulate)(const ck_gemm_tile *t, NAME(accumulators) acc, const int rows,
                                                     const int vectors, const ck_b_source source, const bool masked,
                                                     const int fetch, const MASK last) {
    NAME(position)
    at = {.b = t->b, .ahead = t->ahead, .packed = t->b_packed, .a_row = t->a_row, .a_row2 = 2 * t->a_row};
    at.a_step = t->a_step, at.b_step = t->b_step, at.b_panel = t->b_panel, at.ahead_step = t->ahead_step;
    CK_OPAQUE(at.a_row2);
    CK_UNROLL
    for (int g = 0; g < (rows + 2) / 3; g++) at.a[g] = t->a + 3 * g * at.a_row;
    int64_t p = t->k;
    // Two steps in a turn where B is read in place and nothing is fetched ahead: the end of shorter loops is predicted
    // better.
    if (source == CK_B_IN_PLACE && !fetch)
        for (; p >= 2; p -= 2) {
            NAME(step)(&at, acc, rows, vectors, source, masked, fetch, last);
            NAME(step)(&at, acc, rows, vectors, source, masked, fetch, last);
        }
    for (; p > 0; p--) NAME(step)(&at, acc, rows, vectors, source, masked, fetch, last);
}

// Writes finished chunk sums: C = fma(alpha, s, beta * C), with -0, the neutral element of addition, where C is not
// read.
static inline CK_ALWAYS_INLINE void NAME(write)(const ck_gemm_tile *t, NAME(accumulators) acc, const int rows,
                                                const int vectors, const MASK last) {
    const uint32_t update = t->update;
    if (update & (CK_UPDATE_SCALE | CK_UPDATE_ADD)) {
        const VECTOR alpha = broadcast((const ELEMENT *)t->alpha), beta = broadcast((const ELEMENT *)t->beta);
        CK_UNROLL
        for (int r = 0; r < rows; r++) {
            const ELEMENT *row = (const ELEMENT *)(t->c + r * t->c_row);
            CK_UNROLL
            for (int v = 0; v < vectors; v++) {
                VECTOR base = set1((ELEMENT)-0.0);
                if (update & CK_UPDATE_ADD)
                    base = mul(beta, v == vectors - 1 ? load_masked(row + v * LANES, last) : load(row + v * LANES));
                acc[r][v] = fma(alpha, acc[r][v], base);
            }
        }
    }
    if (update & CK_UPDATE_COLUMN_BIAS) {
        const ELEMENT *bias = (const ELEMENT *)t->column_bias;
        CK_UNROLL
        for (int v = 0; v < vectors; v++) {
            const VECTOR bv = v == vectors - 1 ? load_masked(bias + v * LANES, last) : load(bias + v * LANES);
            CK_UNROLL
            for (int r = 0; r < rows; r++) acc[r][v] = add(acc[r][v], bv);
        }
    }
    if (update & CK_UPDATE_ROW_BIAS) {
        CK_UNROLL
        for (int r = 0; r < rows; r++) {
            const VECTOR bv = broadcast((const ELEMENT *)t->row_bias + r);
            CK_UNROLL
            for (int v = 0; v < vectors; v++) acc[r][v] = add(acc[r][v], bv);
        }
    }
    if (update & CK_UPDATE_RELU) {
        CK_UNROLL
        for (int r = 0; r < rows; r++) {
            CK_UNROLL
            for (int v = 0; v < vectors; v++) acc[r][v] = relu(acc[r][v]);
        }
    }
    CK_UNROLL
    for (int r = 0; r < rows; r++) {
        ELEMENT *row = (ELEMENT *)(t->c + r * t->c_row);
        CK_UNROLL
        for (int v = 0; v < vectors - 1; v++) store(row + v * LANES, acc[r][v]);
        store_masked(row + (vectors - 1) * LANES, last, acc[r][vectors - 1]);
    }
}

static inline CK_ALWAYS_INLINE void NAME(tile)(const ck_gemm_tile *t, const int rows, const int vectors) {
    NAME(accumulators) acc;
    CK_UNROLL
    for (int r = 0; r < rows; r++) {
        CK_UNROLL
        for (int v = 0; v < vectors; v++) acc[r][v] = set1(0);
    }
    const MASK last = mask_first(t->columns - (vectors - 1) * LANES);
    // C is wanted for writing at the end; asking now hides the fetch behind the multiply-adds.
    if (t->c_is_far) {
        CK_UNROLL
        for (int r = 0; r < rows; r++) {
            CK_UNROLL
            for (int v = 0; v < vectors; v++) __builtin_prefetch(t->c + r * t->c_row + v * (int)sizeof(VECTOR), 1);
        }
    }
    const int lines = (vectors * (int)sizeof(VECTOR) + 63) / 64;
    // A masked load in every step costs whole tiles 4 to 28% (Golden Cove, AVX-512 and AVX2), so they have none. A
    // ragged panel is a row's last one: there is nothing to ask for ahead of it.
    const bool whole = t->columns == vectors * LANES;
    if (vectors <= CK_PANEL_VECTORS && t->source == CK_B_PACKING && whole)
        NAME(accumulate)(t, acc, rows, vectors, CK_B_PACKING, false, lines, last);
    else if (vectors <= CK_PANEL_VECTORS && t->source == CK_B_PACKING)
        NAME(accumulate)(t, acc, rows, vectors, CK_B_PACKING, true, lines, last);
    else if (t->source == CK_B_PACKED && t->ahead)
        NAME(accumulate)(t, acc, rows, vectors, CK_B_PACKED, false, 1, last);
    else if (t->source == CK_B_PACKED)
        NAME(accumulate)(t, acc, rows, vectors, CK_B_PACKED, false, 0, last);
    else if (!whole)
        NAME(accumulate)(t, acc, rows, vectors, CK_B_IN_PLACE, true, 0, last);
    else if (t->ahead && t->ahead_lines == 1)
        NAME(accumulate)(t, acc, rows, vectors, CK_B_IN_PLACE, false, 1, last);
    else if (t->ahead)
        NAME(accumulate)(t, acc, rows, vectors, CK_B_IN_PLACE, false, lines, last);
    else
        NAME(accumulate)(t, acc, rows, vectors, CK_B_IN_PLACE, false, 0, last);
    NAME(write)(t, acc, rows, vectors, last);
}

#define TILE(rows, vectors) \
    static void NAME(tile_##rows##x##vectors)(const ck_gemm_tile *t) { NAME(tile)(t, rows, vectors); }
CK_ROWS(MAX_ROWS_1)(TILE, 1);
CK_ROWS(MAX_ROWS_2)(TILE, 2);
CK_ROWS(MAX_ROWS_3)(TILE, 3);
CK_ROWS(MAX_ROWS_6)(TILE, 6);
#undef TILE

// Where the matrix ends: up to LANES rows and LANES columns, transposed. Rows past the last repeat the last.
static inline CK_ALWAYS_INLINE void NAME(load_part_transposed)(VECTOR r[LANES], const char *b, int64_t ld,
                                                               int64_t rows, const MASK mask) {
    CK_UNROLL
    for (int i = 0; i < LANES; i++) r[i] = load_masked((const ELEMENT *)(b + (i < rows ? i : rows - 1) * ld), mask);
    transpose(r);
}

#include "gemm_dot_body.h"

// One row of C, up to CK_ROW_BYTES of it. The sums stand in L1, so op(B) is read along its rows: a tile with its sums
// in registers reads a few lines of a row of B and then leaves the page.
static void NAME(row_tile)(const ck_gemm_tile *t) {
    ELEMENT sums[CK_ROW_BYTES / sizeof(ELEMENT)] __attribute__((aligned(64)));
    const int64_t columns = t->columns, ld = t->b_step;
    const MASK all = mask_first(LANES);
    for (int64_t j = 0; j < columns; j += LANES) store(sums + j, set1(0));
    const char *a = t->a, *b = t->b;
    int64_t p = 0;
    for (; p + CK_ROW_STEPS <= t->k; p += CK_ROW_STEPS, a += CK_ROW_STEPS * t->a_step, b += CK_ROW_STEPS * ld) {
        VECTOR av[CK_ROW_STEPS];
        CK_UNROLL
        for (int q = 0; q < CK_ROW_STEPS; q++) av[q] = broadcast((const ELEMENT *)(a + q * t->a_step));
        int64_t j = 0;
        for (; j + 4 * LANES <= columns; j += 4 * LANES)
            NAME(row_block)(sums + j, av, b + j * (int64_t)sizeof(ELEMENT), ld, 4, all);
        for (; j < columns; j += LANES)
            NAME(row_block)(sums + j, av, b + j * (int64_t)sizeof(ELEMENT), ld, 1, mask_first(columns - j));
    }
    for (; p < t->k; p++, a += t->a_step, b += ld) {
        const VECTOR av = broadcast((const ELEMENT *)a);
        for (int64_t j = 0; j < columns; j += LANES)
            store(sums + j, fma(av, load_masked((const ELEMENT *)b + j, mask_first(columns - j)), load(sums + j)));
    }
    ck_gemm_tile part = *t;
    for (int64_t j = 0; j < columns; j += LANES) {
        NAME(accumulators) acc;
        acc[0][0] = load(sums + j);
        NAME(write)(&part, acc, 1, 1, mask_first(columns - j));
        part.c += sizeof(VECTOR);
        if (part.column_bias) part.column_bias += sizeof(VECTOR);
    }
}

static void NAME(pack_b)(char *packed, const char *b, int64_t ld, int64_t columns, int64_t k) {
    const int64_t vectors = (columns + LANES - 1) / LANES;
    const MASK last = mask_first(columns - (vectors - 1) * LANES);
    ELEMENT *to = (ELEMENT *)packed;
    for (int64_t p = 0; p < k; p++, b += ld, to += vectors * LANES) {
        for (int64_t v = 0; v < vectors - 1; v++) store(to + v * LANES, load((const ELEMENT *)b + v * LANES));
        store(to + (vectors - 1) * LANES, load_masked((const ELEMENT *)b + (vectors - 1) * LANES, last));
    }
}

static void NAME(pack_b_transposed)(char *packed, const char *b, int64_t ld, int64_t columns, int64_t k) {
    const int64_t vectors = (columns + LANES - 1) / LANES;
    for (int64_t p = 0; p < k; p += LANES) {
        const int64_t steps = k - p < LANES ? k - p : LANES;
        for (int64_t v = 0; v < vectors; v++) {
            const int64_t rows = columns - v * LANES;
            const char *from = b + v * LANES * ld + p * (int64_t)sizeof(ELEMENT);
            ELEMENT *to = (ELEMENT *)packed + (p * vectors + v) * LANES;
            if (rows >= LANES && steps == LANES) {
                VECTOR r[LANES];
                load_transposed(r, from, ld);
                CK_UNROLL
                for (int q = 0; q < LANES; q++) store(to + q * vectors * LANES, r[q]);
                CK_KEEP_ORDER();
            } else {
                VECTOR r[LANES];
                const MASK columns_mask = mask_first(rows);
                NAME(load_part_transposed)(r, from, ld, rows < LANES ? rows : LANES, mask_first(steps));
                // Lanes past the last column become zero, whatever stood there.
                for (int q = 0; q < LANES && q < steps; q++) {
                    store(to + q * vectors * LANES, set1(0));
                    store_masked(to + q * vectors * LANES, columns_mask, r[q]);
                }
            }
        }
    }
}

// A few columns of C from their transpose, in which a column stands in a row of its own.
static void NAME(write_columns)(char *c, int64_t c_row, const char *columns, int64_t ld, int64_t count, int64_t rows) {
    const MASK written = mask_first(count);
    for (int64_t i = 0; i < rows; i += LANES) {
        const int64_t height = rows - i < LANES ? rows - i : LANES;
        VECTOR r[LANES];
        NAME(load_part_transposed)(r, columns + i * (int64_t)sizeof(ELEMENT), ld, count, mask_first(height));
        CK_UNROLL
        for (int q = 0; q < LANES; q++) {
            if (q >= height) break;
            store_masked((ELEMENT *)(c + (i + q) * c_row), written, r[q]);
        }
    }
}

#define TILE(rows, vectors) [rows - 1] = NAME(tile_##rows##x##vectors),
#define DOT_TILE(rows, most) [rows - 1] = NAME(dot_tile_##rows),
const ck_gemm_kernels KERNELS = {
    .description = DESCRIPTION,
    .tile = {[CK_WIDTH_1] = {CK_ROWS(MAX_ROWS_1)(TILE, 1)},
             [CK_WIDTH_2] = {CK_ROWS(MAX_ROWS_2)(TILE, 2)},
             [CK_WIDTH_3] = {CK_ROWS(MAX_ROWS_3)(TILE, 3)},
             [CK_WIDTH_6] = {CK_ROWS(MAX_ROWS_6)(TILE, 6)}},
    .rows_max =
        {[CK_WIDTH_1] = MAX_ROWS_1, [CK_WIDTH_2] = MAX_ROWS_2, [CK_WIDTH_3] = MAX_ROWS_3, [CK_WIDTH_6] = MAX_ROWS_6},
    .dot_tile = {CK_ROWS(DOT_ROWS)(DOT_TILE, 0)},
    .dot_rows_2 = DOT_ROWS_2,
    .dot_rows_max = DOT_ROWS,
    .row_tile = NAME(row_tile),
    .pack_b = NAME(pack_b),
    .pack_b_transposed = NAME(pack_b_transposed),
    .write_columns = NAME(write_columns),
};
#undef TILE
#undef DOT_TILE

#undef KERNELS
#undef DESCRIPTION
#undef MAX_ROWS_1
#undef MAX_ROWS_2
#undef MAX_ROWS_3
#undef MAX_ROWS_6
#undef DOT_ROWS
#undef DOT_ROWS_2
