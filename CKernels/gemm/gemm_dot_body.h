// The dot tiles: a few rows of C from a transposed B. Included by gemm_tile_body.h.

// One block of a dot tile: LANES steps of k for LANES columns and every row. Meanwhile rows of B are asked for `ahead`
// bytes further on; 0 for not at all.
static inline CK_ALWAYS_INLINE void NAME(dot_block)(VECTOR sum[CK_DOT_ROWS], const int rows, const char *a,
                                                    int64_t a_row, const char *b, int64_t ld, int64_t ahead) {
    if (ahead) {
        CK_UNROLL
        for (int i = 0; i < LANES; i++) __builtin_prefetch(b + i * ld + ahead);
    }
    VECTOR bv[LANES];
    load_transposed(bv, b, ld);
    CK_UNROLL
    for (int q = 0; q < LANES; q++) {
        CK_UNROLL
        for (int r = 0; r < rows; r++) sum[r] = fma(broadcast((const ELEMENT *)(a + r * a_row) + q), bv[q], sum[r]);
    }
    CK_KEEP_ORDER(); // one block of B in registers at a time
}

// A few rows of C from a transposed B. Each lane is a column of C, so the chains stay as promised; a dot product over
// lanes would save the transposition and change them. Few rows take two vectors of columns, whose chains advance in
// turn: one alone would wait four cycles for each step. Where rows of B lie a power of two apart, the second vector
// follows `b_lag` bytes of k behind the first, and their lines fall in different sets of L1.
static inline CK_ALWAYS_INLINE void NAME(dot)(const ck_gemm_tile *t, const int rows, const int vectors) {
    VECTOR sum[2][CK_DOT_ROWS];
    CK_UNROLL
    for (int v = 0; v < vectors; v++) {
        CK_UNROLL
        for (int r = 0; r < rows; r++) sum[v][r] = set1(0);
    }
    const int64_t a_row = t->a_row, ld = t->b_step, lag = t->b_lag,
                  ahead = rows <= CK_DOT_ROWS_AHEAD ? t->dot_ahead : 0;
    const int64_t size = t->k * (int64_t)sizeof(ELEMENT), block = sizeof(VECTOR);
    const int64_t whole = t->columns == vectors * LANES ? size / block * block : 0;
    const char *a = t->a, *b = t->b, *b1 = b + LANES * ld;
    int64_t p = 0, p1 = 0; // of the first vector and of the second
    if (vectors == 2) {
        for (; p < lag && p < whole; p += block) NAME(dot_block)(sum[0], rows, a + p, a_row, b + p, ld, ahead);
        for (; p < whole; p += block, p1 += block) {
            NAME(dot_block)(sum[0], rows, a + p, a_row, b + p, ld, ahead);
            NAME(dot_block)(sum[1], rows, a + p1, a_row, b1 + p1, ld, ahead);
        }
        for (; p1 < whole; p1 += block) NAME(dot_block)(sum[1], rows, a + p1, a_row, b1 + p1, ld, ahead);
    } else {
        for (; p < whole; p += block) NAME(dot_block)(sum[0], rows, a + p, a_row, b + p, ld, ahead);
    }
    for (; p < size; p += block) {
        const int64_t steps = (size - p) / (int64_t)sizeof(ELEMENT);
        CK_UNROLL
        for (int v = 0; v < vectors; v++) {
            const int64_t columns = t->columns - v * LANES;
            if (columns <= 0) break;
            VECTOR bv[LANES];
            NAME(load_part_transposed)(bv, b + v * LANES * ld + p, ld, columns < LANES ? columns : LANES,
                                       mask_first(steps));
            CK_UNROLL
            for (int q = 0; q < LANES; q++) {
                if (q >= steps) break;
                CK_UNROLL
                for (int r = 0; r < rows; r++)
                    sum[v][r] = fma(broadcast((const ELEMENT *)(a + r * a_row + p) + q), bv[q], sum[v][r]);
            }
        }
    }
    // The tile may be narrower than its vectors: write one by one.
    CK_UNROLL
    for (int v = 0; v < vectors; v++) {
        const int64_t columns = t->columns - v * LANES;
        if (columns <= 0) return;
        ck_gemm_tile part = *t;
        part.c += v * (int64_t)sizeof(VECTOR);
        if (part.column_bias) part.column_bias += v * (int64_t)sizeof(VECTOR);
        NAME(accumulators) acc;
        CK_UNROLL
        for (int r = 0; r < rows; r++) acc[r][0] = sum[v][r];
        NAME(write)(&part, acc, rows, 1, mask_first(columns));
    }
}

#define DOT_TILE(rows, most) \
    static void NAME(dot_tile_##rows)(const ck_gemm_tile *t) { NAME(dot)(t, rows, rows <= most ? 2 : 1); }
CK_ROWS(DOT_ROWS)(DOT_TILE, DOT_ROWS_2);
#undef DOT_TILE

// CK_ROW_STEPS rows of op(B) times as many elements of op(A), added to the sums of `vectors` vectors of columns.
static inline CK_ALWAYS_INLINE void NAME(row_block)(ELEMENT *sums, const VECTOR a[CK_ROW_STEPS], const char *b,
                                                    int64_t ld, const int vectors, const MASK last) {
    VECTOR sum[4];
    // From here no load has a displacement of 0, and all instructions are equally long: measured on Zen 5, rows in L2
    // come half as fast again (62 -> 92 GFLOP/s), wherever the loop stands.
    b -= sizeof(VECTOR);
    CK_OPAQUE(b);
    CK_UNROLL
    for (int v = 0; v < vectors; v++) sum[v] = load(sums + v * LANES);
    CK_UNROLL
    for (int p = 0; p < CK_ROW_STEPS; p++) {
        const ELEMENT *row = (const ELEMENT *)(b + p * ld + sizeof(VECTOR));
        CK_UNROLL
        for (int v = 0; v < vectors; v++)
            sum[v] = fma(a[p], vectors == 1 ? load_masked(row, last) : load(row + v * LANES), sum[v]);
    }
    CK_UNROLL
    for (int v = 0; v < vectors; v++) store(sums + v * LANES, sum[v]);
}
