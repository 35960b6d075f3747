// A product on several lanes: C is cut in blocks, and every block is a product of its own; or, where C is small and k long, lanes sum
// chunks of k. Neither changes a bit (ck_gemm.h), so the partition is free to follow the machine: each lane begins with its own share
// of the blocks, and in long products a lane that is through takes blocks from the others, one by one.
#include "ck_vector.h"
#include "gemm_tile.h"

#include <fenv.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { LINE = 128 };

// A lane's share of the blocks: next ... end - 1 are still to do. A line of its own, for all lanes count on it.
typedef struct share {
    _Alignas(LINE) _Atomic int64_t next;
    int64_t end;
} share;

// All that a worker reads stands together: each line of it comes from the caller's core.
typedef struct partition {
    _Alignas(LINE) const ck_gemm_kernels *kernels;
    int64_t row_parts, column_parts, column_unit; // C is cut in parts, either way; columns at multiples of the unit
    int64_t blocks_each;                          // of a part, cut between panels of columns
    int32_t shares;                               // 0: lanes take blocks in turn, and none from each other
    ck_gemm_problem problem;
    share share[CK_GEMM_SHARES_MAX];
} partition;

static int64_t block_count(const partition *cut) { return cut->row_parts * cut->column_parts * cut->blocks_each; }

static void run_block(const partition *cut, int64_t block) {
    const ck_gemm_problem *p = &cut->problem;
    const int64_t element = cut->kernels->description.byte_count, panel = CK_PANEL_VECTORS * cut->kernels->description.lanes;
    const int64_t part_number = block / cut->blocks_each, piece = block % cut->blocks_each;
    const int64_t row = part_number % cut->row_parts, column = part_number / cut->row_parts, units = ceil_div(p->n, cut->column_unit);
    const int64_t i = p->m * row / cut->row_parts, i_end = p->m * (row + 1) / cut->row_parts;
    const int64_t start = units * column / cut->column_parts * cut->column_unit;
    const int64_t end = smaller(units * (column + 1) / cut->column_parts * cut->column_unit, p->n), panels = ceil_div(end - start, panel);
    // Half of the panels, then half of the rest ...: lanes start with long blocks and finish with short ones.
    const int64_t j = start + (panels - (panels >> piece)) * panel;
    const int64_t j_end = piece + 1 == cut->blocks_each ? end : smaller(start + (panels - (panels >> (piece + 1))) * panel, end);
    ck_gemm_problem part = *p;
    part.m = i_end - i;
    part.n = j_end - j;
    part.a = (const char *)p->a + i * element * (p->transpose_a ? 1 : p->lda);
    part.c = (char *)p->c + (i * p->ldc + j) * element;
    if (!p->packed_b) // a packed B stands chunk by chunk: its columns are never cut
        part.b = (const char *)p->b + j * element * (p->transpose_b ? p->ldb : 1);
    if (p->bias_kind == CK_BIAS_PER_ROW) part.bias = (const char *)p->bias + i * element;
    if (p->bias_kind == CK_BIAS_PER_COLUMN) part.bias = (const char *)p->bias + j * element;
    ck_gemm(cut->kernels, &part);
}

static void run_lane(void *context, int32_t lane, int32_t lanes) {
    partition *cut = context;
    for (int line = 0; line < 256; line += 64) __builtin_prefetch((const char *)cut + line);
    if (cut->shares == 0) {
        for (int64_t block = lane; block < block_count(cut); block += lanes) run_block(cut, block);
        return;
    }
    // Fewer lanes than shares: the shares of missing lanes are taken like those of slow ones.
    for (int32_t i = 0; i < cut->shares; i++) {
        share *s = &cut->share[(lane * cut->shares / lanes + i) % cut->shares];
        while (atomic_load_explicit(&s->next, memory_order_relaxed) < s->end) {
            const int64_t block = atomic_fetch_add_explicit(&s->next, 1, memory_order_relaxed);
            if (block >= s->end) break;
            run_block(cut, block);
        }
    }
}

// Nanoseconds that one lane would take, roughly: its arithmetic, or the operands from the shared cache.
static double estimate(const ck_gemm_kernels *kernels, const ck_gemm_problem *p) {
    const ck_gemm_description d = kernels->description;
    const double m = (double)p->m, n = (double)p->n, k = (double)p->k;
    const double vectors = (double)(p->n == 1 ? ceil_div(p->m, d.lanes) : p->m * ceil_div(p->n, d.lanes)); // of C
    const double arithmetic = vectors * k / 6, memory = d.byte_count * (m * k + k * n + 2 * m * n) / 60;
    return arithmetic > memory ? arithmetic : memory;
}

