// The contract between the loops (gemm.c) and the micro-kernels (gemm_<isa>.c). Private to this folder.
#ifndef CK_GEMM_TILE_H
#define CK_GEMM_TILE_H

#include "../simd/compiler.h"
#include "ck_gemm.h"

// Columns of C are counted in vectors. A panel is a group of one to three vectors; it stands in the caller's matrix
// (in place) or packed: k rows of the panel one after another, the missing columns of the last vector filled with
// zeros.
enum { CK_PANEL_VECTORS = 3 };

// Widths of micro-kernels in vectors: a short panel, a panel, or two panels at once for products of few rows, which
// need many columns to keep both FMA pipes busy.
enum { CK_WIDTH_1, CK_WIDTH_2, CK_WIDTH_3, CK_WIDTH_6, CK_WIDTHS };
enum {
    CK_ROWS_MAX = 16,
    CK_VECTORS_MAX = 6,
    CK_DOT_ROWS = 12,
    CK_DOT_ROWS_AHEAD = 10,
    CK_ROW_STEPS = 8,
    CK_ROW_BYTES = 8192
};
enum { CK_GEMM_SHARES_MAX = 128 }; // lanes of one product

// What happens to a finished chunk sum s on its way to C. No bit set: C = s.
enum {
    CK_UPDATE_SCALE = 1,       // multiply by alpha
    CK_UPDATE_ADD = 2,         // add beta * C
    CK_UPDATE_COLUMN_BIAS = 4, // add bias[j]
    CK_UPDATE_ROW_BIAS = 8,    // add bias[i]
    CK_UPDATE_RELU = 16,       // negative numbers become +0
};

// Where the micro-kernel finds op(B).
typedef enum ck_b_source {
    CK_B_PACKED,   // packed panels: whole vectors, no mask
    CK_B_IN_PLACE, // rows of the caller's matrix: the last vector is masked to `columns`
    CK_B_PACKING,  // the same, and every vector read is also stored to `b_packed`
} ck_b_source;

// One tile of C, rows x columns, over one chunk of k. Strides are in bytes.
typedef struct ck_gemm_tile {
    int64_t k;
    const char *a;
    int64_t a_row, a_step; // from one row of op(A) to the next, from one k to the next
    const char *b;
    int64_t b_step, b_panel; // from one k to the next, from one panel to the next
    // Of a dot tile: the second vector of columns is this many bytes of k behind the first, a multiple of 64.
    int64_t b_lag;
    char *b_packed;
    // Memory to ask for meanwhile, into L2: a line with each step of k, `ahead_step` bytes apart; NULL for none.
    const char *ahead;
    int64_t ahead_step;
    // A dot tile of up to CK_DOT_ROWS_AHEAD rows asks for B so many bytes of k ahead; 0: it does not.
    int64_t dot_ahead;
    int ahead_lines; // 1; any other number stands for all lines of a row of the panel with each step
    char *c;
    int64_t c_row;
    int64_t columns; // 1 ... vectors * lanes
    const char *column_bias, *row_bias;
    const void *alpha, *beta; // read where `update` asks for them
    uint32_t update;
    ck_b_source source;
    bool c_is_far; // C is in the shared cache or beyond
} ck_gemm_tile;

typedef void (*ck_gemm_tile_function)(const ck_gemm_tile *tile);

struct ck_gemm_kernels {
    ck_gemm_description description;
    // tile[width][rows - 1]; rows_max[width] says how many there are.
    ck_gemm_tile_function tile[CK_WIDTHS][CK_ROWS_MAX];
    uint8_t rows_max[CK_WIDTHS];
    // A few rows of C from a B that is stored transposed: b_step is the distance between rows of the stored B, and
    // lanes are filled by transposing in registers. Up to dot_rows_2 rows have one or two vectors of columns, taller
    // tiles one. Rows of op(A) are contiguous.
    ck_gemm_tile_function dot_tile[CK_DOT_ROWS];
    uint8_t dot_rows_2, dot_rows_max;
    // One row of C, up to CK_ROW_BYTES of it. B in place.
    ck_gemm_tile_function row_tile;
    // Copies columns of k rows, stored as they are or transposed, row after row and padded with zeros to whole
    // vectors: panels of op(B), and blocks of a transposed op(A). ld in bytes.
    void (*pack_b)(char *packed, const char *b, int64_t ld, int64_t columns, int64_t k);
    void (*pack_b_transposed)(char *packed, const char *b, int64_t ld, int64_t columns, int64_t k);
    // Writes up to a vector of columns of C, which stand in rows `ld` bytes apart, to `rows` rows of C.
    void (*write_columns)(char *c, int64_t c_row, const char *columns, int64_t ld, int64_t count, int64_t rows);
};

extern const ck_gemm_kernels ck_gemm_f32_avx512, ck_gemm_f32_avx2, ck_gemm_f32_neon, ck_gemm_f32_portable;
extern const ck_gemm_kernels ck_gemm_f64_avx512, ck_gemm_f64_avx2, ck_gemm_f64_neon, ck_gemm_f64_portable;

static inline int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }
static inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// The product with one row of C that a matrix-vector product with incy = 1 is.
ck_gemm_problem ck_gemv_as_gemm(const ck_gemv_problem *problem);

// Packing memory of the calling thread, at least size bytes, aligned to a page. It stays until the thread ends. NULL
// where memory is short: then there is a reserve for two panels of a whole chunk, which belongs to one thread at a
// time.
char *ck_gemm_workspace(size_t size);
enum { CK_RESERVE_BYTES = 2 * CK_PANEL_VECTORS * 64 * 1024 };
char *ck_gemm_borrow_reserve(void);
void ck_gemm_return_reserve(void);

// CK_ROWS(8)(X, v) is X(1, v) X(2, v) ... X(8, v): one micro-kernel for every number of rows.
#define CK_ROWS_2(X, v) X(1, v) X(2, v)
#define CK_ROWS_4(X, v) CK_ROWS_2(X, v) X(3, v) X(4, v)
#define CK_ROWS_6(X, v) CK_ROWS_4(X, v) X(5, v) X(6, v)
#define CK_ROWS_8(X, v) CK_ROWS_6(X, v) X(7, v) X(8, v)
#define CK_ROWS_12(X, v) CK_ROWS_8(X, v) X(9, v) X(10, v) X(11, v) X(12, v)
#define CK_ROWS_16(X, v) CK_ROWS_12(X, v) X(13, v) X(14, v) X(15, v) X(16, v)
#define CK_ROWS(count) CK_ROWS_(count)
#define CK_ROWS_(count) CK_ROWS_##count

#endif
