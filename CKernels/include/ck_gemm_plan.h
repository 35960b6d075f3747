// What is done with one matrix product: which micro-kernels, what is packed, how the operands are cut, what is fetched
// ahead. A plan is a pure function of the product, a row of the catalogue and a machine description (ck_machine.h);
// the loops carry it out and decide nothing. No plan changes a bit of the result.
//
// Where the limits come from, if a machine's table row does not state them. L1, L2, L3 are bytes. The shared cache is
// *slow* where a core reads less than 10.7 bytes a cycle from it (four times what a tile of three vectors takes of A),
// or where there is none.
//   a_block           L2 / 4: two panels of B and C stand beside it
//   a_unblocked       4 L2; slow: L2 / 2
//   a_packed          as a_unblocked, from 4 panels on; slow: 3/8 L2, from 3 panels on
//   b_block           3/16 L3, at most 8 L2; 2 L2 where there is no L3
//   b_near            5/8 L2
//   b_split           L2 / 4
//   b_packed          never; slow: 3/2 L2
//   b_far             3/8 L3; 4 L2 where there is no L3
//   c_far             3 L2
//   packing_distance  48 steps
//   row_distance      never; slow: 12 steps
//   dot_lag           256 bytes
//   dot_ahead         256 bytes
// Sets of caches: rows that lie a multiple of bytes / ways of a level apart share one set of it.
#ifndef CK_GEMM_PLAN_H
#define CK_GEMM_PLAN_H

#include "ck_gemm.h"
#include "ck_machine.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum ck_gemm_path {
    CK_PATH_TILE, // the product is one tile
    CK_PATH_TILES, // panels of op(B), tiles of C
    CK_PATH_DOT, // a few rows of C, B stored transposed: transposed in registers
    CK_PATH_ROW, // one row of C, sums in L1: op(B) is read along its rows
    CK_PATH_COLUMNS, // few columns of C: the product with the operands exchanged, which has few rows
} ck_gemm_path;

typedef enum ck_gemm_ahead {
    CK_AHEAD_NONE,
    CK_AHEAD_LINES, // each tile fetches a part of the next panel: a line a step
    CK_AHEAD_PANEL, // the first row group fetches the whole of the next panel
    CK_AHEAD_ROWS, // the first row group fetches the panel's own rows `row_distance` steps before they come
} ck_gemm_ahead;

// Why: for explanations and tests.
typedef enum ck_gemm_why {
    CK_WHY_NOTHING,
    CK_WHY_SHAPE, // of C, k or the layout: the same on every machine
    CK_WHY_FEW_ROWS, // too few row groups read a panel
    CK_WHY_FEW_PANELS, // too few panels read op(A)
    CK_WHY_SETS, // rows share few sets of a cache
    CK_WHY_PAGES, // each step of k reads another page
    CK_WHY_LINES, // rows of B are no multiple of a cache line: vectors cross lines
    CK_WHY_LARGE, // beyond the limit
    CK_WHY_SMALL, // within the limit
    CK_WHY_PREPACKED,
    CK_WHY_IN_L1, // the operands span no more than L1
} ck_gemm_why;

typedef struct ck_gemm_plan {
    ck_gemm_path path;
    int32_t rows; // most rows of a tile
    int32_t panel; // most vectors of a panel: 3, or 2
    bool two_panels; // tiles two panels wide: the product has few rows
    bool pack_a; // a transposed A
    bool pack_b; // op(B), by the first tile of each panel, or transposed
    bool keep_panels; // packed panels of a block of columns are used again by the next block of rows
    // So many columns at the end are a product of their own, with the operands exchanged: less than a vector of them.
    int32_t tail;
    ck_gemm_ahead ahead;
    bool c_is_far;
    int64_t chunk; // steps of k at a time: the numeric promise's, never another
    int64_t mc; // rows of op(A) in a block
    int64_t nc; // vectors of columns in a block
    int32_t packing_distance, row_distance, dot_lag, dot_ahead;
    ck_gemm_why why_rows, why_pack_a, why_pack_b, why_blocks;
} ck_gemm_plan;

// The plan of a product on a machine, for one thread.
ck_gemm_plan ck_gemm_plan_for(const ck_machine *machine, const ck_gemm_kernels *kernels,
                              const ck_gemm_problem *problem);

// After a change of a plan's rows, panel, packing or blocks (tests and `lanes tune` make them): what follows from
// them, within what the operands allow.
void ck_gemm_settle(ck_gemm_plan *plan, const ck_gemm_kernels *kernels, const ck_gemm_problem *problem);

// Carries out a plan: that of ck_gemm_plan_for for this product, or one that was changed and settled.
void ck_gemm_run(const ck_gemm_plan *plan, const ck_gemm_kernels *kernels, const ck_gemm_problem *problem);

// How a product is shared by lanes.
typedef enum ck_gemm_cut_kind {
    CK_CUT_NONE, // one lane
    CK_CUT_PARTS, // C is cut in parts
    CK_CUT_CHUNKS, // lanes sum chunks of k: few tiles, long k
} ck_gemm_cut_kind;

typedef struct ck_gemm_cut {
    ck_gemm_cut_kind kind;
    int32_t lanes;
    int64_t row_parts, column_parts;
    int64_t column_unit; // columns are cut at multiples of it
    int64_t blocks_each; // a part is cut in so many halving blocks, which idle lanes steal
    double nanoseconds; // of one lane, estimated
    double worth; // a product of fewer is not worth a region
} ck_gemm_cut;

// What is known of the pool at the moment.
typedef struct ck_gemm_lanes {
    int32_t lanes;
    double region_nanoseconds; // of an empty region between two awake lanes, the shortest measured; 0: not known
} ck_gemm_lanes;

// The cut of a product for up to that many lanes. Pure.
ck_gemm_cut ck_gemm_cut_for(const ck_machine *machine, const ck_gemm_kernels *kernels, const ck_gemm_problem *problem,
                            ck_gemm_lanes lanes);

// Nanoseconds that one lane would take, roughly.
double ck_gemm_estimate(const ck_machine *machine, const ck_gemm_kernels *kernels, const ck_gemm_problem *problem);

// The plan and the cut in words, a decision a line with its reason and the figures that it follows from. Returns the
// length of the whole text, of which size - 1 characters at most are written.
int64_t ck_gemm_explain(const ck_machine *machine, const ck_gemm_kernels *kernels, const ck_gemm_problem *problem,
                        ck_gemm_lanes lanes, char *text, int64_t size);

#ifdef __cplusplus
}
#endif
#endif
