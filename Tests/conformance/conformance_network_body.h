// The kernels of a network, for one element type: every row of the catalogue against portable C bit by bit, and
// against the definitions where they are short to write down.

// The matrix kernels of the same instruction set.
static const ck_matrix_kernels *NAME(matrix_of)(ck_isa isa) {
    int32_t count;
    const ck_matrix_kernels *const *catalogue = ck_matrix_catalogue(&count);
    while ((*catalogue)->isa != isa || (*catalogue)->byte_count != sizeof(ELEMENT)) catalogue++;
    return *catalogue;
}

// Everything that the network kernels compute from one random batch, one result after another.
static int64_t NAME(network_results)(const ck_network_kernels *k, int64_t rows, int64_t columns, ELEMENT *out) {
    random_seed((uint64_t)(rows * 1000 + columns));
    const int64_t count = rows * columns, ld = columns + 3;
    guarded batch = NAME(numbers)(rows * ld, true),
            result = guarded_allocate((size_t)(rows * ld) * sizeof(ELEMENT), true);
    guarded state = NAME(numbers)(4 * count, true), labels = guarded_allocate((size_t)rows * sizeof(int32_t), true);
    guarded images = guarded_allocate((size_t)(7 * columns), true),
            indices = guarded_allocate((size_t)rows * sizeof(int64_t), true);
    ELEMENT *x = (ELEMENT *)batch.bytes, *y = (ELEMENT *)result.bytes, *s = (ELEMENT *)state.bytes;
    int32_t *label = (int32_t *)labels.bytes;
    int64_t n = 0;
    for (int64_t i = 0; i < rows * ld; i++) x[i] *= 9;
    for (int64_t i = 0; i < rows; i++)
        label[i] = (int32_t)random_below(columns), ((int64_t *)indices.bytes)[i] = random_below(7);
    for (int64_t i = 0; i < 7 * columns; i++) images.bytes[i] = (char)random_bits();
    if (columns > 2 && rows > 1) x[2] = (ELEMENT)NAN, x[ld] = (ELEMENT)INFINITY;
#define KEEP_ROWS() \
    for (int64_t i = 0; i < rows; i++) memcpy(out + n, y + i * ld, (size_t)columns * sizeof *y), n += columns
    NAME(matrix_of)(k->isa)->log_softmax(rows, columns, x, ld, y, ld);
    KEEP_ROWS();
    out[n++] = (ELEMENT)k->nll(rows, y, ld, label);
    k->nll_backward(rows, columns, y, ld, label, 0.125, y, ld);
    KEEP_ROWS();
    k->gather(rows, columns, (const uint8_t *)images.bytes, (const int64_t *)indices.bytes,
              rows % 2 ? (const int64_t *)indices.bytes : NULL, 1.0 / 256, y, ld);
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++)
            check(y[i * ld + j] == (ELEMENT)(uint8_t)images.bytes[((int64_t *)indices.bytes)[i] * columns + j] / 256,
                  "%s gather", k->name);
    k->argmax(rows, columns, x, ld, label);
    for (int64_t i = 0; i < rows; i++) {
        bool right = true;
        for (int64_t j = 0; j < columns; j++)
            right = right && !(x[i * ld + j] > x[i * ld + label[i]]) &&
                    !(j < label[i] && x[i * ld + j] == x[i * ld + label[i]]);
        check(right, "%s argmax of %ld columns", k->name, (long)columns);
    }
    ELEMENT *g = s, *v = s + count, *p = s + 2 * count, *m = s + 3 * count;
    for (int64_t i = 0; i < count; i++) v[i] = v[i] < 0 ? -v[i] : v[i];
    k->sgd(count, 0.1, 0.9, 0.01, g, m, p);
    k->sgd(count, 0.1, 0, 0, g, NULL, p);
    k->adam(count,
            &(ck_adam){.rate = 0.01,
                       .beta1 = 0.9,
                       .beta2 = 0.999,
                       .epsilon = 1e-8,
                       .decay = 0.1,
                       .correction1 = 10,
                       .correction2 = 1000},
            g, m, v, p);
    memcpy(out + n, v, (size_t)(3 * count) * sizeof *p), n += 3 * count;
    // A part gets what it gets in the whole, over the edge of 32 bits too.
    const uint64_t first = ((uint64_t)5 << 32) - (uint64_t)(count / 2);
    k->dropout(count, 42, first, 0.75, s, s + count);
    if (count > 3) k->dropout(count - 3, 42, first + 3, 0.75, s + 3, s + 2 * count);
    check(count <= 3 || NAME(equal)(count - 3, s + count + 3, s + 2 * count), "%s dropout of a part", k->name);
    memcpy(out + n, s + count, (size_t)count * sizeof *p), n += count;
    k->dropout(count, 42, first, 1, s, s + count);
    check(NAME(equal)(count, s, s + count), "%s dropout that keeps all", k->name);
    guarded_free(batch), guarded_free(result), guarded_free(state), guarded_free(labels), guarded_free(images),
        guarded_free(indices);
    return n;
}

