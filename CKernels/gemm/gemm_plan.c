// The plan of a product for one thread: every rule in one place. Rules compare the shape with the machine's limits
// (ck_machine.h); what the limits follow from stands in ck_gemm_plan.h, what set them on a machine in its row of the
// table.
#include "gemm_plan.h"

// A panel is packed by a tile that stores what it reads, which costs that tile a fifth: three groups of rows share the
// cost where packing mends sets of a cache, eight where it only shortens the way.
enum { GROUPS_FOR_SETS = 3, GROUPS_FOR_SIZE = 8 };
// Row groups that a panel's rows are fetched for by the first of them; with more, what the others read stands in L2
// anyway.
enum { GROUPS_OF_FEW = 4, GROUPS_OF_PANEL = 2 };
// Panels for which pages of a transposed A are walked again and again.
enum { PANELS_FOR_PAGES = 16 };

int64_t ck_gemm_chunk(int32_t byte_count, int64_t k) {
    const int64_t longest = CK_GEMM_CHUNK_BYTES / byte_count;
    if (k <= longest) return k;
    const int64_t even = ceil_div(k, ceil_div(k, longest));
    return (even + 15) / 16 * 16;
}

// Rows that lie a multiple of a large power of two apart share few sets of L2: how many of them fit half of its ways.
// A panel with more rows than that falls out of L2 before it is used again.
static int64_t rows_that_fit_l2(const ck_machine *machine, int64_t stride) {
    const int64_t way = machine->l2.way, apart = stride & -stride, half = larger(machine->l2.ways / 2, 1);
    return apart == 0 || apart >= way ? half
                                      : half * (way >> __builtin_ctzll((uint64_t)apart)); // both are powers of two
}

// What the rules are asked about.
typedef struct question {
    const ck_machine *machine;
    const ck_gemm_kernels *kernels;
    const ck_gemm_problem *p;
    int64_t element, vectors, k; // k of a chunk
    int64_t a_stride, b_stride;
} question;

// The tallest tile of the widest panel that so many vectors have.
static int32_t tallest_of(const ck_gemm_kernels *kernels, int64_t vectors) {
    return kernels->rows_max[vectors == 1 ? CK_WIDTH_1 : vectors == 2 || vectors == 4 ? CK_WIDTH_2 : CK_WIDTH_3];
}

static int32_t tallest(const question *q) { return tallest_of(q->kernels, q->vectors); }

static void choose_rows(ck_gemm_plan *plan, const question *q) {
    const uint8_t *rows_max = q->kernels->rows_max;
    const ck_gemm_problem *p = q->p;
    plan->panel = CK_PANEL_VECTORS;
    plan->rows = tallest(q);
    plan->why_rows = CK_WHY_SHAPE;
    plan->two_panels =
        p->m <= rows_max[CK_WIDTH_6] && !(plan->pack_b && !p->transpose_b); // a panel is packed by a tile of its width
    // Rows of A that share one set of L1, and the lines of B beside them, must not be more than its ways: twelve of
    // them at 4 KiB cost a third of the speed on Zen 5. The main tile is taken as it is.
    const int32_t fit = (int32_t)larger(rows_max[CK_WIDTH_3], q->machine->l1.ways - CK_PANEL_VECTORS - 1);
    const bool one_set = !p->transpose_a && shares_l1_sets(q->machine, q->a_stride, 1);
    if (one_set && plan->rows > fit) plan->rows = fit, plan->why_rows = CK_WHY_SETS;
    // A B that comes from L3 or memory is read once for all groups of rows that follow each other closely: rather
    // tiles of two vectors, which are taller, than a large B once more. On Zen 5 9 to 12 rows gain 7 to 29%, and with
    // a B from memory 12 rows on AVX2 10%.
    if (p->packed_b || plan->pack_b || q->vectors <= 2) return;
    const int64_t groups = ceil_div(p->m, plan->rows), fewer = ceil_div(p->m, rows_max[CK_WIDTH_2]),
                  size = q->k * p->n * q->element;
    if (fewer < groups && ((fewer == 1 && size > q->machine->gemm.b_near) ||
                           (groups <= GROUPS_OF_FEW && p->k * q->b_stride > q->machine->gemm.b_far && !one_set))) {
        plan->rows = rows_max[CK_WIDTH_2];
        plan->panel = 2;
        plan->why_rows = CK_WHY_LARGE;
    }
}

