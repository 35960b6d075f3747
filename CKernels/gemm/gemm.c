// The loops around the micro-kernels: they carry out a plan (gemm_plan.c) and decide nothing. One body serves every
// element type: addresses are bytes, and a row of the catalogue brings the rest.
//
//   chunk of k        fixed by the numeric promise
//     NC columns      packed op(B) of one chunk stays in the shared cache
//       MC rows       op(A) of one chunk stays in L2
//         panel       48 columns (f32, AVX-512) of op(B) stream through L1
//           rows      one micro-kernel: a tile of C in registers
//
// A product whose operands are cache-sized and well laid out skips every packing step and runs the inner two loops
// alone.
#include "gemm_plan.h"

#include <string.h>

typedef struct loops {
    const ck_gemm_plan *plan;
    const ck_gemm_kernels *kernels;
    int64_t m, n, vectors;
    int64_t element, lanes;
    bool b_transposed;
    int64_t b_column; // bytes from one column of op(B) to the next, in place
    const char *packed_b;
    char
        *reserve; // packing memory of the process, where the thread's own cannot be had: one block of rows, A in place
} loops;

// Cuts `count` rows in groups of at most `most`, as equal as can be: 13 rows are 7 + 6, not 12 + 1.
typedef struct row_groups {
    int64_t groups, small, longer; // `longer` groups of small + 1 rows, then groups of small rows
} row_groups;

static inline row_groups cut_rows(int64_t count, int64_t most) {
    const int64_t groups = ceil_div(count, most);
    return (row_groups){groups, count / groups, count % groups};
}

// All rows of one panel. `next` is where the following panel will be read, NULL where that is not known or already
// near.
static void run_panel(const loops *l, ck_gemm_tile tile, int width, int64_t m, const char *next) {
    const ck_gemm_plan *plan = l->plan;
    const row_groups cut = cut_rows(m, plan->rows);
    const int64_t panel_bytes = (width == CK_WIDTH_6 ? CK_PANEL_VECTORS : width + 1) * l->lanes * l->element;
    const bool whole_panel = plan->ahead == CK_AHEAD_PANEL;
    for (int64_t g = 0; g < cut.groups; g++) {
        const int64_t rows = cut.small + (g < cut.longer);
        // The next panel comes from the shared cache or memory while this one is in use, a part of it with each tile:
        // line after line of a packed panel, column after column of lines of one in place.
        tile.ahead = NULL;
        if (tile.source == CK_B_PACKING) {
            tile.ahead = tile.b + plan->packing_distance * tile.b_step;
            tile.ahead_step = tile.b_step;
        } else if (tile.source == CK_B_IN_PLACE && plan->ahead == CK_AHEAD_ROWS) {
            if (g == 0) {
                tile.ahead = tile.b + plan->row_distance * tile.b_step;
                tile.ahead_step = tile.b_step;
                tile.ahead_lines = 0;
            }
        } else if (next && tile.source == CK_B_PACKED) {
            tile.ahead_step = ceil_div(panel_bytes, cut.groups);
            tile.ahead = next + g * tile.k * tile.ahead_step;
        } else if (next && (whole_panel ? g == 0 : 64 * g < panel_bytes + 64)) {
            tile.ahead_step = tile.b_step;
            tile.ahead = next + 64 * g;
            tile.ahead_lines = whole_panel ? 0 : 1;
        }
        l->kernels->tile[width][rows - 1](&tile);
        if (tile.source ==
            CK_B_PACKING) { // from the second group of rows on, the panel is read where the first left it
            tile.source = CK_B_PACKED;
            tile.b = tile.b_packed;
            tile.b_step = panel_bytes;
        }
        tile.a += rows * tile.a_row;
        tile.c += rows * tile.c_row;
        if (tile.row_bias) tile.row_bias += rows * l->element;
    }
}

// Transposes a panel, or two, of op(B) into packing memory.
static void pack_transposed(const loops *l, const ck_gemm_tile *tile, const char *b, int64_t panel, char *packed) {
    for (int64_t v = 0; v < panel; v += CK_PANEL_VECTORS) {
        const int64_t columns = smaller(CK_PANEL_VECTORS * l->lanes, tile->columns - v * l->lanes);
        l->kernels->pack_b_transposed(packed + v * l->lanes * l->element * tile->k, b + v * l->lanes * l->b_column,
                                      l->b_column, columns, tile->k);
    }
}

// Packing memory is short: panels go to the reserve, A is read in place, C is one block.
static void run_chunk(const loops *l, const ck_gemm_tile *chunk, int64_t chunk_start);
static void run_chunk_in_reserve(const loops *l, const ck_gemm_tile *chunk, int64_t chunk_start) {
    ck_gemm_plan plan = *l->plan;
    plan.pack_a = plan.keep_panels = false;
    plan.mc = l->m;
    plan.nc = l->vectors;
    loops small = *l;
    small.plan = &plan;
    if (plan.pack_b) small.reserve = ck_gemm_borrow_reserve();
    run_chunk(&small, chunk, chunk_start);
    if (plan.pack_b) ck_gemm_return_reserve();
}

