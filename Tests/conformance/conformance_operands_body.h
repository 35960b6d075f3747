// The suite for one element type, after defining ELEMENT, NAME(x), WIDE, BITS (an unsigned integer of the element's
// size), CATALOGUE, SCALAR(x) (as ck_scalar), FMA, EPSILON (unit roundoff), SMALLEST (subnormal), SIGNALLING (bits of
// a NaN), EXACT_LIMIT (largest k * max|a| * max|b| that stays an integer), and the names that
// conformance_vector_body.h wants.

static ELEMENT NAME(random_element)(void) {
    // Between -1 and 1, with exponents spread over a few binades.
    const int binade = (int)random_below(4);
    return (ELEMENT)ldexp((double)(int64_t)(random_bits() >> 11) / 4503599627370496.0 - 1.0, -binade);
}

static bool NAME(same)(ELEMENT a, ELEMENT b) { return (isnan(a) && isnan(b)) || memcmp(&a, &b, sizeof a) == 0; }

// Element (i, j) of C by the letter of ck_gemm.h, one operation after another.
static ELEMENT NAME(promised)(const ck_gemm_problem *p, ELEMENT alpha, ELEMENT beta, ELEMENT c0, int64_t i,
                              int64_t j) {
    const ELEMENT *a = p->a, *b = p->b;
    const int64_t k = alpha == 0 ? 0 : p->k, chunk = ck_gemm_chunk(sizeof(ELEMENT), k);
    volatile ELEMENT scaled = beta * c0; // volatile: the product is rounded before it is added
    ELEMENT c = k > 0 ? c0 : beta == 0 ? 0 : scaled;
    for (int64_t start = 0; start < k; start += chunk) {
        ELEMENT s = 0;
        for (int64_t q = start; q < k && q < start + chunk; q++)
            s = FMA(p->transpose_a ? a[q * p->lda + i] : a[i * p->lda + q],
                    p->transpose_b ? b[j * p->ldb + q] : b[q * p->ldb + j], s);
        if (start > 0) {
            c = FMA(alpha, s, c);
        } else if (beta == 0) {
            c = FMA(alpha, s, (ELEMENT)-0.0);
        } else {
            c = FMA(alpha, s, scaled);
        }
    }
    if (p->bias_kind != CK_BIAS_NONE) {
        volatile ELEMENT sum = c; // volatile: no fused rounding with what came before
        c = sum + ((const ELEMENT *)p->bias)[p->bias_kind == CK_BIAS_PER_COLUMN ? j : i];
    }
    return p->relu && c < 0 ? 0 : c;
}

// |C^ - C| <= gamma (|alpha||A||B| + |beta||C0| + |bias|) + k * smallest subnormal, gamma = n u / (1 - n u), n = k +
// 3.
static bool NAME(within_bound)(const ck_gemm_problem *p, ELEMENT alpha, ELEMENT beta, ELEMENT c0, int64_t i, int64_t j,
                               ELEMENT got) {
    const ELEMENT *a = p->a, *b = p->b;
    WIDE sum = 0, size = 0;
    for (int64_t q = 0; q < p->k; q++) {
        const WIDE product = (WIDE)(p->transpose_a ? a[q * p->lda + i] : a[i * p->lda + q]) *
                             (WIDE)(p->transpose_b ? b[j * p->ldb + q] : b[q * p->ldb + j]);
        sum += product;
        size += product < 0 ? -product : product;
    }
    WIDE exact = (WIDE)alpha * sum, bound = (alpha < 0 ? -(WIDE)alpha : (WIDE)alpha) * size;
    if (beta != 0) {
        const WIDE term = (WIDE)beta * (WIDE)c0;
        exact += term;
        bound += term < 0 ? -term : term;
    }
    if (p->bias_kind != CK_BIAS_NONE) {
        const WIDE term = ((const ELEMENT *)p->bias)[p->bias_kind == CK_BIAS_PER_COLUMN ? j : i];
        exact += term;
        bound += term < 0 ? -term : term;
    }
    if (p->relu && exact < 0) exact = 0; // ReLU brings numbers closer together
    const WIDE n = (WIDE)(p->k + 3) * (WIDE)EPSILON, error = (WIDE)got - exact;
    return (error < 0 ? -error : error) <= n / (1 - n) * bound + (WIDE)p->k * (WIDE)SMALLEST;
}