static void choose_packing_of_a(ck_gemm_plan *plan, const question *q) {
    const ck_gemm_limits *limits = &q->machine->gemm;
    const int64_t panels = ceil_div(q->vectors, CK_PANEL_VECTORS), size = q->p->m * q->k * q->element;
    plan->why_pack_a = CK_WHY_SHAPE;
    if (!q->p->transpose_a) return; // rows are read by broadcasts, in place
    plan->pack_a = true;
    if (panels < limits->a_packed_panels)
        plan->pack_a = false, plan->why_pack_a = CK_WHY_FEW_PANELS;
    else if (q->k > rows_that_fit_l2(q->machine, q->a_stride))
        plan->why_pack_a = CK_WHY_SETS;
    else if (q->a_stride > q->machine->page && panels >= PANELS_FOR_PAGES)
        plan->why_pack_a = CK_WHY_PAGES;
    else if (size > limits->a_packed)
        plan->why_pack_a = CK_WHY_LARGE;
    else
        plan->pack_a = false, plan->why_pack_a = CK_WHY_SMALL;
}

static void choose_packing_of_b(ck_gemm_plan *plan, const question *q) {
    const int64_t groups = ceil_div(q->p->m, tallest(q)), size = q->k * q->p->n * q->element;
    if (q->p->packed_b) {
        plan->why_pack_b = CK_WHY_PREPACKED;
        return;
    }
    plan->pack_b = true;
    if (q->p->transpose_b)
        plan->why_pack_b = CK_WHY_SHAPE;
    else if (groups < GROUPS_FOR_SETS)
        plan->pack_b = false, plan->why_pack_b = CK_WHY_FEW_ROWS;
    else if (q->k > rows_that_fit_l2(q->machine, q->b_stride) ||
             (shares_l1_sets(q->machine, q->b_stride, 1) && q->k > q->machine->l1.ways))
        plan->why_pack_b = CK_WHY_SETS;
    else if (q->b_stride % q->machine->l1.line != 0 && size > q->machine->gemm.b_split && groups >= GROUPS_FOR_SIZE)
        plan->why_pack_b = CK_WHY_LINES;
    else if (size > q->machine->gemm.b_packed)
        plan->pack_b = groups >= GROUPS_FOR_SIZE, plan->why_pack_b = plan->pack_b ? CK_WHY_LARGE : CK_WHY_FEW_ROWS;
    else
        plan->pack_b = false, plan->why_pack_b = CK_WHY_SMALL;
}

// Blocks of rows are as equal as can be, those of columns whole panels.
static void choose_blocks(ck_gemm_plan *plan, const question *q) {
    const ck_gemm_limits *limits = &q->machine->gemm;
    const int64_t row = q->k * q->element, vector = q->kernels->description.lanes * row, m = q->p->m;
    plan->mc = m;
    plan->nc = q->vectors;
    plan->why_blocks = CK_WHY_SMALL;
    if ((m * row <= limits->a_unblocked && !plan->pack_a) || m <= plan->rows) return;
    const int64_t rows = larger(limits->a_block / row, plan->rows);
    if (rows < m) plan->mc = ceil_div(ceil_div(m, ceil_div(m, rows)), plan->rows) * plan->rows;
    const int64_t columns = larger(limits->b_block / vector / CK_PANEL_VECTORS, 1) * CK_PANEL_VECTORS;
    if (columns < q->vectors) plan->nc = columns;
    if (plan->mc < m || plan->nc < q->vectors) plan->why_blocks = CK_WHY_LARGE;
    plan->keep_panels = plan->pack_b && plan->mc < m;
}