static void NAME(test_network)(void) {
    uint64_t digest = 0;
    int32_t rows;
    const ck_network_kernels *const *catalogue = ck_network_catalogue(&rows);
    ELEMENT *promised = malloc(sizeof(ELEMENT) * 100000), *found = malloc(sizeof(ELEMENT) * 100000);
    const int64_t batches[] = {1, 2, 17}, widths[] = {1, 2, 3, 9, 10, 15, 16, 17, 63, 64, 65, 131};
    for (int batch = 0; batch < 3; batch++)
        for (int width = 0; width < 12; width++) {
            int64_t count = 0;
            for (int32_t row = rows - 1; row >= 0; row--) {
                if (!ck_isa_available(catalogue[row]->isa) || catalogue[row]->byte_count != sizeof(ELEMENT)) continue;
                ELEMENT *out = count ? found : promised;
                const int64_t n = NAME(network_results)(catalogue[row], batches[batch], widths[width], out);
                if (count)
                    check(n == count && NAME(equal)(n, promised, found), "%s differs from portable C: %ld x %ld",
                          catalogue[row]->name, (long)batches[batch], (long)widths[width]);
                count = n;
            }
            for (int64_t i = 0; i < count; i++) // which NaN is not promised
                if (isnan(promised[i])) promised[i] = 0;
            digest_add(&digest, promised, (size_t)count * sizeof(ELEMENT));
        }
    // log-softmax against its definition, and how many elements dropout keeps.
    ELEMENT x[10], y[10], *many = malloc(sizeof(ELEMENT) * 200000);
    for (int32_t row = 0; row < rows; row++) {
        const ck_network_kernels *k = catalogue[row];
        if (!ck_isa_available(k->isa) || k->byte_count != sizeof(ELEMENT)) continue;
        double sum = 0;
        for (int j = 0; j < 10; j++) x[j] = NAME(random_element)() * 5, sum += exp((double)x[j]);
        NAME(matrix_of)(k->isa)->log_softmax(1, 10, x, 10, y, 10);
        for (int j = 0; j < 10; j++)
            check(fabs((double)y[j] - ((double)x[j] - log(sum))) < 40 * EPSILON, "%s log_softmax", k->name);
        for (int j = 0; j < 10; j++) x[j] += 1000; // overflows without the shift
        NAME(matrix_of)(k->isa)->log_softmax(1, 10, x, 10, y, 10);
        check(isfinite(y[0]), "%s log_softmax of large numbers", k->name);
        for (int i = 0; i < 200000; i++) many[i] = 1;
        k->dropout(200000, 7, 0, 0.75, many, many);
        int kept = 0, pairs = 0;
        for (int i = 0; i < 200000; i++) kept += many[i] != 0, pairs += i > 0 && many[i] != 0 && many[i - 1] != 0;
        check(abs(kept - 150000) < 800 && abs(pairs - 112500) < 1400, "%s dropout kept %d of 200000, %d pairs",
              k->name, kept, pairs);
    }
    free(promised), free(found), free(many);
    printf("digest network " NAME_TEXT " %016llx\n", (unsigned long long)digest);
}

