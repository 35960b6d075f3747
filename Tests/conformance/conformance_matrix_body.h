// Matrix kernels other than products, for one element type: every row of the catalogue against the promise, written
// down as plain loops, on guard pages, with leading dimensions and in place.

// Sums of a row as the header promises them for softmax: pieces of 1,024 columns, in ascending order.
static ELEMENT NAME(pieces_sum)(int64_t columns, const ELEMENT *e) {
    ELEMENT sum = 0;
    for (int64_t start = 0; start < columns; start += 1024)
        sum += NAME(reduced)(NAME(SUM), columns - start < 1024 ? columns - start : 1024, e + start, NULL);
    return sum;
}

static ELEMENT NAME(combined)(ck_combination combination, ELEMENT a, ELEMENT b) {
    switch (combination) {
    case CK_ADD: return a + b;
    case CK_SUBTRACT: return a - b;
    case CK_MULTIPLY: return a * b;
    default: return a / b;
    }
}

static ELEMENT NAME(row_promise)(ck_reduction reduction, int64_t columns, const ELEMENT *x) {
    switch (reduction) {
    case CK_SUM: return NAME(reduced)(NAME(SUM), columns, x, NULL);
    case CK_SQUARE_SUM: return NAME(reduced)(NAME(DOT), columns, x, x);
    case CK_MINIMUM: return NAME(reduced)(NAME(MINIMUM), columns, x, NULL);
    default: return NAME(reduced)(NAME(MAXIMUM), columns, x, NULL);
    }
}

static ELEMENT NAME(column_promise)(ck_reduction reduction, int64_t rows, const ELEMENT *x, int64_t ldx) {
    const NAME(kind) kind = reduction == CK_MINIMUM   ? NAME(MINIMUM)
                            : reduction == CK_MAXIMUM ? NAME(MAXIMUM)
                                                      : NAME(SUM);
    const ELEMENT start = kind == NAME(MINIMUM) ? (ELEMENT)INFINITY : kind == NAME(MAXIMUM) ? (ELEMENT)-INFINITY : 0;
    ELEMENT total = start;
    for (int64_t first = 0; first < rows; first += CK_MATRIX_BLOCK) {
        ELEMENT block = start;
        for (int64_t i = first; i < first + CK_MATRIX_BLOCK && i < rows; i++) {
            const ELEMENT v = x[i * ldx];
            if (reduction == CK_SQUARE_SUM)
                block = FMA(v, v, block);
            else
                block = NAME(joined)(kind, block, v);
        }
        total = NAME(joined)(kind, total, block);
    }
    return total;
}

// The first position of a value among numbers `step` apart.
static int64_t NAME(first_position)(int64_t count, const ELEMENT *x, int64_t step, ELEMENT value) {
    for (int64_t i = 0; i < count; i++)
        if (x[i * step] == value) return i;
    return -1;
}

