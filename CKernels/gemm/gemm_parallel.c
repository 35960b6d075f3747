// A product on several lanes: C is cut in blocks, and every block is a product of its own; or, where C is small and k
// long, lanes sum chunks of k. Neither changes a bit (ck_gemm.h), so the partition is free to follow the machine: each
// lane begins with its own share of the blocks, and in long products a lane that is through takes blocks from the
// others, one by one.
#include "ck_vector.h"
#include "gemm_plan.h"

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
    ck_gemm_cut cut;
    int32_t shares; // 0: lanes take blocks in turn, and none from each other
    ck_gemm_problem problem;
    share share[CK_GEMM_SHARES_MAX];
} partition;

static int64_t block_count(const ck_gemm_cut *cut) { return cut->row_parts * cut->column_parts * cut->blocks_each; }

static void run_block(const partition *whole, int64_t block) {
    const ck_gemm_problem *p = &whole->problem;
    const ck_gemm_cut *cut = &whole->cut;
    const int64_t element = whole->kernels->description.byte_count,
                  panel = CK_PANEL_VECTORS * whole->kernels->description.lanes;
    const int64_t part_number = block / cut->blocks_each, piece = block % cut->blocks_each;
    const int64_t row = part_number % cut->row_parts, column = part_number / cut->row_parts,
                  units = ceil_div(p->n, cut->column_unit);
    const int64_t i = p->m * row / cut->row_parts, i_end = p->m * (row + 1) / cut->row_parts;
    const int64_t start = units * column / cut->column_parts * cut->column_unit;
    const int64_t end = smaller(units * (column + 1) / cut->column_parts * cut->column_unit, p->n),
                  panels = ceil_div(end - start, panel);
    // Half of the panels, then half of the rest ...: lanes start with long blocks and finish with short ones.
    const int64_t j = start + (panels - (panels >> piece)) * panel;
    const int64_t j_end =
        piece + 1 == cut->blocks_each ? end : smaller(start + (panels - (panels >> (piece + 1))) * panel, end);
    ck_gemm_problem part = *p;
    part.m = i_end - i;
    part.n = j_end - j;
    part.a = (const char *)p->a + i * element * (p->transpose_a ? 1 : p->lda);
    part.c = (char *)p->c + (i * p->ldc + j) * element;
    if (!p->packed_b) // a packed B stands chunk by chunk: its columns are never cut
        part.b = (const char *)p->b + j * element * (p->transpose_b ? p->ldb : 1);
    if (p->bias_kind == CK_BIAS_PER_ROW) part.bias = (const char *)p->bias + i * element;
    if (p->bias_kind == CK_BIAS_PER_COLUMN) part.bias = (const char *)p->bias + j * element;
    ck_gemm(whole->kernels, &part);
}

static void run_lane(void *context, int32_t lane, int32_t lanes) {
    partition *whole = context;
    for (int line = 0; line < 256; line += 64) __builtin_prefetch((const char *)whole + line);
    if (whole->shares == 0) {
        for (int64_t block = lane; block < block_count(&whole->cut); block += lanes) run_block(whole, block);
        return;
    }
    // Fewer lanes than shares: the shares of missing lanes are taken like those of slow ones.
    for (int32_t i = 0; i < whole->shares; i++) {
        share *s = &whole->share[(lane * whole->shares / lanes + i) % whole->shares];
        while (atomic_load_explicit(&s->next, memory_order_relaxed) < s->end) {
            const int64_t block = atomic_fetch_add_explicit(&s->next, 1, memory_order_relaxed);
            if (block >= s->end) break;
            run_block(whole, block);
        }
    }
}

static void share_blocks(partition *whole) {
    const int64_t blocks = block_count(&whole->cut);
    whole->shares = 0;
    if (blocks <= whole->cut.lanes) return;
    whole->shares = whole->cut.lanes;
    for (int32_t s = 0; s < whole->shares; s++) {
        atomic_init(&whole->share[s].next, blocks * s / whole->shares);
        whole->share[s].end = blocks * (s + 1) / whole->shares;
    }
}

