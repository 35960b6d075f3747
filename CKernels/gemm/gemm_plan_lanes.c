// How a product is shared by lanes: whether, by how many, and where C is cut. Pure functions of the product, the
// machine and what the pool knows; gemm_parallel.c carries them out.
#include "gemm_plan.h"

enum { BLOCKS_EACH = 4, LONG_NANOSECONDS = 50000000 };
// More lanes than these have their parts in a grid.
enum { IN_A_LINE = 8 };

double ck_gemm_estimate(const ck_machine *machine, const ck_gemm_kernels *kernels, const ck_gemm_problem *p) {
    const ck_gemm_description d = kernels->description;
    const double m = (double)p->m, n = (double)p->n, k = (double)p->k,
                 gigahertz = 3; // nobody tells how fast the clock is
    const double vectors = (double)(p->n == 1 ? ceil_div(p->m, d.lanes) : p->m * ceil_div(p->n, d.lanes)); // of C
    // No more than two vectors a cycle, whatever a core could do with short ones.
    const double units = (double)machine->fma_bytes / (d.lanes * d.byte_count), per_cycle = units > 2   ? 2
                                                                                            : units > 0 ? units
                                                                                                        : 1;
    const double bytes_per_cycle =
        machine->l3.bytes && machine->l3_bytes_per_cycle > 0 ? machine->l3_bytes_per_cycle : 20;
    const double arithmetic = vectors * k / (per_cycle * gigahertz);
    const double memory = d.byte_count * (m * k + k * n + 2 * m * n) / (bytes_per_cycle * gigahertz);
    return arithmetic > memory ? arithmetic : memory;
}

// Rows of B that share one set of L1: half of each would stand in half of the sets of the caches. Two short lanes of
// rows that read all of a B from the shared cache are faster (16 x 1024 x 1024 by a fifth on Zen 5), of one from
// memory they are not.
static bool rows_of_one_set(const ck_machine *machine, const ck_gemm_problem *p, int64_t element, int64_t rows_each) {
    const int64_t size = p->n * p->k * element;
    return !p->transpose_b && shares_l1_sets(machine, p->ldb * element, 1) && rows_each >= 7 && p->m <= CK_ROWS_MAX &&
           size > 3 * machine->l2.bytes && size <= machine->gemm.b_far;
}

// Many lanes: a grid of parts, for one cut of 1024 columns in 64 leaves each lane a vector and all of A. The lane with
// the tallest and widest part decides: its multiply-adds, and what it reads, which costs more the more lanes read (a
// model: a lane's share of the bandwidth is a few bytes a nanosecond; not measured).
static void choose_grid(ck_gemm_cut *cut, const ck_gemm_problem *p, int32_t lanes, bool packs_b) {
    enum { READING = 50 }; // multiply-adds in the time of one element
    const int64_t units = ceil_div(p->n, cut->column_unit);
    int64_t least = INT64_MAX;
    for (int64_t rows = 1; rows <= smaller(lanes, p->m); rows++) {
        const int64_t columns = smaller(lanes / rows, units);
        const int64_t tall = ceil_div(ceil_div(p->m, rows), 8) * 8, wide = ceil_div(units, columns) * cut->column_unit;
        // Lanes above each other pack the same columns: about a tile's time.
        const int64_t cost = (tall + (packs_b && rows > 1 ? 8 : 0)) * wide + READING * (tall + wide);
        if (cost >= least) continue;
        least = cost;
        cut->row_parts = rows;
        cut->column_parts = columns;
    }
}