static void NAME(try_matrix)(const ck_matrix_kernels *k, int64_t rows, int64_t columns, bool at_end, bool has_specials,
                             uint64_t *digest) {
    random_seed((uint64_t)(rows * 10007 + columns * 3 + has_specials));
    const int64_t ldx = columns + 3, ldy = columns + 1, ldt = rows + 2;
    guarded a = NAME(numbers)(rows * ldx - 3, at_end), b = NAME(numbers)(rows * ldy - 1, at_end),
            t = NAME(numbers)(columns * ldt - 2, at_end);
    guarded r = NAME(numbers)(columns, at_end), s = NAME(numbers)(columns, at_end), c = NAME(numbers)(rows, at_end);
    guarded p = guarded_allocate((size_t)(rows + columns) * sizeof(int64_t), at_end);
    ELEMENT *x = (ELEMENT *)a.bytes, *y = (ELEMENT *)b.bytes, *transposed = (ELEMENT *)t.bytes,
            *row = (ELEMENT *)r.bytes, *shift = (ELEMENT *)s.bytes, *column = (ELEMENT *)c.bytes;
    int64_t *positions = (int64_t *)p.bytes, bad = 0;
    const ck_vector_kernels *vector = sizeof(ELEMENT) == 4 ? ck_vector_f32() : ck_vector_f64(); // tested before
    ELEMENT *e = malloc((size_t)columns * sizeof *e), *out = malloc((size_t)(rows + columns) * sizeof *out);
    if (has_specials) {
        const ELEMENT values[] = {(ELEMENT)NAN, (ELEMENT)INFINITY, (ELEMENT)-INFINITY, (ELEMENT)-0.0, 0, 2, 2, -3};
        for (int64_t i = 0; i < rows; i++)
            for (int64_t j = 0; j < columns; j++) x[i * ldx + j] = values[random_below(i % 3 ? 8 : 3)];
    }
#define EACH(CONDITION)                \
    for (int64_t i = 0; i < rows; i++) \
        for (int64_t j = 0; j < columns; j++) bad += !(CONDITION)
#define X x[i * ldx + j]
#define Y y[i * ldy + j]
    for (int reduction = CK_SUM; reduction <= CK_MAXIMUM; reduction++) {
        k->reduce_rows((ck_reduction)reduction, rows, columns, x, ldx, out);
        for (int64_t i = 0; i < rows; i++)
            bad += !NAME(same)(out[i], NAME(row_promise)((ck_reduction)reduction, columns, x + i * ldx));
        if (reduction >= CK_MINIMUM) {
            k->find_in_rows(rows, columns, x, ldx, out, positions);
            for (int64_t i = 0; i < rows; i++)
                bad += positions[i] != NAME(first_position)(columns, x + i * ldx, 1, out[i]);
        }
        k->reduce_columns((ck_reduction)reduction, rows, columns, x, ldx, out);
        for (int64_t j = 0; j < columns; j++)
            bad += !NAME(same)(out[j], NAME(column_promise)((ck_reduction)reduction, rows, x + j, ldx));
        if (reduction >= CK_MINIMUM) {
            k->find_in_columns(rows, columns, x, ldx, out, positions);
            for (int64_t j = 0; j < columns; j++)
                bad += positions[j] != NAME(first_position)(rows, x + j, ldx, out[j]);
        }
    }
    check(bad == 0, "%s reductions of %ld x %ld: %ld wrong", k->name, (long)rows, (long)columns, (long)bad);
    bad = 0;
    for (int combination = CK_ADD; combination <= CK_DIVIDE; combination++) {
        k->combine_row((ck_combination)combination, rows, columns, x, ldx, row, y, ldy);
        EACH(NAME(same)(Y, NAME(combined)((ck_combination)combination, X, row[j])));
        k->combine_column((ck_combination)combination, rows, columns, x, ldx, column, y, ldy);
        EACH(NAME(same)(Y, NAME(combined)((ck_combination)combination, X, column[i])));
    }
    k->transpose(rows, columns, x, ldx, transposed, ldt);
    EACH(NAME(same)(transposed[j * ldt + i], X));
    check(bad == 0, "%s combinations of %ld x %ld: %ld wrong", k->name, (long)rows, (long)columns, (long)bad);
    bad = 0;
    for (int way = 0; way < 4; way++) { // softmax, log-softmax, with no, one and both of scale and shift
        if (way == 0)
            k->softmax(rows, columns, x, ldx, y, ldy);
        else if (way == 1)
            k->log_softmax(rows, columns, x, ldx, y, ldy);
        for (int64_t i = 0; way < 2 && i < rows; i++) {
            const ELEMENT top = NAME(reduced)(NAME(MAXIMUM), columns, x + i * ldx, NULL);
            for (int64_t j = 0; j < columns; j++) e[j] = X - top;
            ELEMENT *powers = malloc((size_t)columns * sizeof *powers), logarithm;
            vector->exp(columns, e, powers);
            for (int64_t j = 0; j < columns; j++) e[j] = e[j] < (MANTISSA == 23 ? -87 : -708) ? 0 : powers[j];
            free(powers);
            const ELEMENT sum = NAME(pieces_sum)(columns, e), inverse = 1 / sum;
            vector->log(1, &sum, &logarithm);
            for (int64_t j = 0; j < columns; j++)
                bad += !NAME(same)(Y, way == 0 ? e[j] * inverse : X - top - logarithm);
        }
        const ELEMENT *scale = way & 1 ? row : NULL, *moved = way & 2 ? shift : NULL;
        k->layer_norm(rows, columns, x, ldx, 1e-5, scale, moved, y, ldy);
        for (int64_t i = 0; i < rows; i++) {
            const ELEMENT size = (ELEMENT)columns, mean = NAME(reduced)(NAME(SUM), columns, x + i * ldx, NULL) / size;
            for (int64_t j = 0; j < columns; j++) e[j] = X - mean;
            const ELEMENT variance = NAME(reduced)(NAME(DOT), columns, e, e) / size + (ELEMENT)1e-5,
                          factor = 1 / (ELEMENT)sqrt((double)variance);
            for (int64_t j = 0; j < columns; j++) {
                const ELEMENT z = e[j] * factor;
                const ELEMENT promised = scale && moved ? FMA(z, scale[j], moved[j])
                                         : scale        ? z * scale[j]
                                         : moved        ? z + moved[j]
                                                        : z;
                bad += !NAME(same)(Y, promised);
            }
        }
        if (way < 2) {
            k->rms_norm(rows, columns, x, ldx, 1e-5, scale, y, ldy);
            for (int64_t i = 0; i < rows; i++) {
                const ELEMENT mean = NAME(reduced)(NAME(DOT), columns, x + i * ldx, x + i * ldx) / (ELEMENT)columns;
                const ELEMENT sum = mean + (ELEMENT)1e-5, factor = 1 / (ELEMENT)sqrt((double)sum);
                for (int64_t j = 0; j < columns; j++) {
                    const ELEMENT z = X * factor;
                    bad += !NAME(same)(Y, scale ? z * scale[j] : z);
                }
            }
        }
    }
    check(bad == 0, "%s softmax and normalisation of %ld x %ld: %ld wrong", k->name, (long)rows, (long)columns,
          (long)bad);
    if (k->isa == CK_ISA_PORTABLE && !has_specials) digest_add(digest, y, (size_t)(rows * ldy - 1) * sizeof *y);
    // In place.
    bad = 0;
    k->softmax(rows, columns, x, ldx, y, ldy);
    k->softmax(rows, columns, x, ldx, x, ldx);
    EACH(NAME(same)(Y, X));
    k->log_softmax(rows, columns, x, ldx, y, ldy);
    k->log_softmax(rows, columns, x, ldx, x, ldx);
    EACH(NAME(same)(Y, X));
    k->layer_norm(rows, columns, x, ldx, 1, row, shift, y, ldy);
    k->layer_norm(rows, columns, x, ldx, 1, row, shift, x, ldx);
    EACH(NAME(same)(Y, X));
    k->combine_row(CK_SUBTRACT, rows, columns, x, ldx, row, y, ldy);
    k->combine_row(CK_SUBTRACT, rows, columns, x, ldx, row, x, ldx);
    EACH(NAME(same)(Y, X));
    check(bad == 0, "%s in place, %ld x %ld: %ld wrong", k->name, (long)rows, (long)columns, (long)bad);
#undef EACH
#undef X
#undef Y
    guarded_free(a), guarded_free(b), guarded_free(t), guarded_free(r), guarded_free(s), guarded_free(c),
        guarded_free(p);
    free(e), free(out);
}

static void NAME(test_matrix)(void) {
    uint64_t digest = 0;
    int32_t count;
    const ck_matrix_kernels *const *catalogue = ck_matrix_catalogue(&count);
    const int64_t heights[] = {1, 2, 7, 33, 600}, widths[] = {1, 2, 3, 7, 8, 10, 15, 16, 17, 31, 33, 64, 65, 100, 131};
    for (int32_t i = 0; i < count; i++) {
        const ck_matrix_kernels *k = catalogue[i];
        if (!ck_isa_available(k->isa) || k->byte_count != sizeof(ELEMENT)) continue;
        for (int way = 0; way < 4; way++) {
            for (int h = 0; h < 4; h++)
                for (int w = 0; w < 15; w++) NAME(try_matrix)(k, heights[h], widths[w], way & 1, way & 2, &digest);
            NAME(try_matrix)(k, heights[4], 5, way & 1, way & 2, &digest);
            NAME(try_matrix)(k, 3, 1030, way & 1, way & 2, &digest);
            NAME(try_matrix)(k, 2, CK_VECTOR_CHUNK + 70, way & 1, way & 2, &digest);
        }
    }
    printf("digest matrix " NAME_TEXT " %016llx\n", (unsigned long long)digest);
}