// Training that decays towards zero: what the kernels keep is +0 or at least as large as the bound, the same on every
// instruction set, and x86's flags for subnormal operands and results stay clear.
static int64_t NAME(decayed)(const ck_network_kernels *k, ELEMENT *out) {
    enum { COUNT = 203, STEPS = 400 };
    const bool is_double = sizeof(ELEMENT) == 8;
    const ELEMENT tiny = is_double ? (ELEMENT)CK_TINY_F64 : (ELEMENT)CK_TINY_F32;
    const int deepest = is_double ? 1000 : 120;
    ELEMENT g[COUNT], p[COUNT], v[COUNT], m[COUNT], w[COUNT], y[COUNT], dx[COUNT];
    int32_t labels[COUNT];
    random_seed(11);
    for (int i = 0; i < COUNT; i++) {
        const int depth = (int)random_below(deepest);
        g[i] = (ELEMENT)ldexp((double)NAME(random_element)() + 1, -depth);
        p[i] = NAME(random_element)() + 2;
        v[i] = m[i] = w[i] = 0;
        labels[i] = (int32_t)random_below(7);
        y[i] = -(ELEMENT)((i + 1) * (is_double ? 4 : 0.55)); // probabilities down to far below the smallest number
    }
#if defined(__x86_64__)
    __builtin_ia32_ldmxcsr(__builtin_ia32_stmxcsr() & ~0x3fu);
#endif
    const ELEMENT beta = is_double ? (ELEMENT)0.01 : (ELEMENT)0.5;
    for (int step = 0; step < STEPS; step++) {
        k->adam(COUNT,
                &(ck_adam){.rate = 0.01,
                           .beta1 = (double)beta,
                           .beta2 = (double)beta,
                           .epsilon = 1e-8,
                           .correction1 = 1,
                           .correction2 = 1},
                g, m, v, p);
        k->sgd(COUNT, 0.01, (double)beta, 0, g, w, p);
        if (step == 0)
            for (int i = 0; i < COUNT; i++) g[i] = 0;
    }
    for (int i = 0; i < COUNT; i++)
        check(m[i] == 0 && v[i] == 0 && w[i] == 0, "%s: a state of %g, %g, %g has not decayed to zero", k->name,
              (double)m[i], (double)v[i], (double)w[i]);
    k->nll_backward(COUNT / 7, 7, y, 7, labels, 0.125, dx, 7);
    for (int i = 0; i < COUNT; i++)
        check(dx[i] == 0 || fabs((double)dx[i]) >= (double)tiny, "%s: gradient %g is below the bound", k->name,
              (double)dx[i]);
    NAME(matrix_of)(k->isa)->log_softmax(COUNT / 7, 7, y, 7, y, 7);
#if defined(__x86_64__)
    check((__builtin_ia32_stmxcsr() & 0x12) == 0, "%s met a subnormal operand or result", k->name);
#endif
    for (int i = 0; i < COUNT; i++) w[i] = (ELEMENT)ldexp(1, -i * (is_double ? 5 : 1)); // subnormal ones too
    k->rectified_backward(COUNT, p, w, w);
    for (int i = 0; i < COUNT; i++)
        check(w[i] == (p[i] > 0 && ldexp(1, -i * (is_double ? 5 : 1)) >= (double)tiny
                           ? (ELEMENT)ldexp(1, -i * (is_double ? 5 : 1))
                           : 0),
              "%s rectified_backward", k->name);
    const ELEMENT *const kept[] = {p, dx, y};
    for (int i = 0; i < 3; i++) memcpy(out + i * COUNT, kept[i], sizeof g);
    return 3 * COUNT;
}

static void NAME(test_tiny)(void) {
    uint64_t digest = 0;
    int32_t rows;
    const ck_network_kernels *const *catalogue = ck_network_catalogue(&rows);
    ELEMENT promised[1000], found[1000];
    int64_t count = 0;
    for (int32_t row = rows - 1; row >= 0; row--) {
        if (!ck_isa_available(catalogue[row]->isa) || catalogue[row]->byte_count != sizeof(ELEMENT)) continue;
        const int64_t n = NAME(decayed)(catalogue[row], count ? found : promised);
        if (count) check(NAME(equal)(n, promised, found), "%s decays otherwise than portable C", catalogue[row]->name);
        count = n;
    }
    digest_add(&digest, promised, (size_t)count * sizeof(ELEMENT));
    printf("digest tiny " NAME_TEXT " %016llx\n", (unsigned long long)digest);
}
