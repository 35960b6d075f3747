// The tests of products, for one element type.
#include "conformance_operands_body.h"

#include "conformance_gemv_body.h"

static int64_t NAME(random_size)(void) {
    static const int64_t edges[] = {0,  1,  2,  3,  4,  5,  7,  8,  9,  11, 12, 13, 15, 16, 17, 23,
                                    24, 25, 31, 32, 33, 47, 48, 49, 63, 64, 65, 67, 95, 97, 101};
    return random_below(3) ? edges[random_below(sizeof edges / sizeof *edges)] : random_below(120);
}

static void NAME(test_random)(int count) {
    uint64_t digest = 0;
    const int64_t chunk = 4096 / (int64_t)sizeof(ELEMENT);
    for (int round = 0; round < count; round++) {
        int64_t m = NAME(random_size)(), n = NAME(random_size)(), k = NAME(random_size)();
        if (round % 16 == 0) k = chunk - 1 + random_below(3), m = random_below(20), n = random_below(60);
        if (round % 16 == 1) k = 2 * chunk - 1 + random_below(3), m = random_below(9), n = random_below(30);
        if (round % 16 == 2) m = 1;
        if (round % 16 == 3) n = 1;
        if (round % 16 == 6) k = 0;
        const int special = round % 8 == 4   ? NAME(special_integers)
                            : round % 8 == 5 ? NAME(special_values)
                                             : NAME(special_none);
        // One random number in a statement: the order of arguments is the compiler's choice.
        const bool ta = random_bits() & 1;
        const bool tb = random_bits() & 1;
        const int64_t pad = random_below(4);
        const bool at_end = random_bits() & 1;
        NAME(operands) o = NAME(make)(m, n, k, ta, tb, pad, special, at_end);
        NAME(set_bias)(&o, (ck_bias)random_below(3));
        o.problem.relu = random_bits() & 1;
        static const double factors[] = {1, 1, 0, -1, 0.5, 1.7};
        const ELEMENT alpha = (ELEMENT)factors[random_below(6)];
        NAME(set_scalars)(&o, alpha, (ELEMENT)factors[random_below(6)]);
        NAME(compare)(&o, special != NAME(special_values), &digest);
        if (special == NAME(special_integers) && (o.alpha == 1 || o.alpha == -1) && o.problem.k > 0 && o.beta == 0 &&
            !o.problem.relu && o.problem.bias_kind == CK_BIAS_NONE && m > 0 && n > 0) {
            // The promise itself must give the integer answer.
            int64_t sum = 0;
            const ELEMENT *a = o.problem.a, *b = o.problem.b;
            for (int64_t q = 0; q < k; q++)
                sum += (int64_t)(o.problem.transpose_a ? a[q * o.problem.lda] : a[q]) *
                       (int64_t)(o.problem.transpose_b ? b[q] : b[q * o.problem.ldb]);
            check((int64_t)((ELEMENT *)o.problem.c)[0] == sum * (int64_t)o.alpha, "integers: k %ld", (long)k);
        }
        NAME(release)(&o);
    }
    printf("digest random " NAME_TEXT " %016llx\n", (unsigned long long)digest);
}

