// The loops around the micro-kernels. One body serves every element type: addresses are bytes, and a row of the catalogue
// brings the rest.
//
//   chunk of k        fixed by the numeric promise
//     NC columns      packed op(B) of one chunk stays in the shared cache
//       MC rows       op(A) of one chunk stays in L2
//         panel       48 columns (f32, AVX-512) of op(B) stream through L1
//           rows      one micro-kernel: a tile of C in registers
//
// A product whose operands are cache-sized and well laid out skips every packing step and runs the inner two loops alone.
#include "gemm_tile.h"

#include <string.h>

// Bytes of k in a chunk: 1024 floats, 512 doubles. Long chunks touch C seldom; a panel of op(B) then streams from L2, which
// the micro-kernel's 16 bytes a cycle allow. The conformance tests build with short chunks to cross every edge.
#ifndef CK_GEMM_CHUNK_BYTES
#define CK_GEMM_CHUNK_BYTES 4096
#endif
_Static_assert(CK_GEMM_CHUNK_BYTES % 128 == 0, "chunks are rounded up to 16 steps of either type");
_Static_assert(CK_GEMM_CHUNK_BYTES / 4 * 2 * CK_PANEL_VECTORS * 64 <= CK_RESERVE_BYTES, "the reserve holds two panels");
// op(A) of one block of rows: a quarter of a 1 MiB L2, so that two panels of op(B) and C fit beside it.
#ifndef CK_GEMM_MC_BYTES
#define CK_GEMM_MC_BYTES (256 << 10)
#endif
// Where all of op(A) in a chunk is no larger than this, it streams from the shared cache faster than blocks pay for.
#ifndef CK_GEMM_UNBLOCKED_A_BYTES
#define CK_GEMM_UNBLOCKED_A_BYTES (4 << 20)
#endif
// op(B) of one block of columns, in the shared cache.
#ifndef CK_GEMM_NC_BYTES
#define CK_GEMM_NC_BYTES (6 << 20)
#endif

// A kernel that packs asks for its row of op(B) this many steps of k before it comes.
enum { PACKING_DISTANCE = 48 };

// How far the second vector of a dot tile follows behind the first where rows of B share sets of L1.
enum { DOT_LAG_BYTES = 256 };

// An op(B) of this size in a chunk is in L2 already.
enum { NEAR_BYTES = 640 << 10 };

// An op(B) of more than this may come from memory.
enum { BEYOND_BYTES = 8 << 20 };

// A C of more than this is worth asking for before it is written.
enum { FAR_BYTES = 3 << 20 };

int64_t ck_gemm_chunk(int32_t byte_count, int64_t k) {
    const int64_t longest = CK_GEMM_CHUNK_BYTES / byte_count;
    if (k <= longest) return k;
    const int64_t even = ceil_div(k, ceil_div(k, longest));
    return (even + 15) / 16 * 16;
}

// Panels are three vectors wide; the end of a row is shared out as 2 + 2, 2 or 1. The cut of packed operands depends on n alone,
// so that they fit every product; in place, panels may be kept to `most` = 2 vectors.
static inline int64_t panel_vectors(int64_t vectors_left, int64_t most) {
    return vectors_left == 1 ? 1 : most == 3 && (vectors_left >= 5 || vectors_left == 3) ? 3 : 2;
}

typedef struct loops {
    const ck_gemm_kernels *kernels;
    int64_t m, n, vectors;
    int64_t element, lanes;
    int64_t rows;     // most rows of a tile
    int64_t panel;    // most vectors of a panel
    bool two_panels;  // tiles of two panels: the product has few rows
    bool pack_a, pack_b;
    bool b_is_beyond; // op(B) is larger than a fair share of the shared cache
    bool b_transposed;
    int64_t b_column; // bytes from one column of op(B) to the next, in place
    const char *packed_b;
    char *reserve; // packing memory of the process, where the thread's own cannot be had: one block of rows, A in place
} loops;