// A product is worth a region where half of it takes longer than the region and what the other lane fetches. The shortest of some empty
// regions takes 100 ns between cores side by side and 400 between cores that are far apart; all but 50 of them are lines that travel, and
// a product sends several times as many. Measured: products of 0.5 us between near cores and of 2 to 2.5 us between far ones break even.
// A hypervisor may move processors at any time, so the pool measures regions now and then. A region whose workers sleep costs tens of
// microseconds. The conformance tests build with 1, so that every product is cut.
#ifndef CK_GEMM_REGION_NANOSECONDS
#define CK_GEMM_REGION_NANOSECONDS 700
#endif
#ifndef CK_GEMM_WAKE_NANOSECONDS
#define CK_GEMM_WAKE_NANOSECONDS 40000
#endif
// Products of fewer multiply-adds, in vectors, are not worth a region.
enum { TINY = CK_GEMM_REGION_NANOSECONDS > 1 ? 2048 : 0 };
// More lanes than these have their parts in a grid.
enum { IN_A_LINE = 8 };
// A B of no more than this is soon in the caches of both lanes.
enum { SMALL_B_BYTES = 64 << 10 };
// An A of more than this comes from the shared cache or memory each time.
enum { LARGE_A_BYTES = 4 << 20 };
// The shortest blocks that lanes take from each other are at least this long; each lane has no more than so many.
#ifndef CK_GEMM_STEAL_NANOSECONDS
#define CK_GEMM_STEAL_NANOSECONDS 100000
#endif
enum { BLOCKS_EACH = 4, LONG_NANOSECONDS = 50000000 };
static const double worth_waking = CK_GEMM_WAKE_NANOSECONDS;

// Nanoseconds of one lane that are worth a region, for a product of about `nanoseconds`.
static double worth_a_region(ck_pool *pool, double nanoseconds) {
    enum { TIMES = 8, STILL = 50, LEAST = CK_GEMM_REGION_NANOSECONDS > 1 ? TIMES * (120 - STILL) : 0, LONG_ENOUGH = 20000 };
    if (LEAST == 0 || nanoseconds < LEAST || nanoseconds > LONG_ENOUGH) return CK_GEMM_REGION_NANOSECONDS;
    const int32_t region = ck_pool_region_nanoseconds(pool);
    return region == 0 ? CK_GEMM_REGION_NANOSECONDS : (double)smaller(larger(TIMES * (region - STILL), LEAST), LONG_ENOUGH);
}

// Rows of B a multiple of 4 KiB apart: half of each would stand in half of the sets of the caches. Two short lanes of rows that
// read all of a B from the shared cache are faster (16 x 1024 x 1024 by a fifth), of one from memory they are not.
static bool rows_of_one_set(const ck_gemm_problem *p, int64_t element, int64_t rows_each) {
    const int64_t size = p->n * p->k * element;
    return !p->transpose_b && p->ldb * element % 4096 == 0 && rows_each >= 7 && p->m <= CK_ROWS_MAX && size > 3 << 20 && size <= 8 << 20;
}