// Every m, n, k up to twice the tile, in all four layouts, operands flush with an inaccessible page in front or
// behind, and canaries on the other side of C. The promised sums of all k come from one chain: a shorter product is
// its beginning.
static void NAME(test_every_size)(int step) {
    int32_t rows;
    const ck_gemm_kernels *const *catalogue = CATALOGUE(&rows);
    const ck_gemm_description tile = ck_gemm_describe(catalogue[0]);
    const int64_t m_most = 2 * tile.rows + 1, n_most = 2 * tile.columns + 1, k_most = 2 * tile.lanes + 1;
    enum { CANARIES = 64 };
    ELEMENT *a = malloc((size_t)(m_most * k_most) * sizeof(ELEMENT)),
            *b = malloc((size_t)(k_most * n_most) * sizeof(ELEMENT));
    ELEMENT *sums = malloc((size_t)(k_most * m_most * n_most) * sizeof(ELEMENT));
    NAME(fill)(a, m_most * k_most, NAME(special_none), 0);
    NAME(fill)(b, k_most * n_most, NAME(special_none), 0);
    for (int64_t i = 0; i < m_most; i++)
        for (int64_t j = 0; j < n_most; j++) {
            ELEMENT s = 0;
            for (int64_t q = 0; q < k_most; q++)
                sums[(q * m_most + i) * n_most + j] = s = FMA(a[i * k_most + q], b[q * n_most + j], s);
        }
    const size_t a_size = (size_t)(m_most * k_most) * sizeof(ELEMENT),
                 b_size = (size_t)(k_most * n_most) * sizeof(ELEMENT);
    const size_t c_size = (size_t)(m_most * n_most + CANARIES) * sizeof(ELEMENT);
    guarded end[3] = {guarded_allocate(a_size, true), guarded_allocate(b_size, true), guarded_allocate(c_size, true)};
    guarded start[3] = {guarded_allocate(a_size, false), guarded_allocate(b_size, false),
                        guarded_allocate(c_size, false)};
    int64_t turn = 0;
    for (int64_t m = 1; m <= m_most; m++)
        for (int64_t n = 1; n <= n_most; n++)
            for (int64_t k = 1; k <= k_most; k++) {
                if ((turn++) % step || ck_gemm_chunk(sizeof(ELEMENT), k) < k)
                    continue; // builds with short chunks stop earlier
                const bool ta = turn / step & 1, tb = turn / step >> 1 & 1, at_end = turn / step >> 2 & 1;
                ELEMENT *as = (ELEMENT *)(at_end ? end[0].bytes + a_size : start[0].bytes) - (at_end ? m * k : 0);
                ELEMENT *bs = (ELEMENT *)(at_end ? end[1].bytes + b_size : start[1].bytes) - (at_end ? k * n : 0);
                ELEMENT *cs = (ELEMENT *)(at_end ? end[2].bytes + c_size : start[2].bytes) - (at_end ? m * n : 0);
                ELEMENT *canaries = at_end ? cs - CANARIES : cs + m * n;
                for (int64_t i = 0; i < m; i++)
                    for (int64_t q = 0; q < k; q++) as[ta ? q * m + i : i * k + q] = a[i * k_most + q];
                for (int64_t q = 0; q < k; q++)
                    for (int64_t j = 0; j < n; j++) bs[tb ? j * k + q : q * n + j] = b[q * n_most + j];
                for (int64_t i = 0; i < CANARIES; i++) canaries[i] = (ELEMENT)i;
                const ck_gemm_problem p = {.m = m,
                                           .n = n,
                                           .k = k,
                                           .a = as,
                                           .lda = ta ? m : k,
                                           .transpose_a = ta,
                                           .b = bs,
                                           .ldb = tb ? k : n,
                                           .transpose_b = tb,
                                           .c = cs,
                                           .ldc = n,
                                           .alpha = SCALAR(1),
                                           .beta = SCALAR(0)};
                for (int32_t row = 0; row < rows; row++) {
                    if (!ck_isa_available(ck_gemm_describe(catalogue[row]).isa)) continue;
                    ck_gemm(catalogue[row], &p);
                    int64_t bad = 0;
                    for (int64_t i = 0; i < m; i++)
                        bad += memcmp(cs + i * n, sums + ((k - 1) * m_most + i) * n_most,
                                      (size_t)n * sizeof(ELEMENT)) != 0;
                    for (int64_t i = 0; i < CANARIES; i++) bad += canaries[i] != (ELEMENT)i;
                    check(bad == 0, "every size %s: m %ld n %ld k %ld ta %d tb %d",
                          ck_gemm_describe(catalogue[row]).name, (long)m, (long)n, (long)k, ta, tb);
                }
            }
    for (int i = 0; i < 3; i++) guarded_free(end[i]), guarded_free(start[i]);
    free(a), free(b), free(sums);
}