// Cuts `count` rows in groups of at most `most`, as equal as can be: 13 rows are 7 + 6, not 12 + 1.
typedef struct row_groups {
    int64_t groups, small, longer; // `longer` groups of small + 1 rows, then groups of small rows
} row_groups;

static inline row_groups cut_rows(int64_t count, int64_t most) {
    const int64_t groups = ceil_div(count, most);
    return (row_groups){groups, count / groups, count % groups};
}

// All rows of one panel. `next` is where the following panel will be read, NULL where that is not known or already near.
static void run_panel(const loops *l, ck_gemm_tile tile, int width, int64_t m, const char *next) {
    const row_groups cut = cut_rows(m, l->rows);
    const int64_t panel_bytes = (width == CK_WIDTH_6 ? CK_PANEL_VECTORS : width + 1) * l->lanes * l->element;
    const bool few = cut.groups <= 2 && l->b_is_beyond;
    for (int64_t g = 0; g < cut.groups; g++) {
        const int64_t rows = cut.small + (g < cut.longer);
        // The next panel comes from the shared cache or memory while this one is in use, a part of it with each tile: line
        // after line of a packed panel, column after column of lines of one in place.
        tile.ahead = NULL;
        if (tile.source == CK_B_PACKING) {
            tile.ahead = tile.b + PACKING_DISTANCE * tile.b_step;
            tile.ahead_step = tile.b_step;
        } else if (next && tile.source == CK_B_PACKED) {
            tile.ahead_step = ceil_div(panel_bytes, cut.groups);
            tile.ahead = next + g * tile.k * tile.ahead_step;
        } else if (next && (few ? g == 0 : 64 * g < panel_bytes + 64)) {
            tile.ahead_step = tile.b_step;
            tile.ahead = next + 64 * g;
            tile.ahead_lines = few ? 0 : 1;
        }
        l->kernels->tile[width][rows - 1](&tile);
        if (tile.source == CK_B_PACKING) { // from the second group of rows on, the panel is read where the first left it
            tile.source = CK_B_PACKED;
            tile.b = tile.b_packed;
            tile.b_step = panel_bytes;
        }
        tile.a += rows * tile.a_row;
        tile.c += rows * tile.c_row;
        if (tile.row_bias) tile.row_bias += rows * l->element;
    }
}

// Rows and vectors of columns in a block. Blocks of rows are as equal as can be, those of columns whole panels.
typedef struct blocking {
    int64_t mc, nc;
} blocking;

static blocking block_sizes(const loops *l, int64_t k) {
    blocking sizes = {l->m, l->vectors};
    const int64_t row = k * l->element, vector = l->lanes * row;
    if ((l->m * row <= CK_GEMM_UNBLOCKED_A_BYTES && !l->pack_a) || l->m <= l->rows || l->reserve) return sizes;
    const int64_t rows = larger(CK_GEMM_MC_BYTES / row, l->rows);
    if (rows < l->m) sizes.mc = ceil_div(ceil_div(l->m, ceil_div(l->m, rows)), l->rows) * l->rows;
    const int64_t columns = larger(CK_GEMM_NC_BYTES / vector / CK_PANEL_VECTORS, 1) * CK_PANEL_VECTORS;
    if (columns < l->vectors) sizes.nc = columns;
    return sizes;
}

// Transposes a panel, or two, of op(B) into packing memory.
static void pack_transposed(const loops *l, const ck_gemm_tile *tile, const char *b, int64_t panel, char *packed) {
    for (int64_t v = 0; v < panel; v += CK_PANEL_VECTORS) {
        const int64_t columns = smaller(CK_PANEL_VECTORS * l->lanes, tile->columns - v * l->lanes);
        l->kernels->pack_b_transposed(packed + v * l->lanes * l->element * tile->k, b + v * l->lanes * l->b_column, l->b_column,
                                      columns, tile->k);
    }
}