// One chunk of k: all of C, `chunk_start` steps into op(B).
static void run_chunk(const loops *l, const ck_gemm_tile *chunk, int64_t chunk_start) {
    const ck_gemm_plan *plan = l->plan;
    const int64_t k = chunk->k, vector = l->lanes * l->element;
    char *packed_a = NULL, *packed_b = NULL;
    if (plan->pack_a || plan->pack_b) {
        const int64_t a_size = plan->pack_a ? (ceil_div(plan->mc, l->lanes) * vector * k + 4095) / 4096 * 4096 : 0;
        // A panel that is used at once needs one place only.
        const int64_t b_size =
            plan->pack_b ? ((plan->keep_panels ? plan->nc : 0) + 2 * CK_PANEL_VECTORS) * vector * k : 0;
        char *workspace = l->reserve ? l->reserve : ck_gemm_workspace((size_t)(a_size + b_size));
        if (!workspace) {
            run_chunk_in_reserve(l, chunk, chunk_start);
            return;
        }
        packed_a = workspace;
        packed_b = workspace + a_size;
    }
    for (int64_t jc = 0, jc_end; jc < l->vectors; jc = jc_end) {
        // A block ends with a panel, which may reach past nc.
        for (jc_end = jc; jc_end < l->vectors && jc_end < jc + plan->nc;)
            jc_end += panel_vectors(l->vectors - jc_end, plan->panel);
        for (int64_t ic = 0; ic < l->m; ic += plan->mc) {
            const int64_t m = smaller(plan->mc, l->m - ic);
            ck_gemm_tile tile = *chunk;
            tile.a += ic * tile.a_row;
            if (tile.row_bias) tile.row_bias += ic * l->element;
            if (plan->pack_a) {
                l->kernels->pack_b(packed_a, tile.a, tile.a_step, m, k);
                tile.a = packed_a;
                tile.a_step = ceil_div(m, l->lanes) * vector;
            }
            for (int64_t v = jc, panel; v < jc_end; v += panel) {
                const int64_t left = l->vectors - v, j = v * l->lanes;
                panel = next_panel(plan, left);
                const bool two_panels = panel > CK_PANEL_VECTORS;
                const int64_t packed_step = (two_panels ? CK_PANEL_VECTORS : panel) * vector;
                tile.columns = smaller(panel * l->lanes, l->n - j);
                tile.c = chunk->c + ic * tile.c_row + j * l->element;
                if (chunk->column_bias) tile.column_bias = chunk->column_bias + j * l->element;
                const char *next = NULL;
                char *fresh =
                    packed_b + (plan->keep_panels ? v - jc : 0) * vector * k; // where this panel stands once packed
                if (!l->packed_b && !l->b_transposed && (!plan->pack_b || ic == 0)) {
                    tile.source = plan->pack_b ? CK_B_PACKING : CK_B_IN_PLACE;
                    tile.b = chunk->b + j * l->element;
                    tile.b_step = chunk->b_step;
                    tile.b_panel = CK_PANEL_VECTORS * vector;
                    tile.b_packed = fresh;
                    if (!plan->pack_b && left > panel && plan->ahead != CK_AHEAD_NONE) next = tile.b + panel * vector;
                } else {
                    tile.source = CK_B_PACKED;
                    tile.b = l->packed_b ? l->packed_b + (chunk_start * l->vectors + k * v) * vector : fresh;
                    tile.b_step = packed_step;
                    tile.b_panel = k * packed_step;
                    if (!l->packed_b && ic == 0)
                        pack_transposed(l, &tile, chunk->b + j * l->b_column, panel, fresh);
                    else
                        next = tile.b + panel * vector * k;
                }
                run_panel(l, tile, two_panels ? CK_WIDTH_6 : (int)panel - 1, m, next);
            }
        }
    }
}

// All columns of C, `step` at a time, by tiles that take every row and the whole chunk at once.
static void run_along_columns(const loops *l, ck_gemm_tile tile, int64_t step, ck_gemm_tile_function run) {
    for (int64_t j = 0; j < l->n; j += step) {
        tile.columns = smaller(step, l->n - j);
        run(&tile);
        tile.b += step * l->b_column;
        tile.c += step * l->element;
        if (tile.column_bias) tile.column_bias += step * l->element;
    }
}