typedef struct NAME(operands) {
    guarded a, b, c, bias;
    ELEMENT *c0;
    ck_gemm_problem problem;
    ELEMENT alpha, beta;
    bool bias_at_end;
} NAME(operands);

enum { NAME(special_none), NAME(special_integers), NAME(special_values) };

static void NAME(fill)(ELEMENT *x, int64_t count, int special, int64_t k) {
    for (int64_t i = 0; i < count; i++) {
        if (special == NAME(special_integers)) {
            const int64_t most = (int64_t)sqrt((double)EXACT_LIMIT / (double)(k + 1)) / 2;
            x[i] = (ELEMENT)(random_below(2 * (most < 1000 ? most : 1000) + 1) - (most < 1000 ? most : 1000));
        } else {
            x[i] = NAME(random_element)();
            if (special == NAME(special_values) && random_below(40) == 0) {
                const ELEMENT values[] = {(ELEMENT)NAN,  (ELEMENT)INFINITY, (ELEMENT)-INFINITY, 0,
                                          (ELEMENT)-0.0, SMALLEST};
                x[i] = values[random_below(6)];
            }
        }
    }
}

// Operands with their last element (or first) against an inaccessible page, so aligned to the element and no more.
static NAME(operands)
    NAME(make)(int64_t m, int64_t n, int64_t k, bool ta, bool tb, int64_t pad, int special, bool at_end) {
    NAME(operands) o;
    ck_gemm_problem *p = &o.problem;
    memset(p, 0, sizeof *p);
    p->m = m, p->n = n, p->k = k, p->transpose_a = ta, p->transpose_b = tb;
    const int64_t a_rows = ta ? k : m, a_columns = ta ? m : k, b_rows = tb ? n : k, b_columns = tb ? k : n;
    p->lda = (a_columns > 0 ? a_columns : 1) + pad, p->ldb = (b_columns > 0 ? b_columns : 1) + 2 * pad,
    p->ldc = (n > 0 ? n : 1) + 3 * pad;
    const int64_t a_count = a_rows > 0 ? (a_rows - 1) * p->lda + a_columns : 0;
    const int64_t b_count = b_rows > 0 ? (b_rows - 1) * p->ldb + b_columns : 0;
    const int64_t c_count = m > 0 ? (m - 1) * p->ldc + n : 0;
    o.a = guarded_allocate((size_t)a_count * sizeof(ELEMENT), at_end);
    o.b = guarded_allocate((size_t)b_count * sizeof(ELEMENT), at_end);
    o.c = guarded_allocate((size_t)c_count * sizeof(ELEMENT), at_end);
    o.bias = guarded_allocate((size_t)(m > n ? m : n) * sizeof(ELEMENT), at_end);
    o.c0 = malloc((size_t)(c_count + 1) * sizeof(ELEMENT));
    NAME(fill)((ELEMENT *)o.a.bytes, a_count, special, k);
    NAME(fill)((ELEMENT *)o.b.bytes, b_count, special, k);
    NAME(fill)(o.c0, c_count, special, k);
    NAME(fill)((ELEMENT *)o.bias.bytes, m > n ? m : n, special, k);
    p->a = o.a.bytes, p->b = o.b.bytes, p->c = o.c.bytes, p->bias = o.bias.bytes;
    o.alpha = 1, o.beta = 0, o.bias_at_end = at_end;
    return o;
}

// The bias has no more elements than its kind needs, up to an inaccessible page.
static void NAME(set_bias)(NAME(operands) * o, ck_bias kind) {
    o->problem.bias_kind = kind;
    if (kind == CK_BIAS_NONE) return;
    const int64_t count = kind == CK_BIAS_PER_COLUMN ? o->problem.n : o->problem.m;
    const int64_t most = o->problem.m > o->problem.n ? o->problem.m : o->problem.n;
    if (o->bias_at_end) o->problem.bias = (ELEMENT *)o->bias.bytes + most - count;
}

static void NAME(release)(NAME(operands) * o) {
    guarded_free(o->a), guarded_free(o->b), guarded_free(o->c), guarded_free(o->bias);
    free(o->c0);
}

static void NAME(set_scalars)(NAME(operands) * o, ELEMENT alpha, ELEMENT beta) {
    o->alpha = alpha, o->beta = beta;
    o->problem.alpha = SCALAR(alpha), o->problem.beta = SCALAR(beta);
    // beta = 0: whatever stands in C must not be read.
    if (beta == 0 && o->problem.m > 0) {
        const BITS bits = SIGNALLING;
        for (int64_t i = 0; i < (o->problem.m - 1) * o->problem.ldc + o->problem.n; i++)
            memcpy(&o->c0[i], &bits, sizeof bits);
    }
}

