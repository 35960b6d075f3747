// A plan in words: each decision with the figures that it follows from.
#include "gemm_plan.h"

#include <stdarg.h>
#include <stdio.h>

typedef struct writer {
    char *text;
    int64_t size, length;
} writer;

static void write_line(writer *w, const char *topic, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void write_line(writer *w, const char *topic, const char *format, ...) {
    char line[400];
    int length = snprintf(line, sizeof line, "%-9s ", topic);
    va_list arguments;
    va_start(arguments, format);
    length += vsnprintf(line + length, sizeof line - (size_t)length, format, arguments);
    va_end(arguments);
    for (int i = 0; i <= length && i < (int)sizeof line; i++, w->length++)
        if (w->length < w->size - 1) w->text[w->length] = i == length ? '\n' : line[i];
}

// Bytes for people.
typedef struct amount {
    char text[32];
} amount;

static amount bytes(int64_t count) {
    amount a;
    if (count == INT64_MAX)
        snprintf(a.text, sizeof a.text, "any size");
    else if (count >= 10 << 20)
        snprintf(a.text, sizeof a.text, "%.0f MiB", (double)count / (1 << 20));
    else if (count >= 1 << 20)
        snprintf(a.text, sizeof a.text, "%.1f MiB", (double)count / (1 << 20));
    else if (count >= 10 << 10)
        snprintf(a.text, sizeof a.text, "%.0f KiB", (double)count / (1 << 10));
    else
        snprintf(a.text, sizeof a.text, "%lld bytes", (long long)count);
    return a;
}

static void explain_a(writer *w, const ck_machine *machine, const ck_gemm_plan *plan, const ck_gemm_problem *p,
                      int64_t element, int64_t panels) {
    const ck_gemm_limits *limits = &machine->gemm;
    const char *what = plan->pack_a ? "packed" : "in place";
    const int64_t size = p->m * plan->chunk * element;
    switch (plan->why_pack_a) {
    case CK_WHY_SHAPE: write_line(w, "A", "in place: its rows are read by broadcasts"); break;
    case CK_WHY_FEW_PANELS:
        write_line(w, "A", "%s: %lld panels read it, packing pays from %lld on", what, (long long)panels,
                   (long long)limits->a_packed_panels);
        break;
    case CK_WHY_SETS:
        write_line(w, "A", "%s: its %lld stored rows lie %lld bytes apart and share few sets of L2 (a way is %s)",
                   what, (long long)plan->chunk, (long long)(p->lda * element), bytes(machine->l2.way).text);
        break;
    case CK_WHY_PAGES:
        write_line(w, "A", "%s: every step of k reads another page of %s, and %lld panels do it", what,
                   bytes(machine->page).text, (long long)panels);
        break;
    default:
        write_line(w, "A", "%s: a chunk of it has %s, limit %s", what, bytes(size).text, bytes(limits->a_packed).text);
        break;
    }
}

static void explain_b(writer *w, const ck_machine *machine, const ck_gemm_plan *plan, const ck_gemm_problem *p,
                      int64_t element) {
    const int64_t size = plan->chunk * p->n * element, groups = ceil_div(p->m, plan->rows);
    const char *what = plan->pack_b ? "packed by the first tile of each panel" : "in place";
    switch (plan->why_pack_b) {
    case CK_WHY_PREPACKED: write_line(w, "B", "packed beforehand"); break;
    case CK_WHY_SHAPE:
        write_line(w, "B", "packed: it is stored transposed and %lld rows of A read it", (long long)p->m);
        break;
    case CK_WHY_FEW_ROWS:
        write_line(w, "B", "%s: too few row groups (%lld) would read the packed panels", what, (long long)groups);
        break;
    case CK_WHY_SETS:
        write_line(w, "B", "%s: its rows lie %lld bytes apart and share few sets of L1 or L2 (ways are %s and %s)",
                   what, (long long)(p->ldb * element), bytes(machine->l1.way).text, bytes(machine->l2.way).text);
        break;
    case CK_WHY_LINES:
        write_line(w, "B", "%s: its rows are no multiple of a line of %d bytes, and a chunk of it has %s, limit %s",
                   what, machine->l1.line, bytes(size).text, bytes(machine->gemm.b_split).text);
        break;
    default:
        write_line(w, "B", "%s: a chunk of it has %s, limit %s", what, bytes(size).text,
                   bytes(machine->gemm.b_packed).text);
        break;
    }
}

static void explain_ahead(writer *w, const ck_machine *machine, const ck_gemm_plan *plan, const ck_gemm_problem *p,
                          int64_t element) {
    const int64_t size = plan->chunk * p->n * element;
    if (p->packed_b)
        write_line(w, "fetch", "each tile asks for a part of the next packed panel");
    else if (p->transpose_b && plan->mc >= p->m)
        write_line(w, "fetch", "nothing ahead: each panel is packed right before it is used");
    else if (p->transpose_b)
        write_line(w, "fetch",
                   "nothing ahead in the first block of rows, which packs; later ones ask for parts of the next "
                   "packed panel");
    else if (plan->pack_b)
        write_line(w, "fetch", "a packing tile asks for its row of B %d steps of k ahead", plan->packing_distance);
    else if (plan->ahead == CK_AHEAD_NONE)
        write_line(w, "fetch", "nothing ahead: a chunk of B has %s, limit %s", bytes(size).text,
                   bytes(machine->gemm.b_near).text);
    else if (plan->ahead == CK_AHEAD_PANEL)
        write_line(w, "fetch", "the first row group asks for the whole next panel: few rows, and %s",
                   p->k * p->ldb * element > machine->gemm.b_far
                       ? "B comes from memory"
                       : "rows of B share a set of L1, which hardware does not fetch ahead");
    else if (plan->ahead == CK_AHEAD_ROWS)
        write_line(w, "fetch",
                   "the first row group asks for the panel's own rows %d steps ahead: few rows, B beyond L2",
                   plan->row_distance);
    else
        write_line(w, "fetch", "each tile asks for a part of the next panel: a chunk of B has %s, limit %s",
                   bytes(size).text, bytes(machine->gemm.b_near).text);
}

static void explain_tiles(writer *w, const ck_machine *machine, const ck_gemm_plan *plan,
                          const ck_gemm_kernels *kernels, const ck_gemm_problem *p) {
    const ck_gemm_description d = kernels->description;
    const int64_t panels = ceil_div(ceil_div(p->n, d.lanes), CK_PANEL_VECTORS);
    const char *why = plan->why_rows == CK_WHY_SETS ? " (rows of A share one set of L1)"
                      : plan->why_rows == CK_WHY_LARGE
                          ? " (taller, narrower tiles: B comes from L3 or memory and is read less often)"
                          : "";
    write_line(w, "tiles", "up to %d rows and %d vectors of %d columns%s%s", plan->rows,
               plan->two_panels ? 2 * CK_PANEL_VECTORS : plan->panel, d.lanes,
               plan->two_panels ? ": few rows need many columns to keep the multiply-add units busy" : "", why);
    if (plan->why_blocks == CK_WHY_IN_L1) {
        write_line(w, "operands", "in place and uncut: together they span no more than L1 (%s)",
                   bytes(machine->l1.bytes).text);
        return;
    }
    explain_a(w, machine, plan, p, d.byte_count, panels);
    explain_b(w, machine, plan, p, d.byte_count);
    if (plan->why_blocks == CK_WHY_LARGE)
        write_line(w, "blocks", "of %lld rows (%s of A, limit %s) and %lld columns (%s of B, limit %s)",
                   (long long)plan->mc, bytes(plan->mc * plan->chunk * d.byte_count).text,
                   bytes(machine->gemm.a_block).text, (long long)smaller(plan->nc * d.lanes, p->n),
                   bytes(smaller(plan->nc * d.lanes, p->n) * plan->chunk * d.byte_count).text,
                   bytes(machine->gemm.b_block).text);
    else if (p->m <= plan->rows)
        write_line(w, "blocks", "none: one group of rows holds all of A");
    else
        write_line(w, "blocks", "none: a chunk of A has %s, limit %s", bytes(p->m * plan->chunk * d.byte_count).text,
                   bytes(machine->gemm.a_unblocked).text);
    explain_ahead(w, machine, plan, p, d.byte_count);
}

static void explain_cut(writer *w, const ck_gemm_cut *cut, ck_gemm_lanes lanes) {
    if (lanes.lanes < 2)
        write_line(w, "lanes", "one: there are no more");
    else if (cut->kind == CK_CUT_NONE && cut->nanoseconds < cut->worth)
        write_line(w, "lanes",
                   "one: about %.2f us of work; with a region of %.0f ns a second lane pays from %.2f us on%s",
                   cut->nanoseconds * 1e-3, lanes.region_nanoseconds, cut->worth * 1e-3,
                   lanes.region_nanoseconds > 0 ? "" : " (region not known)");
    else if (cut->kind == CK_CUT_NONE)
        write_line(w, "lanes", "one: too small for a region");
    else if (cut->kind == CK_CUT_CHUNKS)
        write_line(w, "lanes", "%d of %d, each sums chunks of k: C has fewer tiles than lanes", cut->lanes,
                   lanes.lanes);
    else
        write_line(w, "lanes", "%d of %d: C in %lld x %lld parts, each in %lld blocks; about %.1f us for one lane",
                   cut->lanes, lanes.lanes, (long long)cut->row_parts, (long long)cut->column_parts,
                   (long long)cut->blocks_each, cut->nanoseconds * 1e-3);
}

int64_t ck_gemm_explain(const ck_machine *machine, const ck_gemm_kernels *kernels, const ck_gemm_problem *p,
                        ck_gemm_lanes lanes, char *text, int64_t size) {
    writer w = {text, size, 0};
    const ck_gemm_plan plan = ck_gemm_plan_for(machine, kernels, p);
    write_line(&w, "machine", "%s%s; L1 %s, L2 %s, L3 %s", machine->name, machine->forced ? " (forced)" : "",
               bytes(machine->l1.bytes).text, bytes(machine->l2.bytes).text,
               machine->l3.bytes ? bytes(machine->l3.bytes).text : "none");
    write_line(&w, "kernels", "%s", kernels->description.name);
    switch (plan.path) {
    case CK_PATH_TILE: write_line(&w, "path", "one tile holds all of C"); break;
    case CK_PATH_COLUMNS:
        write_line(
            &w, "path",
            "C has few columns (%lld): the product with the operands exchanged, whose vectors run along the rows of C",
            (long long)p->n);
        break;
    case CK_PATH_DOT:
        write_line(&w, "path", "B is stored transposed and C has %lld rows: B is transposed in registers%s",
                   (long long)p->m,
                   plan.dot_lag ? ", the second vector behind the first, for rows of B share sets of L1" : "");
        if (plan.dot_ahead)
            write_line(&w, "ahead", "rows of B %d bytes ahead, for B comes from memory", (int)plan.dot_ahead);
        break;
    case CK_PATH_ROW: write_line(&w, "path", "C has one row: B is read along its rows, sums in L1"); break;
    case CK_PATH_TILES:
        write_line(&w, "path", "panels of B, tiles of C; k in chunks of %lld (part of the numeric promise)",
                   (long long)plan.chunk);
        explain_tiles(&w, machine, &plan, kernels, p);
        if (plan.tail)
            write_line(&w, "tail",
                       "the last %d of %lld columns with the operands exchanged: a vector of %d would be mostly empty",
                       plan.tail, (long long)p->n, kernels->description.lanes);
        break;
    }
    const ck_gemm_cut cut = ck_gemm_cut_for(machine, kernels, p, lanes);
    explain_cut(&w, &cut, lanes);
    if (size > 0) text[w.length < size ? w.length : size - 1] = 0;
    return w.length;
}