static void choose_ahead(ck_gemm_plan *plan, const question *q) {
    const ck_gemm_limits *limits = &q->machine->gemm;
    const ck_gemm_problem *p = q->p;
    const int64_t size = q->k * p->n * q->element, groups = ceil_div(p->m, plan->rows);
    const bool in_place = !plan->pack_b && !p->packed_b;
    plan->ahead = CK_AHEAD_LINES;
    if (in_place && size <= limits->b_near) {
        plan->ahead = CK_AHEAD_NONE;
    } else if (in_place && groups <= GROUPS_OF_PANEL &&
               (p->k * q->b_stride > limits->b_far || // also where this is a part of a wider product
                (shares_l1_sets(q->machine, q->b_stride, 1) && size > q->machine->l2.bytes && !plan->two_panels))) {
        // From memory, and from L3 where the rows share a set, which hardware does not fetch ahead: 8 x 1024^2 +25%,
        // 16 x 1024^2 +8%, 8 x 2000^2 +19% on Zen 5. From L3 otherwise it costs 5 to 9%; so do six lines a step.
        plan->ahead = CK_AHEAD_PANEL;
    } else if (in_place && limits->row_distance > 0 && groups <= GROUPS_OF_FEW && plan->panel == CK_PANEL_VECTORS &&
               !plan->two_panels) {
        plan->ahead = CK_AHEAD_ROWS;
    }
    plan->packing_distance = (int32_t)limits->packing_distance;
    plan->row_distance = (int32_t)limits->row_distance;
    plan->c_is_far = p->m * p->n * q->element > limits->c_far;
}

// Operands that span no more than L1 share no sets of it and need no fetching, where C is not far either: nothing is
// left to decide, in a few nanoseconds.
static bool is_near(const question *q) {
    const ck_gemm_problem *p = q->p;
    const uint64_t few = 1 << 16; // products of these do not overflow
    if (q->k == 0 || p->transpose_b || p->packed_b || (uint64_t)(p->m | p->n | p->k | p->lda | p->ldb) >= few)
        return false;
    if (p->m * p->n * q->element > q->machine->gemm.c_far) return false;
    return (p->transpose_a ? p->k : p->m) * q->a_stride + p->k * q->b_stride <= q->machine->l1.bytes;
}

// Whether less than a vector of columns is done faster with the operands exchanged, so that vectors run along the rows
// of C. In slots of multiply-adds: now a vector for each row and step of k; exchanged the columns times the vectors of
// rows, the transposition of A in registers (half of a slot for each element of it: one column of 97 rows and steps
// takes 563 ns on Zen 5, where they are 9,409) and the columns' way to C. Below 48 rows or steps of k what begins and
// ends a call is more than that.
static bool exchange_pays(const question *q, int64_t columns) {
    const ck_gemm_problem *p = q->p;
    const int64_t lanes = q->kernels->description.lanes;
    if (columns < 1 || columns > q->kernels->dot_rows_max || p->packed_b || p->m < 48 || p->k < 48) return false;
    const double now = (double)p->m * (double)p->k, added = (double)(columns * ceil_div(p->m, lanes)) * (double)p->k;
    return added + (p->transpose_a ? 0 : 0.5 * now) + (double)(columns * p->m) < 0.9 * now;
}

static ck_gemm_path choose_path(const question *q) {
    const ck_gemm_problem *p = q->p;
    if (p->n == 1 && p->m > 1 && !p->packed_b) return CK_PATH_COLUMNS;
    if (q->vectors == 1 && q->k > 0 && p->m > q->kernels->rows_max[CK_WIDTH_1] && exchange_pays(q, p->n))
        return CK_PATH_COLUMNS;
    if (is_single_tile(q->kernels, p)) return CK_PATH_TILE;
    if (q->k == 0 || p->packed_b) return CK_PATH_TILES;
    if (p->transpose_b && p->m <= q->kernels->dot_rows_max) return CK_PATH_DOT;
    if (!p->transpose_b && p->m == 1 && p->k >= 8 * CK_ROW_STEPS && q->vectors >= 4) return CK_PATH_ROW;
    return CK_PATH_TILES;
}