// A few rows of C from a transposed B.
static void run_dot_chunk(const loops *l, const ck_gemm_tile *chunk) {
    const int64_t step = (l->m <= l->kernels->dot_rows_2 ? 2 : 1) * l->lanes;
    ck_gemm_tile tile = *chunk;
    tile.b_step = l->b_column;
    tile.b_lag = l->plan->dot_lag;
    tile.dot_ahead = l->plan->dot_ahead;
    char *reserve = NULL;
    if (tile.a_step != l->element) {
        const int64_t row = tile.k * l->element;
        char *rows = ck_gemm_workspace((size_t)(l->m * row));
        if (!rows) rows = reserve = ck_gemm_borrow_reserve();
        for (int64_t i = 0; i < l->m; i++)
            copy_elements(rows + i * row, l->element, tile.a + i * tile.a_row, tile.a_step, tile.k, l->element);
        tile.a = rows;
        tile.a_row = row;
    }
    run_along_columns(l, tile, step, l->kernels->dot_tile[l->m - 1]);
    if (reserve) ck_gemm_return_reserve();
}

// What the epilogue asks of the last chunk.
static inline void add_epilogue(ck_gemm_tile *tile, const ck_gemm_problem *p) {
    if (p->relu) tile->update |= CK_UPDATE_RELU;
    if (p->bias_kind == CK_BIAS_PER_COLUMN) {
        tile->update |= CK_UPDATE_COLUMN_BIAS;
        tile->column_bias = (const char *)p->bias;
    } else if (p->bias_kind == CK_BIAS_PER_ROW) {
        tile->update |= CK_UPDATE_ROW_BIAS;
        tile->row_bias = (const char *)p->bias;
    }
}

static inline uint32_t update_for(const ck_gemm_problem *p, int64_t element) {
    return (scalar_is(&p->alpha, element, 1) ? 0 : CK_UPDATE_SCALE) |
           (scalar_is(&p->beta, element, 0) ? 0 : CK_UPDATE_ADD);
}

// A tile at the beginning of C, op(A) and op(B) in place, of a product with one chunk of k. Field by field: a copy of
// what has just been written by smaller pieces would wait for it.
static inline CK_ALWAYS_INLINE void set_tile(ck_gemm_tile *tile, const ck_gemm_problem *p, int64_t element) {
    const int64_t a_stride = p->lda * element;
    tile->k = p->k;
    tile->a = (const char *)p->a;
    tile->a_row = p->transpose_a ? element : a_stride;
    tile->a_step = p->transpose_a ? a_stride : element;
    tile->b = (const char *)p->b;
    tile->b_step = p->ldb * element;
    tile->b_panel = 0;
    tile->b_packed = NULL;
    tile->c = (char *)p->c;
    tile->c_row = p->ldc * element;
    tile->ahead = NULL;
    tile->alpha = &p->alpha;
    tile->beta = &p->beta;
    tile->column_bias = tile->row_bias = NULL;
    tile->update = update_for(p, element);
    tile->source = CK_B_IN_PLACE;
    tile->c_is_far = false;
    add_epilogue(tile, p);
}

// The whole product at once; the caller has asked is_single_tile.
static inline void run_single_tile(const ck_gemm_kernels *kernels, const ck_gemm_problem *p) {
    const int64_t lanes = kernels->description.lanes;
    ck_gemm_tile tile;
    set_tile(&tile, p, kernels->description.byte_count);
    tile.columns = p->n;
    kernels->tile[(p->n > lanes) + (p->n > 2 * lanes)][p->m - 1](&tile);
}

// Operands within L1, one chunk of k: tile after tile, and nothing else.
static void run_in_l1(const ck_gemm_plan *plan, const ck_gemm_kernels *kernels, const ck_gemm_problem *p) {
    const int64_t element = kernels->description.byte_count, lanes = kernels->description.lanes,
                  vectors = ceil_div(p->n, lanes);
    const row_groups cut = cut_rows(p->m, plan->rows);
    ck_gemm_tile tile;
    set_tile(&tile, p, element);
    for (int64_t v = 0, panel; v < vectors; v += panel) {
        const int64_t left = vectors - v, j = v * lanes;
        panel = next_panel(plan, left);
        tile.columns = smaller(panel * lanes, p->n - j);
        tile.b = (const char *)p->b + j * element;
        tile.b_panel = CK_PANEL_VECTORS * lanes * element;
        tile.a = (const char *)p->a;
        tile.c = (char *)p->c + j * element;
        if (p->bias_kind == CK_BIAS_PER_COLUMN) tile.column_bias = (const char *)p->bias + j * element;
        if (p->bias_kind == CK_BIAS_PER_ROW) tile.row_bias = (const char *)p->bias;
        const ck_gemm_tile_function *tiles = kernels->tile[panel > CK_PANEL_VECTORS ? CK_WIDTH_6 : panel - 1];
        for (int64_t g = 0; g < cut.groups; g++) {
            const int64_t rows = cut.small + (g < cut.longer);
            tiles[rows - 1](&tile);
            tile.a += rows * tile.a_row;
            tile.c += rows * tile.c_row;
            if (tile.row_bias) tile.row_bias += rows * element;
        }
    }
}

