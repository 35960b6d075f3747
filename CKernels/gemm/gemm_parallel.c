// A product on several lanes: C is cut in blocks, and every block is a product of its own. Where C is cut does not change a bit
// (ck_gemm.h), so the partition is free to follow the machine: each lane begins with its own share of the blocks, and in long
// products a lane that is through takes blocks from the others, one by one.
#include "gemm_tile.h"

#include <stdatomic.h>

enum { LINE = 128 };

// A lane's share of the blocks: next ... end - 1 are still to do. A line of its own, for all lanes count on it.
typedef struct share {
    _Alignas(LINE) _Atomic int64_t next;
    int64_t end;
} share;

// All that a worker reads stands together: each line of it comes from the caller's core.
typedef struct partition {
    _Alignas(LINE) const ck_gemm_kernels *kernels;
    int64_t row_blocks, column_blocks, column_unit; // columns are cut at multiples of the unit
    int32_t shares;                                 // 0: lanes take blocks in turn, and none from each other
    ck_gemm_problem problem;
    share share[CK_GEMM_SHARES_MAX];
} partition;

static void run_block(const partition *cut, int64_t block) {
    const ck_gemm_problem *p = &cut->problem;
    const int64_t element = cut->kernels->description.byte_count;
    const int64_t row = block % cut->row_blocks, column = block / cut->row_blocks, units = ceil_div(p->n, cut->column_unit);
    const int64_t i = p->m * row / cut->row_blocks, i_end = p->m * (row + 1) / cut->row_blocks;
    const int64_t j = units * column / cut->column_blocks * cut->column_unit;
    const int64_t j_end = smaller(units * (column + 1) / cut->column_blocks * cut->column_unit, p->n);
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
        for (int64_t block = lane; block < cut->row_blocks * cut->column_blocks; block += lanes) run_block(cut, block);
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
    const double arithmetic = m * n * k / (6 * d.lanes), memory = d.byte_count * (m * k + k * n + 2 * m * n) / 60;
    return arithmetic > memory ? arithmetic : memory;
}

// A region costs a fraction of a microsecond where the workers are awake, tens where they sleep. The conformance tests build
// with 1, so that every product is cut.
#ifndef CK_GEMM_REGION_NANOSECONDS
#define CK_GEMM_REGION_NANOSECONDS 700
#endif
#ifndef CK_GEMM_WAKE_NANOSECONDS
#define CK_GEMM_WAKE_NANOSECONDS 40000
#endif
// Products with all sizes below this are never worth a region.
#if CK_GEMM_REGION_NANOSECONDS > 1
enum { TINY = 32 };
#else
enum { TINY = 1 };
#endif
// An A of more than this comes from the shared cache or memory each time.
enum { LARGE_A_BYTES = 4 << 20 };
// A lane with more than this shares its blocks.
#ifndef CK_GEMM_STEAL_NANOSECONDS
#define CK_GEMM_STEAL_NANOSECONDS 100000
#endif
static const double worth_a_region = CK_GEMM_REGION_NANOSECONDS, worth_waking = CK_GEMM_WAKE_NANOSECONDS;

static void choose_blocks(partition *cut, int32_t lanes, double nanoseconds) {
    const ck_gemm_problem *p = &cut->problem;
    const ck_gemm_description d = cut->kernels->description;
    // Long regions are cut finer, so that a lane that is late costs a block and not a share.
    const double each = nanoseconds / lanes;
    const int64_t pieces = lanes * (each > 4 * CK_GEMM_STEAL_NANOSECONDS ? 4 : each > CK_GEMM_STEAL_NANOSECONDS ? 2 : 1);
    const int64_t unit = p->transpose_b && p->m <= CK_DOT_ROWS ? 2 * d.lanes : d.lanes;
    const int64_t units = ceil_div(p->n, unit), rows_each = p->m / pieces;
    cut->row_blocks = cut->column_blocks = 1;
    cut->column_unit = unit;
    // Rows where every lane gets enough of them: B is read by all, A by one each. A packed B stands chunk by chunk and is read
    // whole. A B that every lane would have to transpose or pack for itself is cut, or pays only beside many rows.
    const bool packs_b = p->transpose_b || p->ldb * d.byte_count % 2048 == 0;
    if (p->packed_b || units < 2 * lanes || rows_each >= (packs_b ? 512 : 32))
        cut->row_blocks = larger(1, smaller(pieces, p->m / (p->n == 1 ? 32 : 1)));
    else // columns: every lane streams its own part of B, and all of A once for each piece: few pieces where A is large
        cut->column_blocks = larger(1, smaller(p->m * d.byte_count > LARGE_A_BYTES / larger(1, p->k) ? lanes : pieces, units / 2));
}

static void share_blocks(partition *cut, int32_t lanes) {
    const int64_t blocks = cut->row_blocks * cut->column_blocks;
    cut->shares = 0;
    if (blocks <= lanes) return;
    cut->shares = lanes;
    for (int32_t s = 0; s < cut->shares; s++) {
        atomic_init(&cut->share[s].next, blocks * s / cut->shares);
        cut->share[s].end = blocks * (s + 1) / cut->shares;
    }
}

void ck_gemm_parallel(ck_pool *pool, const ck_gemm_kernels *kernels, const ck_gemm_problem *p) {
    const bool tiny = (uint64_t)(p->m | p->n | p->k) < TINY; // without any arithmetic: such a product takes 20 ns
    if (pool && !tiny && p->m > 0 && p->n > 0 && !ck_pool_inside()) {
        const double nanoseconds = estimate(kernels, p);
        // Every lane has work for as long as a region costs, half of it for two; waking one more costs the caller a system call.
        const double wanted = nanoseconds / (nanoseconds < worth_waking ? worth_a_region / 2 : worth_waking / 2);
        const int32_t available = (int32_t)smaller(ck_pool_lanes(pool), CK_GEMM_SHARES_MAX);
        const int32_t lanes = wanted < available ? (int32_t)wanted : available;
        if (lanes > 1 && nanoseconds >= worth_a_region) {
            partition cut;
            cut.kernels = kernels;
            cut.problem = *p;
            choose_blocks(&cut, lanes, nanoseconds);
            const int32_t most = (int32_t)smaller(lanes, cut.row_blocks * cut.column_blocks);
            if (most > 1) {
                share_blocks(&cut, lanes);
                if (nanoseconds >= worth_waking) {
                    ck_pool_run(pool, most, run_lane, &cut);
                    return;
                }
                // Short products that come often find the workers awake: the first of them rouse the workers and run alone.
                static _Thread_local int32_t alone;
                if (ck_pool_run_if_awake(pool, most, run_lane, &cut)) {
                    alone = 0;
                    return;
                }
                if (++alone >= 8) {
                    alone = 0;
                    ck_pool_rouse(pool, most);
                }
            }
        }
    }
    ck_gemm(kernels, p);
}

void ck_gemv_parallel(ck_pool *pool, const ck_gemm_kernels *kernels, const ck_gemv_problem *p) {
    if (p->incy != 1) {
        ck_gemv(kernels, p);
        return;
    }
    const ck_gemm_problem row = ck_gemv_as_gemm(p);
    ck_gemm_parallel(pool, kernels, &row);
}