ck_gemm_plan ck_gemm_plan_for(const ck_machine *machine, const ck_gemm_kernels *kernels, const ck_gemm_problem *p) {
    const int64_t element = kernels->description.byte_count,
                  k = p->k <= 0 || scalar_is(&p->alpha, element, 0) ? 0 : p->k;
    ck_gemm_plan plan = {.chunk = ck_gemm_chunk((int32_t)element, k)};
    question q = {.machine = machine,
                  .kernels = kernels,
                  .p = p,
                  .element = element,
                  .vectors = ceil_div(p->n, kernels->description.lanes),
                  .k = plan.chunk,
                  .a_stride = p->lda * element,
                  .b_stride = p->ldb * element};
    plan.path = choose_path(&q);
    const int64_t rest = p->n % kernels->description.lanes;
    if (plan.path == CK_PATH_TILES && k > 0 && q.vectors > (p->transpose_a ? 1 : 2) && exchange_pays(&q, rest)) {
        plan.tail = (int32_t)rest;
        q.vectors--;
    }
    if (is_near(&q)) {
        plan.panel = CK_PANEL_VECTORS;
        plan.rows = tallest(&q);
        plan.two_panels = p->m <= kernels->rows_max[CK_WIDTH_6];
        plan.mc = p->m;
        plan.nc = q.vectors;
        plan.why_rows = plan.why_pack_a = plan.why_pack_b = plan.why_blocks = CK_WHY_IN_L1;
        return plan;
    }
    if (k > 0) {
        choose_packing_of_a(&plan, &q);
        choose_packing_of_b(&plan, &q);
    }
    choose_rows(&plan, &q);
    choose_blocks(&plan, &q);
    choose_ahead(&plan, &q);
    if (plan.path == CK_PATH_DOT) {
        // Asking ahead pays from memory (Zen 5: NT 1 x 4000^2 +10%, 3000 x 2000 +22%, 8 rows +27%), not from L3 (2 x
        // 2000^2 -7%), not where the lines fall in few sets (1 x 8000 x 4096 -6%), and not in tiles that compute long
        // on each line (12 rows -26%).
        const int64_t cached = machine->l3.bytes ? machine->l3.bytes / 2 : machine->gemm.b_far;
        if (shares_l1_sets(machine, q.b_stride, 2))
            plan.dot_lag = (int32_t)machine->gemm.dot_lag;
        else if (p->n * p->k * q.element > cached && p->m <= CK_DOT_ROWS_AHEAD)
            plan.dot_ahead = (int32_t)larger(0, machine->gemm.dot_ahead);
    }
    return plan;
}

void ck_gemm_settle(ck_gemm_plan *plan, const ck_gemm_kernels *kernels, const ck_gemm_problem *p) {
    const int64_t vectors = ceil_div(p->n - plan->tail, kernels->description.lanes);
    const bool has_product = plan->chunk > 0;
    plan->pack_a = plan->pack_a && p->transpose_a && has_product;
    plan->pack_b = (plan->pack_b || p->transpose_b) && !p->packed_b && has_product;
    if (plan->pack_b && !p->transpose_b) plan->two_panels = false;
    const uint8_t *rows_max = kernels->rows_max;
    const int32_t most = plan->panel == 2 ? rows_max[CK_WIDTH_2] : tallest_of(kernels, vectors);
    plan->rows = (int32_t)larger(1, smaller(plan->rows, most));
    plan->two_panels = plan->two_panels && p->m <= rows_max[CK_WIDTH_6];
    plan->mc = larger(1, smaller(plan->mc, p->m));
    plan->nc = larger(1, smaller(plan->nc, vectors));
    plan->keep_panels = plan->pack_b && plan->mc < p->m;
    if (plan->nc < vectors) plan->two_panels = false; // a block ends with a panel, not with two
    // What is packed or cut is no longer a product that lies within L1 as it is.
    if (plan->pack_a || plan->pack_b || plan->mc < p->m || plan->nc < vectors) plan->why_blocks = CK_WHY_LARGE;
}
