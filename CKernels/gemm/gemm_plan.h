// What plans and loops share. Private to this folder.
#ifndef CK_GEMM_PLAN_PRIVATE_H
#define CK_GEMM_PLAN_PRIVATE_H

#include "ck_gemm_plan.h"
#include "gemm_tile.h"

#include <string.h>

// Bytes of k in a chunk: 1024 floats, 512 doubles. Long chunks touch C seldom; a panel of op(B) then streams from L2,
// which the micro-kernel's 16 bytes a cycle allow. The conformance tests build with short chunks to cross every edge.
#ifndef CK_GEMM_CHUNK_BYTES
#define CK_GEMM_CHUNK_BYTES 4096
#endif
_Static_assert(CK_GEMM_CHUNK_BYTES % 128 == 0, "chunks are rounded up to 16 steps of either type");
_Static_assert(CK_GEMM_CHUNK_BYTES / 4 * 2 * CK_PANEL_VECTORS * 64 <= CK_RESERVE_BYTES,
               "the reserve holds two panels");

// Panels are three vectors wide; the end of a row is shared out as 2 + 2, 2 or 1. The cut of packed operands depends
// on n alone, so that they fit every product; in place, panels may be kept to `most` = 2 vectors.
static inline int64_t panel_vectors(int64_t vectors_left, int64_t most) {
    return vectors_left == 1 ? 1 : most == 3 && (vectors_left >= 5 || vectors_left == 3) ? 3 : 2;
}

// Vectors of the panel that begins with so many vectors left: two panels at once where the plan has them.
static inline int64_t next_panel(const ck_gemm_plan *plan, int64_t vectors_left) {
    const bool two = plan->two_panels && (vectors_left == 6 || vectors_left >= 8);
    return two ? 2 * CK_PANEL_VECTORS : panel_vectors(vectors_left, plan->panel);
}

// Whether rows that far apart stand in one set of L1, or in no more than `sets` of them; a power of two, as a way is.
static inline bool shares_l1_sets(const ck_machine *machine, int64_t stride, int32_t sets) {
    return (stride & (larger(1, machine->l1.way / sets) - 1)) == 0;
}

// By address: read as eight bytes, a number that the caller has just written as four would wait for its way to the
// cache.
static inline bool scalar_is(const ck_scalar *scalar, int64_t element, double value) {
    return element == 4 ? scalar->f32 == (float)value : scalar->f64 == value;
}

// The smallest products are one tile, and the whole call costs little more than its multiply-adds.
static inline bool is_single_tile(const ck_gemm_kernels *kernels, const ck_gemm_problem *p) {
    const int64_t lanes = kernels->description.lanes;
    if (p->n > CK_PANEL_VECTORS * lanes || p->m > CK_ROWS_MAX || p->transpose_b || p->packed_b || p->k <= 0 ||
        p->k > CK_GEMM_CHUNK_BYTES / 16)
        return false;
    const int width = (p->n > lanes) + (p->n > 2 * lanes);
    return p->m <= kernels->rows_max[width] && !scalar_is(&p->alpha, kernels->description.byte_count, 0);
}

// Costs of the system and of any processor, not of one machine, for products on lanes. A region whose workers sleep
// costs tens of microseconds. The conformance tests build with 1, so that every product is cut.
#ifndef CK_GEMM_REGION_NANOSECONDS
#define CK_GEMM_REGION_NANOSECONDS 700
#endif
#ifndef CK_GEMM_WAKE_NANOSECONDS
#define CK_GEMM_WAKE_NANOSECONDS 40000
#endif
// The shortest blocks that lanes take from each other are at least this long; each lane has no more than so many.
#ifndef CK_GEMM_STEAL_NANOSECONDS
#define CK_GEMM_STEAL_NANOSECONDS 100000
#endif

// A product is worth a region where half of it takes longer than the region and what the other lane fetches. An empty
// region is 50 nanoseconds of work and cache-line transfers, and a product sends several times as many lines. Measured
// on Zen 5: products of 0.5 us between near cores (a region of 100 ns) and of 2 to 2.5 us between far ones (400 ns)
// break even. A hypervisor may move processors at any time, so the pool measures regions now and then. 0 stands for a
// region that is not known.
enum { WORTH_TRANSFERS = 8, WORTH_STILL = 50, WORTH_LEAST = WORTH_TRANSFERS * 70, WORTH_MOST = 20000 };
static inline double worth_a_region(double region_nanoseconds) {
    if (CK_GEMM_REGION_NANOSECONDS == 1 || region_nanoseconds <= 0) return CK_GEMM_REGION_NANOSECONDS;
    const double worth = WORTH_TRANSFERS * (region_nanoseconds - WORTH_STILL);
    return worth < WORTH_LEAST ? WORTH_LEAST : worth > WORTH_MOST ? WORTH_MOST : worth;
}

// Whether the answer depends on how long a region takes.
static inline bool depends_on_region(double nanoseconds) {
    return CK_GEMM_REGION_NANOSECONDS > 1 && nanoseconds >= WORTH_LEAST && nanoseconds <= WORTH_MOST;
}

// A cut of C for as many lanes as `cut` has; CK_CUT_NONE where one part is all there is.
ck_gemm_cut ck_gemm_cut_parts(const ck_machine *machine, const ck_gemm_kernels *kernels,
                              const ck_gemm_problem *problem, ck_gemm_cut cut);

static inline bool is_worth_waking(const ck_gemm_cut *cut) { return cut->nanoseconds >= CK_GEMM_WAKE_NANOSECONDS; }

// Fewer multiply-adds, in vectors, than any region is worth. In integers that cannot overflow: the smallest products
// take 20 ns.
static inline bool is_tiny(const ck_gemm_kernels *kernels, const ck_gemm_problem *p) {
    enum { VECTORS = CK_GEMM_REGION_NANOSECONDS > 1 ? 2048 : 0 };
    return (uint64_t)(p->m | p->n | p->k) < 1024 && p->m * p->n * p->k < VECTORS * kernels->description.lanes;
}

// C has few columns: the same product with the operands exchanged has few rows (gemm_exchanged.c).
void ck_gemm_exchanged(const ck_gemm_kernels *kernels, const ck_gemm_problem *p);

// Copies `count` elements that stand some bytes apart.
static inline void copy_elements(char *to, int64_t to_stride, const char *from, int64_t from_stride, int64_t count,
                                 int64_t element) {
    if (element == 4)
        for (int64_t i = 0; i < count; i++) memcpy(to + i * to_stride, from + i * from_stride, 4);
    else
        for (int64_t i = 0; i < count; i++) memcpy(to + i * to_stride, from + i * from_stride, 8);
}

#endif