// One chunk of k: all of C, `chunk_start` steps into op(B).
static void run_chunk(const loops *l, const ck_gemm_tile *chunk, int64_t chunk_start) {
    const int64_t k = chunk->k, vector = l->lanes * l->element;
    const blocking block = block_sizes(l, k);
    // With a single block of rows a packed panel is used at once, so one place serves all panels.
    const bool keep_panels = l->pack_b && block.mc < l->m;
    char *packed_a = NULL, *packed_b = NULL;
    if (l->pack_a || l->pack_b) {
        const int64_t a_size = l->pack_a ? (ceil_div(block.mc, l->lanes) * vector * k + 4095) / 4096 * 4096 : 0;
        const int64_t b_size = l->pack_b ? ((keep_panels ? block.nc : 0) + 2 * CK_PANEL_VECTORS) * vector * k : 0;
        char *workspace = l->reserve ? l->reserve : ck_gemm_workspace((size_t)(a_size + b_size));
        if (!workspace) {
            loops small = *l;
            small.pack_a = false;
            if (small.pack_b) small.reserve = ck_gemm_borrow_reserve();
            run_chunk(&small, chunk, chunk_start);
            if (small.pack_b) ck_gemm_return_reserve();
            return;
        }
        packed_a = workspace;
        packed_b = workspace + a_size;
    }
    for (int64_t jc = 0, jc_end; jc < l->vectors; jc = jc_end) {
        // A block ends with a panel, which may reach past nc.
        for (jc_end = jc; jc_end < l->vectors && jc_end < jc + block.nc;) jc_end += panel_vectors(l->vectors - jc_end, l->panel);
        for (int64_t ic = 0; ic < l->m; ic += block.mc) {
            const int64_t m = smaller(block.mc, l->m - ic);
            ck_gemm_tile tile = *chunk;
            tile.a += ic * tile.a_row;
            if (tile.row_bias) tile.row_bias += ic * l->element;
            if (l->pack_a) {
                l->kernels->pack_b(packed_a, tile.a, tile.a_step, m, k);
                tile.a = packed_a;
                tile.a_step = ceil_div(m, l->lanes) * vector;
            }
            for (int64_t v = jc, panel; v < jc_end; v += panel) {
                const int64_t left = l->vectors - v, j = v * l->lanes;
                const bool two_panels = l->two_panels && (left == 6 || left >= 8);
                panel = two_panels ? 2 * CK_PANEL_VECTORS : panel_vectors(left, l->panel);
                const int64_t packed_step = (two_panels ? CK_PANEL_VECTORS : panel) * vector;
                tile.columns = smaller(panel * l->lanes, l->n - j);
                tile.c = chunk->c + ic * tile.c_row + j * l->element;
                if (chunk->column_bias) tile.column_bias = chunk->column_bias + j * l->element;
                const char *next = NULL;
                char *fresh = packed_b + (keep_panels ? v - jc : 0) * vector * k; // where this panel stands once packed
                if (!l->packed_b && !l->b_transposed && (!l->pack_b || ic == 0)) {
                    tile.source = l->pack_b ? CK_B_PACKING : CK_B_IN_PLACE;
                    tile.b = chunk->b + j * l->element;
                    tile.b_step = chunk->b_step;
                    tile.b_panel = CK_PANEL_VECTORS * vector;
                    tile.b_packed = fresh;
                    if (!l->pack_b && left > panel && k * l->n * l->element > NEAR_BYTES) next = tile.b + panel * vector;
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
    tile.b_lag = l->b_column % 2048 == 0 ? DOT_LAG_BYTES : 0;
    char *reserve = NULL;
    if (tile.a_step != l->element) {
        const int64_t row = tile.k * l->element;
        char *rows = ck_gemm_workspace((size_t)(l->m * row));
        if (!rows) rows = reserve = ck_gemm_borrow_reserve();
        for (int64_t i = 0; i < l->m; i++)
            for (int64_t p = 0; p < tile.k; p++)
                memcpy(rows + i * row + p * l->element, tile.a + i * tile.a_row + p * tile.a_step, (size_t)l->element);
        tile.a = rows;
        tile.a_row = row;
    }
    run_along_columns(l, tile, step, l->kernels->dot_tile[l->m - 1]);
    if (reserve) ck_gemm_return_reserve();
}

static bool scalar_is(ck_scalar scalar, int64_t element, double value) {
    return element == 4 ? scalar.f32 == (float)value : scalar.f64 == value;
}

// Rows that lie a multiple of a large power of two apart share few sets of L2 (64 KiB a way): how many of them fit half of its
// 16 ways. A panel with more rows than that falls out of L2 before it is used again.
static int64_t rows_that_fit_l2(int64_t stride) {
    const int64_t way = 64 << 10, apart = stride & -stride;
    return apart == 0 || apart >= way ? 8 : 8 * (way / apart);
}

static void decide_packing(loops *l, const ck_gemm_problem *p) {
    const int64_t a_stride = p->lda * l->element, b_stride = p->ldb * l->element;
    const int64_t panels = ceil_div(l->vectors, CK_PANEL_VECTORS), row_groups = ceil_div(l->m, l->rows);
    const int64_t k = smaller(p->k, CK_GEMM_CHUNK_BYTES / l->element);
    l->b_transposed = p->transpose_b;
    if (!p->transpose_a || p->plan & CK_GEMM_A_IN_PLACE)
        l->pack_a = false;
    else if (p->plan & CK_GEMM_PACK_A)
        l->pack_a = true;
    else // each step of k reads another page: packed where there are many panels, or where A is cut in blocks anyway
        l->pack_a = panels >= 4 && (k > rows_that_fit_l2(a_stride) || (a_stride > 4096 && panels >= 16) ||
                                    l->m * k * l->element > CK_GEMM_UNBLOCKED_A_BYTES);
    if (l->packed_b)
        l->pack_b = false;
    else if (p->transpose_b || p->plan & CK_GEMM_PACK_B)
        l->pack_b = true;
    else if (p->plan & CK_GEMM_B_IN_PLACE)
        l->pack_b = false;
    else
        l->pack_b = row_groups >= 3 && (k > rows_that_fit_l2(b_stride) || (b_stride % 4096 == 0 && k > 12)); // 12 ways of L1
    // A panel is packed while a tile of its own width reads it.
    if (l->pack_b && !l->b_transposed) l->two_panels = false;
}

// A row of C whose elements stand `stride` bytes apart, through a contiguous piece of it at a time.
static void run_scattered_row(const ck_gemm_kernels *kernels, const ck_gemm_problem *row, int64_t stride) {
    enum { PIECE_BYTES = 2048 };
    char piece[PIECE_BYTES] __attribute__((aligned(64)));
    const int64_t element = kernels->description.byte_count, most = PIECE_BYTES / element;
    for (int64_t j = 0; j < row->n; j += most) {
        const int64_t n = smaller(most, row->n - j);
        char *c = (char *)row->c + j * stride;
        if (!scalar_is(row->beta, element, 0))
            for (int64_t q = 0; q < n; q++) memcpy(piece + q * element, c + q * stride, (size_t)element);
        ck_gemm_problem part = *row;
        part.n = n;
        part.c = piece;
        part.ldc = n;
        part.b = (const char *)row->b + j * element * (row->transpose_b ? row->ldb : 1);
        if (row->bias_kind == CK_BIAS_PER_COLUMN) part.bias = (const char *)row->bias + j * element;
        ck_gemm(kernels, &part);
        for (int64_t q = 0; q < n; q++) memcpy(c + q * stride, piece + q * element, (size_t)element);
    }
}

// C has one column: the same product with the operands exchanged has one row.
static void run_column(const ck_gemm_kernels *kernels, const ck_gemm_problem *p) {
    ck_gemm_problem row = *p;
    row.m = 1;
    row.n = p->m;
    row.a = p->b;
    row.lda = p->ldb;
    row.transpose_a = !p->transpose_b;
    row.b = p->a;
    row.ldb = p->lda;
    row.transpose_b = !p->transpose_a;
    row.ldc = p->m;
    row.bias_kind = p->bias_kind == CK_BIAS_PER_ROW ? CK_BIAS_PER_COLUMN : p->bias_kind == CK_BIAS_PER_COLUMN ? CK_BIAS_PER_ROW : CK_BIAS_NONE;
    row.plan = (p->plan & (CK_GEMM_PACK_A | CK_GEMM_A_IN_PLACE)) << 2 | (p->plan & (CK_GEMM_PACK_B | CK_GEMM_B_IN_PLACE)) >> 2;
    if (p->ldc == 1)
        ck_gemm(kernels, &row);
    else
        run_scattered_row(kernels, &row, p->ldc * kernels->description.byte_count);
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
    return (scalar_is(p->alpha, element, 1) ? 0 : CK_UPDATE_SCALE) | (scalar_is(p->beta, element, 0) ? 0 : CK_UPDATE_ADD);
}

// The smallest products are one tile, and the whole call costs little more than its multiply-adds.
static inline bool run_single_tile(const ck_gemm_kernels *kernels, const ck_gemm_problem *p) {
    const int64_t element = kernels->description.byte_count, lanes = kernels->description.lanes;
    if (p->n > CK_PANEL_VECTORS * lanes || p->m > CK_ROWS_MAX || p->transpose_b || p->packed_b || p->plan || p->k <= 0 ||
        p->k > CK_GEMM_CHUNK_BYTES / 16)
        return false;
    const int width = (p->n > lanes) + (p->n > 2 * lanes);
    if (p->m > kernels->rows_max[width] || scalar_is(p->alpha, element, 0)) return false;
    const int64_t a_stride = p->lda * element;
    ck_gemm_tile tile;
    tile.k = p->k;
    tile.a = (const char *)p->a;
    tile.a_row = p->transpose_a ? element : a_stride;
    tile.a_step = p->transpose_a ? a_stride : element;
    tile.b = (const char *)p->b;
    tile.b_step = p->ldb * element;
    tile.b_panel = 0;
    tile.b_packed = NULL;
    tile.c = (char *)p->c;
    tile.c_row = p->ldc * element;
    tile.columns = p->n;
    tile.ahead = NULL;
    tile.alpha = &p->alpha;
    tile.beta = &p->beta;
    tile.update = update_for(p, element);
    tile.source = CK_B_IN_PLACE;
    tile.c_is_far = false;
    add_epilogue(&tile, p);
    kernels->tile[width][p->m - 1](&tile);
    return true;
}

void ck_gemm(const ck_gemm_kernels *kernels, const ck_gemm_problem *p) {
    if (p->m <= 0 || p->n <= 0) return;
    if (p->n == 1 && p->m > 1 && !p->packed_b) {
        run_column(kernels, p);
        return;
    }
    const int64_t element = kernels->description.byte_count, lanes = kernels->description.lanes;
    if (run_single_tile(kernels, p)) return;
    const int64_t a_stride = p->lda * element, b_stride = p->ldb * element;
    // Without a product the sums are +0, and fma(-0, +0, beta * C) is beta * C to the bit.
    const ck_scalar minus_zero = element == 4 ? (ck_scalar){.f32 = -0.0f} : (ck_scalar){.f64 = -0.0};
    const bool no_product = p->k <= 0 || scalar_is(p->alpha, element, 0);
    const int64_t k = no_product ? 0 : p->k;

    loops l = {.kernels = kernels, .m = p->m, .n = p->n, .vectors = ceil_div(p->n, lanes), .element = element, .lanes = lanes,
               .panel = CK_PANEL_VECTORS};
    const uint8_t *rows_max = kernels->rows_max;
    l.rows = rows_max[l.vectors == 1 ? CK_WIDTH_1 : l.vectors == 2 || l.vectors == 4 ? CK_WIDTH_2 : CK_WIDTH_3];
    // Rows a multiple of 4 KiB apart share one set of L1, which has 8 ways or 12.
    const bool one_set = !p->transpose_a && a_stride % 4096 == 0;
    if (one_set) l.rows = smaller(l.rows, 8);
    l.two_panels = p->m <= rows_max[CK_WIDTH_6];
    l.packed_b = (const char *)p->packed_b;
    l.b_column = p->transpose_b ? b_stride : element;
    l.b_is_beyond = !p->transpose_b && k * b_stride > BEYOND_BYTES; // also where this is a part of a wider product
    if (k > 0) decide_packing(&l, p);
    // Rather all rows at once with narrow tiles than a large op(B) twice.
    if (one_set && p->m > l.rows && p->m <= rows_max[CK_WIDTH_2] && !p->packed_b && !l.pack_b && k * p->n * element > NEAR_BYTES) {
        l.rows = p->m;
        l.panel = 2;
    }

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
        .c_is_far = p->m * p->n * element > FAR_BYTES,
    };
    const ck_scalar one = element == 4 ? (ck_scalar){.f32 = 1} : (ck_scalar){.f64 = 1};
    tile.update = no_product && scalar_is(p->beta, element, 0) ? 0 : update_for(p, element);
    const bool dot = p->m <= kernels->dot_rows_max && p->transpose_b && !p->packed_b && !(p->plan & CK_GEMM_PACK_B) && k > 0;
    const bool row = p->m == 1 && !p->transpose_b && !p->packed_b && !(p->plan & CK_GEMM_PACK_B) && k >= 8 * CK_ROW_STEPS &&
                     l.vectors >= 4;
    const int64_t chunk = ck_gemm_chunk((int32_t)element, k);
    for (int64_t start = 0;;) {
        tile.k = smaller(chunk, k - start);
        const bool last = start + tile.k >= k;
        if (last) add_epilogue(&tile, p);
        if (dot)
            run_dot_chunk(&l, &tile);
        else if (row)
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

int64_t ck_gemm_packed_b_size(const ck_gemm_kernels *kernels, int64_t n, int64_t k) {
    const int64_t lanes = kernels->description.lanes, element = kernels->description.byte_count;
    int64_t size;
    if (n < 0 || k < 0 || __builtin_add_overflow(n, lanes - 1, &size)) return -1;
    size = size / lanes * lanes;
    if (__builtin_mul_overflow(size, k, &size) || __builtin_mul_overflow(size, element, &size)) return -1;
    return size;
}

void ck_gemm_pack_b(const ck_gemm_kernels *kernels, bool transpose_b, int64_t n, int64_t k, const void *b, int64_t ldb,
                    void *packed) {
    const int64_t element = kernels->description.byte_count, lanes = kernels->description.lanes;
    const int64_t vectors = ceil_div(n, lanes), chunk = ck_gemm_chunk((int32_t)element, k);
    const int64_t step = transpose_b ? element : ldb * element, column = transpose_b ? ldb * element : element;
    for (int64_t start = 0; start < k; start += chunk) {
        const int64_t steps = smaller(chunk, k - start);
        for (int64_t v = 0, panel; v < vectors; v += panel) {
            panel = panel_vectors(vectors - v, CK_PANEL_VECTORS);
            const char *from = (const char *)b + start * step + v * lanes * column;
            char *to = (char *)packed + (start * vectors + steps * v) * lanes * element;
            (transpose_b ? kernels->pack_b_transposed : kernels->pack_b)(to, from, ldb * element,
                                                                         smaller(panel * lanes, n - v * lanes), steps);
        }
    }
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
        run_scattered_row(kernels, &row, p->incy * kernels->description.byte_count);
}