static void run_all_chunks(const ck_gemm_plan *plan, const ck_gemm_kernels *kernels, const ck_gemm_problem *p) {
    const int64_t element = kernels->description.byte_count, lanes = kernels->description.lanes;
    const int64_t a_stride = p->lda * element, b_stride = p->ldb * element;
    // Without a product the sums are +0, and fma(-0, +0, beta * C) is beta * C to the bit.
    const ck_scalar minus_zero = element == 4 ? (ck_scalar){.f32 = -0.0f} : (ck_scalar){.f64 = -0.0};
    const bool no_product = p->k <= 0 || scalar_is(&p->alpha, element, 0);
    const int64_t k = no_product ? 0 : p->k;
    const loops l = {.plan = plan,
                     .kernels = kernels,
                     .m = p->m,
                     .n = p->n,
                     .vectors = ceil_div(p->n, lanes),
                     .element = element,
                     .lanes = lanes,
                     .b_transposed = p->transpose_b,
                     .b_column = p->transpose_b ? b_stride : element,
                     .packed_b = (const char *)p->packed_b};
    ck_gemm_tile tile = {
        .a = (const char *)p->a,
        .a_row = p->transpose_a ? element : a_stride,
        .a_step = p->transpose_a ? a_stride : element,
        .b = (const char *)p->b,
        .b_step = p->transpose_b ? element : b_stride,
        .c = (char *)p->c,
        .c_row = p->ldc * element,
        .alpha = no_product ? &minus_zero : &p->alpha,
        .beta = &p->beta,
        .c_is_far = plan->c_is_far,
    };
    const ck_scalar one = element == 4 ? (ck_scalar){.f32 = 1} : (ck_scalar){.f64 = 1};
    tile.update = no_product && scalar_is(&p->beta, element, 0) ? 0 : update_for(p, element);
    for (int64_t start = 0;;) {
        tile.k = smaller(plan->chunk, k - start);
        const bool last = start + tile.k >= k;
        if (last) add_epilogue(&tile, p);
        if (plan->path == CK_PATH_DOT)
            run_dot_chunk(&l, &tile);
        else if (plan->path == CK_PATH_ROW)
            run_along_columns(&l, tile, CK_ROW_BYTES / element, kernels->row_tile);
        else
            run_chunk(&l, &tile, start);
        if (last) return;
        start += tile.k;
        tile.a += tile.k * tile.a_step;
        if (!l.packed_b) tile.b += tile.k * tile.b_step;
        tile.update |= CK_UPDATE_ADD;
        tile.beta = &one;
    }
}

void ck_gemm_run(const ck_gemm_plan *plan, const ck_gemm_kernels *kernels, const ck_gemm_problem *p) {
    if (p->m <= 0 || p->n <= 0) return;
    if (plan->path == CK_PATH_TILE)
        run_single_tile(kernels, p);
    else if (plan->path == CK_PATH_COLUMNS)
        ck_gemm_exchanged(kernels, p);
    else if (plan->tail > 0) {
        const int64_t element = kernels->description.byte_count, n = p->n - plan->tail;
        ck_gemm_problem part = *p;
        part.n = n;
        run_all_chunks(plan, kernels, &part);
        part.n = plan->tail;
        part.b = (const char *)p->b + n * element * (p->transpose_b ? p->ldb : 1);
        part.c = (char *)p->c + n * element;
        if (p->bias_kind == CK_BIAS_PER_COLUMN) part.bias = (const char *)p->bias + n * element;
        ck_gemm_exchanged(kernels, &part);
    } else if (plan->path == CK_PATH_TILES && plan->why_blocks == CK_WHY_IN_L1 && plan->chunk == p->k)
        run_in_l1(plan, kernels, p);
    else
        run_all_chunks(plan, kernels, p);
}

// Without a plan, which would take as long as the product.
static inline bool done_at_once(const ck_gemm_kernels *kernels, const ck_gemm_problem *p) {
    if (p->m <= 0 || p->n <= 1 || !is_single_tile(kernels, p)) return false;
    run_single_tile(kernels, p);
    return true;
}

void ck_gemm_shared(const ck_gemm_kernels *kernels, const ck_gemm_problem *p) {
    if (is_tiny(kernels, p))
        ck_gemm(kernels, p);
    else
        ck_gemm_parallel(ck_pool_shared(), kernels, p);
}

void ck_gemm(const ck_gemm_kernels *kernels, const ck_gemm_problem *p) {
    if (p->m <= 0 || p->n <= 0 || done_at_once(kernels, p)) return;
    const ck_gemm_plan plan = ck_gemm_plan_for(p->machine ? p->machine : ck_machine_current(), kernels, p);
    ck_gemm_run(&plan, kernels, p);
}