// False where the caller goes on alone: short products that come often find the workers awake, the first of them wake
// them.
static bool run_on_lanes(ck_pool *pool, const ck_gemm_cut *cut, int32_t lanes, ck_pool_task task, void *context) {
    static _Thread_local int32_t alone;
    if (is_worth_waking(cut)) {
        ck_pool_run(pool, lanes, task, context);
        return true;
    }
    if (ck_pool_run_if_awake(pool, lanes, task, context)) {
        alone = 0;
        return true;
    }
    if (++alone >= 8) {
        alone = 0;
        ck_pool_wake(pool, lanes);
    }
    return false;
}

// Too few tiles for the lanes, and several chunks of k: each lane sums its own chunks. The first lane's go to C as
// ever, those of the others to memory, and are added in ascending order when all are there; no bit differs from one
// lane.
typedef struct chunk_sums {
    const ck_gemm_kernels *kernels;
    const ck_gemm_problem *problem;
    int64_t chunk, chunks; // steps of k in a chunk, number of chunks
    int64_t first; // the first chunk whose sum stands in `sums`
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

static outcome run_in_chunks(ck_pool *pool, const ck_gemm_cut *plan, const ck_gemm_kernels *kernels,
                             const ck_gemm_problem *p) {
    const ck_gemm_description d = kernels->description;
    const double alpha = d.byte_count == 4 ? (double)p->alpha.f32 : p->alpha.f64;
    const int64_t chunk = ck_gemm_chunk(d.byte_count, p->k), chunks = ceil_div(p->k, chunk);
    const int32_t lanes = (int32_t)smaller(plan->lanes, chunks);
    // The epilogue adds +0 to finished sums, which leaves them as they are unless zeros round downward.
    const bool has_epilogue = p->relu || p->bias_kind != CK_BIAS_NONE;
    if (has_epilogue && fegetround() != FE_TONEAREST) return OTHER_KIND;
    chunk_sums cut = {
        .kernels = kernels, .problem = p, .chunk = chunk, .chunks = chunks, .first = larger(1, chunks / lanes)};
    const int64_t sum = p->m * p->n * d.byte_count;
    if (chunks - cut.first > CHUNK_SUMS_BYTES / sum) return OTHER_KIND;
    cut.sums = malloc((size_t)((chunks - cut.first) * sum));
    if (!cut.sums) return OTHER_KIND;
    const bool ran = run_on_lanes(pool, plan, lanes, run_chunks, &cut);
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
    ck_gemm_lanes known = {.lanes = ck_pool_lanes(pool)};
    if (known.lanes < 2) return false;
    const ck_machine *machine = p->machine ? p->machine : ck_machine_current();
    if (depends_on_region(ck_gemm_estimate(machine, kernels, p)))
        known.region_nanoseconds = ck_pool_region_nanoseconds(pool);
    partition whole; // large, and filled as far as it is used
    whole.cut = ck_gemm_cut_for(machine, kernels, p, known);
    if (whole.cut.kind == CK_CUT_NONE) return false;
    if (whole.cut.kind == CK_CUT_CHUNKS) {
        const outcome chunked = run_in_chunks(pool, &whole.cut, kernels, p);
        if (chunked != OTHER_KIND) return chunked == DONE;
        whole.cut = ck_gemm_cut_parts(machine, kernels, p, whole.cut);
        if (whole.cut.kind == CK_CUT_NONE) return false;
    }
    whole.kernels = kernels;
    whole.problem = *p;
    share_blocks(&whole);
    const int32_t most = (int32_t)smaller(whole.cut.lanes, block_count(&whole.cut));
    return run_on_lanes(pool, &whole.cut, most, run_lane, &whole);
}

void ck_gemm_parallel(ck_pool *pool, const ck_gemm_kernels *kernels, const ck_gemm_problem *p) {
    if (!pool || p->m <= 0 || p->n <= 0 || is_tiny(kernels, p) || ck_pool_inside() || !run_shared(pool, kernels, p))
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