// Runs one problem on every row of the catalogue, with every way of packing, and compares all bits with the promise.
// What lies in the gaps of C must stay. The digest takes in the promised bits.
static void NAME(compare)(NAME(operands) * o, bool bounded, uint64_t *digest) {
    ck_gemm_problem *p = &o->problem;
    const int64_t count = p->m > 0 ? (p->m - 1) * p->ldc + p->n : 0;
    ELEMENT *expected = malloc((size_t)(count + 1) * sizeof(ELEMENT));
    memcpy(expected, o->c0, (size_t)count * sizeof(ELEMENT));
    for (int64_t i = 0; i < p->m; i++)
        for (int64_t j = 0; j < p->n; j++) {
            const ELEMENT c = NAME(promised)(p, o->alpha, o->beta, o->c0[i * p->ldc + j], i, j);
            expected[i * p->ldc + j] = c;
            const ELEMENT kept = isnan(c) ? 0 : c;
            digest_add(digest, &kept, sizeof kept);
            if (bounded)
                check(NAME(within_bound)(p, o->alpha, o->beta, o->beta == 0 ? 0 : o->c0[i * p->ldc + j], i, j, c),
                      "error bound: m %ld n %ld k %ld at (%ld, %ld)", (long)p->m, (long)p->n, (long)p->k, (long)i,
                      (long)j);
        }
    int32_t rows;
    const ck_gemm_kernels *const *catalogue = CATALOGUE(&rows);
    for (int32_t row = 0; row < rows; row++) {
        const ck_gemm_description description = ck_gemm_describe(catalogue[row]);
        if (!ck_isa_available(description.isa)) continue;
        for (int way = 0; way < 8; way++) {
            // As planned, for one row of the table of machines after the other; by tiles, with and without packing;
            // packed before; without packing memory.
            const bool denied = way >= 6;
            const ck_machine *machine = next_machine();
            ck_gemm_problem q = *p;
            q.machine = machine;
            guarded packed = {0};
            if (way == 5) {
                packed = guarded_allocate((size_t)ck_gemm_packed_b_size(catalogue[row], p->n, p->k), true);
                ck_gemm_pack_b(catalogue[row], p->transpose_b, p->n, p->k, p->b, p->ldb, packed.bytes);
                q.packed_b = packed.bytes;
                q.b = NULL;
            }
            memcpy((void *)p->c, o->c0, (size_t)count * sizeof(ELEMENT));
            if (denied) ck_gemm_deny_workspace(true);
            ck_gemm_poison_workspace(0xff); // all bits set is a NaN
            ck_gemm_plan plan = ck_gemm_plan_for(machine, catalogue[row], &q);
            if (way >= 1 && way <= 4) {
                plan.path = CK_PATH_TILES;
                plan.pack_a = way == 2 || way == 3;
                plan.pack_b = way == 2 || way == 4;
                ck_gemm_settle(&plan, catalogue[row], &q);
                ck_gemm_run(&plan, catalogue[row], &q);
            } else {
                ck_gemm(catalogue[row], &q);
            }
            if (denied) ck_gemm_deny_workspace(false);
            int64_t bad = -1;
            for (int64_t i = 0; i < count && bad < 0; i++)
                if (!NAME(same)(((ELEMENT *)p->c)[i], expected[i])) bad = i;
            check(bad < 0,
                  "%s on %s, way %d%s: m %ld n %ld k %ld ta %d tb %d alpha %g beta %g bias %d relu %d, element (%ld, "
                  "%ld): %g, promised %g",
                  description.name, machine->name, way,
                  way == 5 ? " packed"
                  : denied ? " without memory"
                           : "",
                  (long)p->m, (long)p->n, (long)p->k, p->transpose_a, p->transpose_b, (double)o->alpha,
                  (double)o->beta, p->bias_kind, p->relu, (long)(bad / p->ldc), (long)(bad % p->ldc),
                  bad < 0 ? 0 : (double)((ELEMENT *)p->c)[bad], bad < 0 ? 0 : (double)expected[bad]);
            if (packed.mapping) guarded_free(packed);
        }
    }
    free(expected);
}