// Leading dimensions of a multiple of 2 or 4 KiB choose other paths: packing, tiles of eight rows, dot tiles with a
// lag. Rows of C longer than a row tile, and dot tiles of every height.
static void NAME(test_strides)(void) {
    uint64_t digest = 0;
    const int64_t unit = 2048 / (int64_t)sizeof(ELEMENT);
    for (int64_t m = 1; m <= 26; m += m < 13 ? 1 : 12)
        for (int layout = 0; layout < 4; layout++) {
            const bool ta = layout & 1, tb = layout >> 1;
            const int64_t n = 34 + 6 * m, k = 150 - 2 * (m % 20);
            // make() widens a row of B by twice the padding: to an odd multiple of 2 KiB, or an even one.
            const int64_t pad = ((m & 1) + 1) * unit / 2 - (tb ? k : n) / 2;
            NAME(operands) o = NAME(make)(m, n, k, ta, tb, pad, NAME(special_none), m & 1);
            NAME(set_bias)(&o, (ck_bias)(m % 3));
            NAME(set_scalars)(&o, (ELEMENT)0.5, m & 4 ? 1 : 0);
            NAME(compare)(&o, true, &digest);
            NAME(release)(&o);
        }
    for (int layout = 0; layout < 2; layout++) {
        NAME(operands)
        o = NAME(make)(1, 2 * 8192 / (int64_t)sizeof(ELEMENT) + 37, 75, layout, false, 0, NAME(special_none), true);
        NAME(set_bias)(&o, CK_BIAS_PER_COLUMN);
        NAME(set_scalars)(&o, 1, (ELEMENT)0.5);
        NAME(compare)(&o, true, &digest);
        NAME(release)(&o);
    }
    printf("digest strides " NAME_TEXT " %016llx\n", (unsigned long long)digest);
}

// A few long columns, which go through pieces of their own, and products without a step of k, where beta * C stays to
// the bit whatever alpha is.
static void NAME(test_columns)(void) {
    uint64_t digest = 0;
    for (int layout = 0; layout < 8; layout++) {
        const int64_t m = 3 * 8192 / (int64_t)sizeof(ELEMENT) + 37, n = 1 + layout / 4 * 2;
        NAME(operands) o = NAME(make)(m, n, 9, layout & 1, layout >> 1 & 1, 1, NAME(special_none), layout & 1);
        NAME(set_bias)(&o, layout % 3 == 0 ? CK_BIAS_PER_ROW : layout % 3 == 1 ? CK_BIAS_PER_COLUMN : CK_BIAS_NONE);
        NAME(set_scalars)(&o, 1, (ELEMENT)0.5);
        NAME(compare)(&o, true, &digest);
        NAME(release)(&o);
    }
    const ELEMENT alphas[] = {2, 0, (ELEMENT)-0.0, (ELEMENT)INFINITY, (ELEMENT)NAN};
    for (int a = 0; a < 5; a++) {
        NAME(operands) o = NAME(make)(7, 41, 0, false, false, 0, NAME(special_values), true);
        o.c0[0] = o.c0[40] = (ELEMENT)-0.0;
        NAME(set_scalars)(&o, alphas[a], 1);
        NAME(compare)(&o, false, &digest);
        NAME(release)(&o);
    }
    printf("digest columns " NAME_TEXT " %016llx\n", (unsigned long long)digest);
}

// One NaN or infinity at every position of A and of B reaches exactly the elements that the formula says.
static void NAME(test_specials)(int step) {
    uint64_t digest = 0;
    for (int64_t position = 0; position < 53 * 19; position += step) {
        NAME(operands) o = NAME(make)(11, 53, 19, false, position & 1, 0, NAME(special_none), true);
        ELEMENT *a = (ELEMENT *)o.a.bytes, *b = (ELEMENT *)o.b.bytes;
        for (int64_t i = 0; i < 53 * 19; i++) b[i] = position & 2 ? 0 : b[i]; // zeros must not be skipped
        a[position % (11 * 19)] = position & 4 ? (ELEMENT)NAN : (ELEMENT)INFINITY;
        b[position] = (ELEMENT)-INFINITY;
        NAME(set_scalars)(&o, 1, 0);
        NAME(compare)(&o, false, &digest);
        NAME(release)(&o);
    }
    printf("digest specials " NAME_TEXT " %016llx\n", (unsigned long long)digest);
}