static void choose_parts(ck_gemm_cut *cut, const ck_machine *machine, const ck_gemm_kernels *kernels,
                         const ck_gemm_problem *p) {
    const ck_gemm_description d = kernels->description;
    const int32_t lanes = cut->lanes;
    const int64_t unit = p->transpose_b && p->m <= CK_DOT_ROWS ? 2 * d.lanes : d.lanes;
    const int64_t units = ceil_div(p->n, unit), rows_each = p->m / lanes;
    cut->row_parts = cut->column_parts = cut->blocks_each = 1;
    cut->column_unit = unit;
    // Rows where every lane gets enough of them: B is read by all, A by one each. A packed B stands chunk by chunk and
    // is read whole. A B that every lane would have to transpose or pack for itself is cut, or pays only beside many
    // rows.
    const bool packs_b = p->transpose_b || shares_l1_sets(machine, p->ldb * d.byte_count, 2);
    const bool whole = p->packed_b || p->n == 1; // columns stay together
    const double part = cut->nanoseconds / lanes;
    if (whole) {
        const int64_t parts = lanes * (part >= 4 * CK_GEMM_STEAL_NANOSECONDS   ? 4
                                       : part >= 2 * CK_GEMM_STEAL_NANOSECONDS ? 2
                                                                               : 1);
        cut->row_parts = larger(1, smaller(parts, p->m / (p->n == 1 ? 32 : 1)));
        return;
    }
    const bool b_is_small =
        p->k * p->n * d.byte_count <= machine->l1.bytes / 3 * 4; // soon in the caches of both lanes
    const int64_t enough_rows = packs_b ? 2048 : b_is_small ? 16 : 32;
    if (lanes > IN_A_LINE)
        choose_grid(cut, p, lanes, packs_b);
    else if (units < 2 * lanes || rows_of_one_set(machine, p, d.byte_count, rows_each) || rows_each >= enough_rows)
        cut->row_parts = larger(1, smaller(lanes, p->m));
    else // columns: every lane streams its own part of B, and all of A
        cut->column_parts = larger(1, smaller(lanes, units / 2));
    // A lane that is late in a long region costs a block and not its part. A lane goes through its part panel after
    // panel of columns: to stop between two of them costs little, unless op(A) is packed or cut in blocks for all
    // panels (1536^3 loses 3%).
    const int64_t panels = p->n / cut->column_parts / (CK_PANEL_VECTORS * d.lanes), a_rows = p->m / cut->row_parts;
    const bool large_a = a_rows * d.byte_count > machine->gemm.a_unblocked / larger(1, p->k);
    const int64_t most = large_a && part < LONG_NANOSECONDS ? 1 : p->transpose_a || large_a ? 2 : BLOCKS_EACH;
    while (cut->blocks_each < most && panels >> cut->blocks_each >= 2 &&
           part >= CK_GEMM_STEAL_NANOSECONDS << cut->blocks_each)
        cut->blocks_each++;
}

// Too few tiles for the lanes, and several chunks of k.
static bool has_few_tiles(const ck_gemm_kernels *kernels, const ck_gemm_problem *p, int32_t lanes) {
    const ck_gemm_description d = kernels->description;
    if (p->k <= 0 || scalar_is(&p->alpha, d.byte_count, 0)) return false;
    const int64_t vectors = ceil_div(p->n, d.lanes), chunks = ceil_div(p->k, ck_gemm_chunk(d.byte_count, p->k));
    const int64_t rows = kernels->rows_max[vectors == 1 ? CK_WIDTH_1 : vectors == 2 ? CK_WIDTH_2 : CK_WIDTH_3];
    return chunks >= 2 && ceil_div(p->m, rows) * ceil_div(vectors, CK_PANEL_VECTORS) < lanes;
}

ck_gemm_cut ck_gemm_cut_parts(const ck_machine *machine, const ck_gemm_kernels *kernels, const ck_gemm_problem *p,
                              ck_gemm_cut cut) {
    choose_parts(&cut, machine, kernels, p);
    cut.kind = cut.row_parts * cut.column_parts * cut.blocks_each < 2 ? CK_CUT_NONE : CK_CUT_PARTS;
    return cut;
}

ck_gemm_cut ck_gemm_cut_for(const ck_machine *machine, const ck_gemm_kernels *kernels, const ck_gemm_problem *p,
                            ck_gemm_lanes available) {
    ck_gemm_cut cut = {
        .kind = CK_CUT_NONE, .lanes = 1, .row_parts = 1, .column_parts = 1, .blocks_each = 1, .column_unit = 1};
    if (p->m <= 0 || p->n <= 0) return cut;
    const int32_t most = (int32_t)smaller(available.lanes, CK_GEMM_SHARES_MAX);
    cut.nanoseconds = ck_gemm_estimate(machine, kernels, p);
    cut.worth = worth_a_region(available.region_nanoseconds);
    // Every lane has work for as long as a region costs, half of it for two; waking one more costs the caller a system
    // call.
    const double wanted = cut.nanoseconds / (is_worth_waking(&cut) ? CK_GEMM_WAKE_NANOSECONDS / 2.0 : cut.worth / 2);
    cut.lanes = wanted < most ? (int32_t)wanted : most;
    if (cut.lanes < 2 || cut.nanoseconds < cut.worth || is_tiny(kernels, p)) {
        cut.lanes = 1;
        return cut;
    }
    if (has_few_tiles(kernels, p, cut.lanes)) {
        cut.kind = CK_CUT_CHUNKS; // by as many lanes as there are chunks
        return cut;
    }
    return ck_gemm_cut_parts(machine, kernels, p, cut);
}