// Many lanes: a grid of parts, for one cut of 1024 columns in 64 leaves each lane a vector and all of A. The lane with the tallest and
// widest part decides: its multiply-adds, and what it reads, which costs more the more lanes read (a model: a lane's share of the
// bandwidth is a few bytes a nanosecond; not measured).
static void choose_grid(partition *cut, int32_t lanes, bool packs_b) {
    enum { READING = 50 }; // multiply-adds in the time of one element
    const ck_gemm_problem *p = &cut->problem;
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

static void choose_blocks(partition *cut, int32_t lanes, double nanoseconds) {
    const ck_gemm_problem *p = &cut->problem;
    const ck_gemm_description d = cut->kernels->description;
    const int64_t unit = p->transpose_b && p->m <= CK_DOT_ROWS ? 2 * d.lanes : d.lanes;
    const int64_t units = ceil_div(p->n, unit), rows_each = p->m / lanes;
    cut->row_parts = cut->column_parts = cut->blocks_each = 1;
    cut->column_unit = unit;
    // Rows where every lane gets enough of them: B is read by all, A by one each. A packed B stands chunk by chunk and is read
    // whole. A B that every lane would have to transpose or pack for itself is cut, or pays only beside many rows.
    const bool packs_b = p->transpose_b || p->ldb * d.byte_count % 2048 == 0;
    const bool whole = p->packed_b || p->n == 1; // columns stay together
    const double part = nanoseconds / lanes;
    if (whole) {
        const int64_t parts = lanes * (part >= 4 * CK_GEMM_STEAL_NANOSECONDS ? 4 : part >= 2 * CK_GEMM_STEAL_NANOSECONDS ? 2 : 1);
        cut->row_parts = larger(1, smaller(parts, p->m / (p->n == 1 ? 32 : 1)));
        return;
    }
    const int64_t enough_rows = packs_b ? 2048 : p->k * p->n * d.byte_count <= SMALL_B_BYTES ? 16 : 32;
    if (lanes > IN_A_LINE)
        choose_grid(cut, lanes, packs_b);
    else if (units < 2 * lanes || rows_of_one_set(p, d.byte_count, rows_each) || rows_each >= enough_rows)
        cut->row_parts = larger(1, smaller(lanes, p->m));
    else // columns: every lane streams its own part of B, and all of A
        cut->column_parts = larger(1, smaller(lanes, units / 2));
    // A lane that is late in a long region costs a block and not its part. A lane goes through its part panel after panel of
    // columns: to stop between two of them costs little, unless op(A) is packed or cut in blocks for all panels (1536^3 loses 3%).
    const int64_t panels = p->n / cut->column_parts / (CK_PANEL_VECTORS * d.lanes), a_rows = p->m / cut->row_parts;
    const bool large_a = a_rows * d.byte_count > LARGE_A_BYTES / larger(1, p->k);
    const int64_t most = large_a && part < LONG_NANOSECONDS ? 1 : p->transpose_a || large_a ? 2 : BLOCKS_EACH;
    while (cut->blocks_each < most && panels >> cut->blocks_each >= 2 && part >= CK_GEMM_STEAL_NANOSECONDS << cut->blocks_each)
        cut->blocks_each++;
}

static void share_blocks(partition *cut, int32_t lanes) {
    const int64_t blocks = block_count(cut);
    cut->shares = 0;
    if (blocks <= lanes) return;
    cut->shares = lanes;
    for (int32_t s = 0; s < cut->shares; s++) {
        atomic_init(&cut->share[s].next, blocks * s / cut->shares);
        cut->share[s].end = blocks * (s + 1) / cut->shares;
    }
}

// False where the caller goes on alone: short products that come often find the workers awake, the first of them rouse them.
static bool run_on_lanes(ck_pool *pool, int32_t lanes, double nanoseconds, ck_pool_task task, void *context) {
    static _Thread_local int32_t alone;
    if (nanoseconds >= worth_waking) {
        ck_pool_run(pool, lanes, task, context);
        return true;
    }
    if (ck_pool_run_if_awake(pool, lanes, task, context)) {
        alone = 0;
        return true;
    }
    if (++alone >= 8) {
        alone = 0;
        ck_pool_rouse(pool, lanes);
    }
    return false;
}

// Too few tiles for the lanes, and several chunks of k: each lane sums its own chunks. The first lane's go to C as ever, those
// of the others to memory, and are added in ascending order when all are there; no bit differs from one lane.
typedef struct chunk_sums {
    const ck_gemm_kernels *kernels;
    const ck_gemm_problem *problem;
    int64_t chunk, chunks; // steps of k in a chunk, number of chunks
    int64_t first;         // the first chunk whose sum stands in `sums`
    char *sums;
} chunk_sums;

enum { CHUNK_SUMS_BYTES = 4 << 20 };

static void run_chunks(void *context, int32_t lane, int32_t lanes) {
    const chunk_sums *cut = context;
    const ck_gemm_problem *p = cut->problem;
    const ck_gemm_description d = cut->kernels->description;
    const ck_scalar one = d.byte_count == 4 ? (ck_scalar){.f32 = 1} : (ck_scalar){.f64 = 1};
    // The pool may give fewer lanes than were asked for: where lane 0 ends is fixed beforehand.
    const int64_t others = cut->chunks - cut->first;
    const int64_t start = lanes == 1 || lane == 0 ? 0 : cut->first + others * (lane - 1) / (lanes - 1);
    const int64_t end = lanes == 1 ? cut->chunks : lane == 0 ? cut->first : cut->first + others * lane / (lanes - 1);
    for (int64_t c = start; c < end; c++) {
        const int64_t k = c * cut->chunk;
        ck_gemm_problem part = *p;
        part.k = smaller(cut->chunk, p->k - k);
        part.a = (const char *)p->a + k * d.byte_count * (p->transpose_a ? p->lda : 1);
        if (p->packed_b)
            part.packed_b = (const char *)p->packed_b + k * d.byte_count * (ceil_div(p->n, d.lanes) * d.lanes);
        else
            part.b = (const char *)p->b + k * d.byte_count * (p->transpose_b ? 1 : p->ldb);
        part.bias_kind = CK_BIAS_NONE;
        part.relu = false;
        if (c >= cut->first) {
            part.alpha = one;
            part.beta = (ck_scalar){0};
            part.c = cut->sums + (c - cut->first) * p->m * p->n * d.byte_count;
            part.ldc = p->n;
        } else if (c > 0) {
            part.beta = one;
        }
        ck_gemm(cut->kernels, &part);
    }
}

typedef enum outcome { OTHER_KIND, DONE, GO_ON_ALONE } outcome;

static outcome run_in_chunks(ck_pool *pool, int32_t lanes, double nanoseconds, const ck_gemm_kernels *kernels, const ck_gemm_problem *p) {
    const ck_gemm_description d = kernels->description;
    const double alpha = d.byte_count == 4 ? (double)p->alpha.f32 : p->alpha.f64;
    if (p->k <= 0 || alpha == 0) return OTHER_KIND;
    const int64_t chunk = ck_gemm_chunk(d.byte_count, p->k), chunks = ceil_div(p->k, chunk), vectors = ceil_div(p->n, d.lanes);
    const int64_t rows = kernels->rows_max[vectors == 1 ? CK_WIDTH_1 : vectors == 2 ? CK_WIDTH_2 : CK_WIDTH_3];
    if (chunks < 2 || ceil_div(p->m, rows) * ceil_div(vectors, CK_PANEL_VECTORS) >= lanes) return OTHER_KIND;
    // The epilogue adds +0 to finished sums, which leaves them as they are unless zeros round downward.
    const bool has_epilogue = p->relu || p->bias_kind != CK_BIAS_NONE;
    if (has_epilogue && fegetround() != FE_TONEAREST) return OTHER_KIND;
    chunk_sums cut = {.kernels = kernels, .problem = p, .chunk = chunk, .chunks = chunks, .first = larger(1, chunks / lanes)};
    const int64_t sum = p->m * p->n * d.byte_count;
    if (chunks - cut.first > CHUNK_SUMS_BYTES / sum) return OTHER_KIND;
    cut.sums = malloc((size_t)((chunks - cut.first) * sum));
    if (!cut.sums) return OTHER_KIND;
    const bool ran = run_on_lanes(pool, (int32_t)smaller(lanes, chunks), nanoseconds, run_chunks, &cut);
    if (ran) {
        const ck_vector_kernels *vector = d.byte_count == 4 ? ck_vector_f32() : ck_vector_f64();
        for (int64_t c = cut.first; c < chunks; c++)
            for (int64_t i = 0; i < p->m; i++)
                vector->axpy(p->n, alpha, cut.sums + (c - cut.first) * sum + i * p->n * d.byte_count,
                             (char *)p->c + i * p->ldc * d.byte_count);
        if (has_epilogue) { // a product without steps is its epilogue
            ck_gemm_problem epilogue = *p;
            epilogue.k = 0;
            epilogue.beta = d.byte_count == 4 ? (ck_scalar){.f32 = 1} : (ck_scalar){.f64 = 1};
            ck_gemm(kernels, &epilogue);
        }
    }
    free(cut.sums);
    return ran ? DONE : GO_ON_ALONE;
}

// True where lanes did it.
static bool run_shared(ck_pool *pool, const ck_gemm_kernels *kernels, const ck_gemm_problem *p) {
    const int32_t available = (int32_t)smaller(ck_pool_lanes(pool), CK_GEMM_SHARES_MAX);
    if (available < 2) return false;
    const double nanoseconds = estimate(kernels, p), worth = worth_a_region(pool, nanoseconds);
    // Every lane has work for as long as a region costs, half of it for two; waking one more costs the caller a system call.
    const double wanted = nanoseconds / (nanoseconds < worth_waking ? worth / 2 : worth_waking / 2);
    const int32_t lanes = wanted < available ? (int32_t)wanted : available;
    if (lanes < 2 || nanoseconds < worth) return false;
    const outcome chunked = run_in_chunks(pool, lanes, nanoseconds, kernels, p);
    if (chunked != OTHER_KIND) return chunked == DONE;
    partition cut;
    cut.kernels = kernels;
    cut.problem = *p;
    choose_blocks(&cut, lanes, nanoseconds);
    const int32_t most = (int32_t)smaller(lanes, block_count(&cut));
    if (most < 2) return false;
    share_blocks(&cut, lanes);
    return run_on_lanes(pool, most, nanoseconds, run_lane, &cut);
}

void ck_gemm_parallel(ck_pool *pool, const ck_gemm_kernels *kernels, const ck_gemm_problem *p) {
    // In integers that cannot overflow: the smallest products take 20 ns.
    const bool tiny = (uint64_t)(p->m | p->n | p->k) < 1024 && p->m * p->n * p->k < TINY * kernels->description.lanes;
    if (tiny || !pool || p->m <= 0 || p->n <= 0 || ck_pool_inside() || !run_shared(pool, kernels, p)) ck_gemm(kernels, p);
}

void ck_gemv_parallel(ck_pool *pool, const ck_gemm_kernels *kernels, const ck_gemv_problem *p) {
    if (p->incy != 1) {
        ck_gemv(kernels, p);
        return;
    }
    const ck_gemm_problem row = ck_gemv_as_gemm(p);
    ck_gemm_parallel(pool, kernels, &row);
}