static void NAME(test_long_k)(void) {
    uint64_t digest = 0;
    NAME(operands) o = NAME(make)(9, 50, 100000, false, false, 0, NAME(special_none), true);
    NAME(set_scalars)(&o, 1, 0);
    NAME(compare)(&o, true, &digest);
    NAME(release)(&o);
    o = NAME(make)(1, 70, 100003, false, true, 0, NAME(special_none), true);
    NAME(set_scalars)(&o, (ELEMENT)0.5, 1);
    NAME(compare)(&o, true, &digest);
    NAME(release)(&o);
    printf("digest long " NAME_TEXT " %016llx\n", (unsigned long long)digest);
}

// A row computed alone equals that row in a batch; a block of columns computed alone equals those columns.
static void NAME(test_positions)(void) {
    int32_t rows;
    const ck_gemm_kernels *const *catalogue = CATALOGUE(&rows);
    enum { M = 37, N = 131, K = 77 };
    NAME(operands) o = NAME(make)(M, N, K, false, false, 0, NAME(special_none), true);
    NAME(set_scalars)(&o, 1, 0);
    for (int32_t row = 0; row < rows; row++) {
        if (!ck_isa_available(ck_gemm_describe(catalogue[row]).isa)) continue;
        ck_gemm(catalogue[row], &o.problem);
        for (int round = 0; round < 60; round++) {
            const int64_t i = random_below(M);
            const int64_t m = 1 + random_below(M - i);
            const int64_t j = random_below(N);
            const int64_t n = 1 + random_below(N - j);
            ELEMENT *part = malloc((size_t)(m * n) * sizeof(ELEMENT));
            ck_gemm_problem q = o.problem;
            q.m = m, q.n = n, q.a = (const ELEMENT *)q.a + i * q.lda, q.b = (const ELEMENT *)q.b + j, q.c = part,
            q.ldc = n;
            ck_gemm(catalogue[row], &q);
            int64_t bad = 0;
            for (int64_t r = 0; r < m; r++)
                for (int64_t s = 0; s < n; s++)
                    bad += !NAME(same)(part[r * n + s], ((ELEMENT *)o.problem.c)[(i + r) * N + j + s]);
            check(bad == 0, "position %s: rows %ld + %ld, columns %ld + %ld", ck_gemm_describe(catalogue[row]).name,
                  (long)i, (long)m, (long)j, (long)n);
            free(part);
        }
    }
    NAME(release)(&o);
}

static void NAME(test_registers)(void) {
    int32_t rows;
    const ck_gemm_kernels *const *catalogue = CATALOGUE(&rows);
    for (int32_t row = 0; row < rows; row++) {
        if (!ck_isa_available(ck_gemm_describe(catalogue[row]).isa)) continue;
        for (int64_t m = 1; m <= 17; m += 4)
            for (int64_t n = 1; n <= 120; n += 17) {
                NAME(operands) o = NAME(make)(m, n, 20, n & 1, n >> 1 & 1, 0, NAME(special_none), true);
                NAME(set_scalars)(&o, 1, 0);
                check(lost_registers(catalogue[row], &o.problem) == 0, "%s loses registers at m %ld n %ld",
                      ck_gemm_describe(catalogue[row]).name, (long)m, (long)n);
                NAME(release)(&o);
            }
    }
}

// The plans of all machines, for products that are large enough to differ: the same bits as the first one's.
static void NAME(test_machines)(void) {
    static const struct {
        int64_t m, n, k;
        bool ta, tb;
    } shapes[] = {
        {70, 900, 700, false, false}, {20, 1100, 600, false, false}, {90, 500, 330, true, false},
        {61, 260, 1030, true, true},  {5, 700, 512, false, true},    {12, 512, 1024, false, false},
        {1, 3000, 200, false, false}, {300, 1, 500, false, false},
    };
    int32_t rows, machines;
    const ck_gemm_kernels *const *catalogue = CATALOGUE(&rows);
    const ck_machine *table = ck_machine_table(&machines);
    for (size_t shape = 0; shape < sizeof shapes / sizeof *shapes; shape++) {
        NAME(operands)
        o = NAME(make)(shapes[shape].m, shapes[shape].n, shapes[shape].k, shapes[shape].ta, shapes[shape].tb, 0,
                       NAME(special_none), true);
        NAME(set_scalars)(&o, 1, 0);
        const size_t size = (size_t)(o.problem.m * o.problem.ldc) * sizeof(ELEMENT);
        ELEMENT *first = malloc(size);
        bool is_first = true; // of those that this processor can run
        for (int32_t row = 0; row < rows; row++) {
            const ck_gemm_description description = ck_gemm_describe(catalogue[row]);
            if (!ck_isa_available(description.isa)) continue;
            // Portable C takes the time of all others together: it runs the plans that differ most.
            for (int32_t i = 0; i < machines; i += description.isa == CK_ISA_PORTABLE ? machines - 2 : 1) {
                o.problem.machine = &table[i];
                memset(o.problem.c, 0, size);
                ck_gemm(catalogue[row], &o.problem);
                if (is_first) memcpy(first, o.problem.c, size);
                is_first = false;
                check(memcmp(first, o.problem.c, size) == 0, "%s on %s: %ld x %ld x %ld", description.name,
                      table[i].name, (long)o.problem.m, (long)o.problem.n, (long)o.problem.k);
            }
        }
        free(first);
        NAME(release)(&o);
    }
}

// Offsets beyond 32 bits: a few rows, gigabytes apart, in a sparse mapping.
static void NAME(test_far)(void) {
    const int64_t ld = (int64_t)3 << 30, m = 3, n = 5, k = 2;
    const size_t size = (size_t)((m - 1) * ld + 16) * sizeof(ELEMENT);
    guarded a = guarded_allocate(size, false), b = guarded_allocate(size, false), c = guarded_allocate(size, false);
    if (!a.mapping || !b.mapping || !c.mapping) {
        printf("skipped far " NAME_TEXT ": no address space for sparse mappings of %zu bytes\n", size);
        if (a.mapping) guarded_free(a);
        if (b.mapping) guarded_free(b);
        if (c.mapping) guarded_free(c);
        return;
    }
    for (int layout = 0; layout < 4; layout++) {
        ck_gemm_problem p = {.m = m,
                             .n = n,
                             .k = k,
                             .a = a.bytes,
                             .lda = ld,
                             .b = b.bytes,
                             .ldb = ld / 2,
                             .c = c.bytes,
                             .ldc = ld,
                             .alpha = SCALAR(1),
                             .beta = SCALAR(0),
                             .transpose_a = layout & 1,
                             .transpose_b = layout >> 1};
        if (p.transpose_b) p.n = 3;
        for (int64_t i = 0; i < m; i++)
            for (int64_t q = 0; q < k; q++)
                ((ELEMENT *)a.bytes)[p.transpose_a ? q * ld + i : i * ld + q] = (ELEMENT)(i + 2 * q + 1);
        for (int64_t q = 0; q < k; q++)
            for (int64_t j = 0; j < p.n; j++)
                ((ELEMENT *)b.bytes)[p.transpose_b ? j * p.ldb + q : q * p.ldb + j] = (ELEMENT)(3 * q - j);
        int32_t rows;
        const ck_gemm_kernels *const *catalogue = CATALOGUE(&rows);
        for (int32_t row = 0; row < rows; row++) {
            if (!ck_isa_available(ck_gemm_describe(catalogue[row]).isa)) continue;
            ck_gemm(catalogue[row], &p);
            for (int64_t i = 0; i < m; i++)
                for (int64_t j = 0; j < p.n; j++)
                    check(((ELEMENT *)c.bytes)[i * ld + j] == NAME(promised)(&p, 1, 0, 0, i, j), "far %s: layout %d",
                          ck_gemm_describe(catalogue[row]).name, layout);
        }
    }
    guarded_free(a), guarded_free(b), guarded_free(c);
}

#include "conformance_vector_body.h"
#include "conformance_network_body.h"
#include "conformance_matrix_body.h"

void NAME(test)(effort effort) {
    random_seed(sizeof(ELEMENT));
    NAME(test_random)(effort.random_problems);
    NAME(test_specials)(effort.position_step);
    NAME(test_gemv)();
    if (effort.long_k) NAME(test_long_k)();
    NAME(test_strides)();
    NAME(test_every_size)(effort.size_step);
    NAME(test_positions)();
    NAME(test_registers)();
    NAME(test_far)();
    NAME(test_vector)();
    NAME(test_network)();
    NAME(test_matrix)();
    NAME(test_tiny)();
    NAME(test_machines)();
    NAME(test_columns)();
    NAME(test_places)();
}
