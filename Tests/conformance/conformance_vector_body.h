// Elementwise kernels and reductions for one element type: every row of the catalogue against the promise where it is
// short to write down, against portable C bit by bit otherwise, and against libm for exp, log and what is made of
// them.

static guarded NAME(numbers)(int64_t count, bool at_end) {
    guarded g = guarded_allocate((size_t)count * sizeof(ELEMENT), at_end);
    for (int64_t i = 0; i < count; i++) ((ELEMENT *)g.bytes)[i] = NAME(random_element)();
    return g;
}

static bool NAME(equal)(int64_t count, const void *a, const void *b) {
    for (int64_t i = 0; i < count; i++)
        if (!NAME(same)(((const ELEMENT *)a)[i], ((const ELEMENT *)b)[i])) return false;
    return true;
}

// The promised reduction of one chunk, and of all of them.
typedef enum { NAME(SUM), NAME(SIZES), NAME(DOT), NAME(MAXIMUM), NAME(MINIMUM) } NAME(kind);

static ELEMENT NAME(joined)(NAME(kind) kind, ELEMENT a, ELEMENT b) {
    if (kind == NAME(MAXIMUM)) return b > a ? b : a;
    if (kind == NAME(MINIMUM)) return b < a ? b : a;
    return a + b;
}

static ELEMENT NAME(reduced)(NAME(kind) kind, int64_t count, const ELEMENT *x, const ELEMENT *y) {
    enum { WIDTH = 256 / sizeof(ELEMENT) };
    const ELEMENT start_value = kind == NAME(MAXIMUM)   ? (ELEMENT)-INFINITY
                                : kind == NAME(MINIMUM) ? (ELEMENT)INFINITY
                                                        : 0;
    ELEMENT total = start_value;
    for (int64_t start = 0; start < count; start += CK_VECTOR_CHUNK) {
        ELEMENT columns[WIDTH];
        for (int i = 0; i < WIDTH; i++) columns[i] = start_value;
        for (int64_t i = 0; i < CK_VECTOR_CHUNK && start + i < count; i++) {
            ELEMENT *column = &columns[i % WIDTH], value = x[start + i];
            if (kind == NAME(DOT))
                *column = FMA(value, y[start + i], *column);
            else
                *column = NAME(joined)(kind, *column, kind == NAME(SIZES) && value < 0 ? -value : value);
        }
        for (int half = WIDTH / 2; half > 0; half /= 2)
            for (int i = 0; i < half; i++) columns[i] = NAME(joined)(kind, columns[i], columns[i + half]);
        total = NAME(joined)(kind, total, columns[0]);
    }
    return total;
}

// Distance from the exact value in units in the last place of the result's binade (subnormal results: of the smallest
// step).
static double NAME(ulps)(ELEMENT result, wide exact) {
    if (isnan(result) || isinf(result)) return NAME(same)(result, (ELEMENT)exact) ? 0 : INFINITY;
    int exponent;
    frexp((double)(ELEMENT)exact, &exponent);
    const int lowest = MANTISSA == 23 ? -149 : -1074,
              unit = exponent - MANTISSA - 1 < lowest ? lowest : exponent - MANTISSA - 1;
    wide error = (wide)result - exact;
    error = error < 0 ? -error : error;
    for (int i = 0; i < -unit; i++) error *= 2; // ldexp for any type
    for (int i = 0; i < unit; i++) error /= 2;
    return (double)error;
}

// The functions of one number: what of, over which range, and how far from the exact value.
typedef struct NAME(function) {
    const char *name;
    void (*kernel)(int64_t count, const void *x, void *y);
    wide (*exact)(wide x);
    double low, high, most; // most: ulps
} NAME(function);

static wide NAME(exact_exp)(wide x) { return (wide)WIDE_EXP((long double)x); }
static wide NAME(exact_log)(wide x) { return (wide)WIDE_LOG((long double)x); }
static wide NAME(exact_tanh)(wide x) { return (wide)WIDE_TANH((long double)x); }
static wide NAME(exact_sigmoid)(wide x) {
    if ((double)x < (MANTISSA == 23 ? -87 : -708)) return 0;
    return 1 / (1 + (wide)WIDE_EXP(-(long double)x));
}
static wide NAME(exact_gelu)(wide x) {
    const wide factor = 2 * (wide)0.797884560802865355879892119868763737L, u = x * (1 + (wide)0.044715L * x * x);
    if ((double)(factor * u) < (MANTISSA == 23 ? -87 : -708)) return 0;
    return x / (1 + (wide)WIDE_EXP(-(long double)(factor * u)));
}

static void NAME(test_function)(const ck_vector_kernels *k, NAME(function) f) {
    enum { COUNT = 20000 };
    ELEMENT *x = malloc(COUNT * sizeof *x), *y = malloc(COUNT * sizeof *y);
    const ELEMENT special[] = {0,
                               (ELEMENT)-0.0,
                               (ELEMENT)NAN,
                               (ELEMENT)INFINITY,
                               (ELEMENT)-INFINITY,
                               1,
                               -1,
                               SMALLEST,
                               -SMALLEST,
                               EXP_LOW,
                               EXP_HIGH,
                               EXP_LOW + 1,
                               EXP_HIGH - 1,
                               EXP_LOW - 1000,
                               EXP_HIGH + 1000};
    const bool is_log = f.kernel == k->log, is_gelu = f.kernel == k->gelu;
    for (int i = 0; i < COUNT; i++) {
        const double part = (double)(random_bits() >> 11) * 0x1p-53;
        if (!is_log)
            // Some of them near 0, where the result is.
            x[i] = (ELEMENT)((f.low + part * (f.high - f.low)) * (i % 4 ? 1 : ldexp(1, -(int)random_below(30))));
        else if (i % 2)
            x[i] = (ELEMENT)(part + 0.5); // where the result is near 0
        else
            x[i] =
                (ELEMENT)ldexp(part, (int)random_below(MANTISSA == 23 ? 270 : 2090) - (MANTISSA == 23 ? 145 : 1070));
    }
    // Amid others, so that strips with and without numbers that need care are both tried.
    memcpy(x + 1000, special, sizeof special);
    f.kernel(COUNT, x, y);
    double worst = 0;
    int at = 0;
    for (int i = 0; i < COUNT; i++) {
        if (isnan(x[i]) || (is_log && x[i] < 0)) {
            check(isnan(y[i]), "%s %s(%g) is %g", k->name, f.name, (double)x[i], (double)y[i]);
            continue;
        }
        const wide exact = isinf(x[i]) && is_gelu ? (x[i] < 0 ? 0 : (wide)x[i]) : f.exact((wide)x[i]);
        double distance = NAME(ulps)(y[i], exact);
        if (is_gelu) { // the gate's relative error grows with its argument
            const double u = 0.7979 * fabs((double)x[i]) * (1 + 0.044715 * (double)x[i] * (double)x[i]);
            distance = isinf(u) ? distance : distance / (1 + u);
            // Results below the normal range have steps of their own, and the gate ends at +0 before they do.
            if (fabs((double)exact) < ldexp(1, MANTISSA == 23 ? -120 : -1000))
                distance = fabs((double)y[i]) <= ldexp(1, MANTISSA == 23 ? -119 : -999) ? 0 : INFINITY;
        }
        if (distance > worst) worst = distance, at = i;
    }
    check(worst <= f.most, "%s %s(%a) = %a: %g ulp", k->name, f.name, (double)x[at], (double)y[at], worst);
    if (f.kernel == k->tanh) check(signbit(y[1001]) && y[1001] == 0, "%s tanh(-0) is %g", k->name, (double)y[1001]);
    if (k->isa == CK_ISA_PORTABLE) printf("worst %s " NAME_TEXT ": %.2f ulp\n", f.name, worst);
    free(x), free(y);
}

static void NAME(test_functions)(const ck_vector_kernels *k) {
    const NAME(function) functions[] = {
        {"exp", k->exp, NAME(exact_exp), EXP_LOW, EXP_HIGH, 1},
        {"log", k->log, NAME(exact_log), 0, 0, 1},
        {"tanh", k->tanh, NAME(exact_tanh), -12, 12, 3},
        {"sigmoid", k->sigmoid, NAME(exact_sigmoid), EXP_LOW, EXP_HIGH, 3},
        {"gelu", k->gelu, NAME(exact_gelu), -8, 8, 4},
    };
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) NAME(test_function)(k, functions[i]);
}

// Short vectors at every place of a line, inside a larger buffer: what is beside them stays.
static void NAME(test_places)(void) {
    enum { SIZE = 160 };
    static _Alignas(64) ELEMENT x[SIZE], z[SIZE];
    int32_t rows;
    const ck_vector_kernels *const *catalogue = ck_vector_catalogue(&rows);
    for (int64_t i = 0; i < SIZE; i++) x[i] = (ELEMENT)(i + 1);
    for (int32_t row = 0; row < rows; row++) {
        const ck_vector_kernels *k = catalogue[row];
        if (!ck_isa_available(k->isa) || k->byte_count != sizeof(ELEMENT)) continue;
        for (int64_t place = 0; place < 32; place++)
            for (int64_t count = 0; count < 48; count++)
                for (int way = 0; way < 4; way++) {
                    for (int64_t i = 0; i < SIZE; i++) z[i] = -1;
                    if (way < 2)
                        k->copy(count, x + place, z + place, way & 1);
                    else
                        k->fill(count, 3, z + place, way & 1);
                    int64_t bad = 0;
                    for (int64_t i = 0; i < SIZE; i++)
                        bad += z[i] != (i < place || i >= place + count ? (ELEMENT)-1 : way < 2 ? x[i] : (ELEMENT)3);
                    check(bad == 0, "vector %s: %ld elements at place %ld, way %d: %ld wrong", k->name, (long)count,
                          (long)place, way, (long)bad);
                }
    }
}

static void NAME(test_vector)(void) {
    random_seed(sizeof(ELEMENT) + 500); // how many numbers were drawn before depends on the instruction sets
    uint64_t digest = 0;
    int32_t rows;
    const ck_vector_kernels *const *catalogue = ck_vector_catalogue(&rows);
    const ELEMENT values[] = {(ELEMENT)-1.5,      2,        (ELEMENT)-0.0, 0, (ELEMENT)NAN, (ELEMENT)INFINITY,
                              (ELEMENT)-INFINITY, SMALLEST, -SMALLEST,     3};
    const int64_t longer[] = {
        293, 1000, CK_VECTOR_CHUNK - 1, CK_VECTOR_CHUNK, CK_VECTOR_CHUNK + 1, 2 * CK_VECTOR_CHUNK + 77};
    for (int length = 0; length < 136; length++) {
        const int64_t count = length < 130 ? length : longer[length - 130];
        const bool at_end = count % 2;
        guarded a = NAME(numbers)(count, at_end), b = NAME(numbers)(count, at_end), c = NAME(numbers)(count, at_end),
                d = NAME(numbers)(count, at_end);
        uint64_t first = 0;
        bool is_first = true;
        ELEMENT *x = (ELEMENT *)a.bytes, *y = (ELEMENT *)b.bytes, *z = (ELEMENT *)c.bytes,
                *special = (ELEMENT *)d.bytes;
        for (int64_t i = 0; i < count; i++) special[i] = values[(i + count) % 10];
        const ELEMENT factor = (ELEMENT)1.7;
        for (int32_t row = 0; row < rows; row++) {
            const ck_vector_kernels *k = catalogue[row];
            if (!ck_isa_available(k->isa) || k->byte_count != sizeof(ELEMENT)) continue;
            int64_t bad = 0;
#define EACH(CONDITION) \
    for (int64_t i = 0; i < count; i++) bad += !(CONDITION)
            k->relu(count, special, z);
            EACH(NAME(same)(z[i], special[i] < 0 ? 0 : special[i]));
            k->relu_backward(count, special, x, z);
            EACH(NAME(same)(z[i], special[i] > 0 ? x[i] : 0));
            memcpy(z, y, (size_t)count * sizeof *z);
            k->axpy(count, 1.7, x, z);
            EACH(z[i] == FMA(factor, x[i], y[i]));
            for (int streaming = 0; streaming < 2; streaming++) {
                k->fill(count, 1.7, z, streaming);
                EACH(z[i] == factor);
                k->copy(count, special, z, streaming);
                EACH(NAME(same)(z[i], special[i]));
                k->scale(count, 1.7, x, z, streaming);
                EACH(z[i] == factor * x[i]);
                k->add(count, x, y, z, streaming);
                EACH(z[i] == x[i] + y[i]);
                k->subtract(count, x, y, z, streaming);
                EACH(z[i] == x[i] - y[i]);
                k->multiply(count, x, y, z, streaming);
                EACH(z[i] == x[i] * y[i]);
                k->divide(count, x, y, z, streaming);
                EACH(NAME(same)(z[i], x[i] / y[i]));
                k->smaller(count, special, y, z, streaming);
                EACH(NAME(same)(z[i], special[i] < y[i] ? special[i] : y[i]));
                k->larger(count, special, y, z, streaming);
                EACH(NAME(same)(z[i], special[i] > y[i] ? special[i] : y[i]));
                k->absolute(count, special, z, streaming);
                EACH(!signbit(z[i]) && (z[i] == special[i] || z[i] == -special[i] || isnan(special[i])));
                k->square_root(count, special, z, streaming);
                EACH(NAME(same)(z[i], (ELEMENT)sqrt((double)special[i])));
                k->affine(count, 1.7, -0.3, x, z, streaming);
                EACH(z[i] == FMA(factor, x[i], (ELEMENT)-0.3));
                k->clamp(count, -1, 2.5, special, z, streaming);
                EACH(NAME(same)(z[i], special[i]<-1 ? -1 : special[i]>(ELEMENT) 2.5 ? (ELEMENT)2.5 : special[i]));
                k->triad(count, 1.7, x, y, z, streaming);
                EACH(z[i] == FMA(factor, y[i], x[i]));
            }
            bad += !NAME(same)((ELEMENT)k->sum(count, x), NAME(reduced)(NAME(SUM), count, x, NULL));
            bad += !NAME(same)((ELEMENT)k->absolute_sum(count, x), NAME(reduced)(NAME(SIZES), count, x, NULL));
            bad += !NAME(same)((ELEMENT)k->dot(count, x, y), NAME(reduced)(NAME(DOT), count, x, y));
            const ELEMENT *const both[] = {x, special};
            for (int i = 0; i < 2; i++) {
                bad += !NAME(same)((ELEMENT)k->maximum(count, both[i]),
                                   NAME(reduced)(NAME(MAXIMUM), count, both[i], NULL));
                bad += !NAME(same)((ELEMENT)k->minimum(count, both[i]),
                                   NAME(reduced)(NAME(MINIMUM), count, both[i], NULL));
            }
            check(bad == 0, "%s: count %ld, %ld wrong", k->name, (long)count, (long)bad);
            // Functions of one number: the digest says that they are equal on every processor.
            uint64_t own = 0;
            void (*const functions[])(int64_t, const void *, void *) = {k->exp, k->log, k->tanh, k->sigmoid, k->gelu};
            for (int f = 0; f < 5; f++)
                for (int way = 0; way < 2; way++) {
                    const ELEMENT *input = way ? special : x;
                    functions[f](count, input, z);
                    for (int64_t i = 0; i < count; i++)
                        if (isnan(z[i])) z[i] = 0; // which NaN is not promised
                    digest_add(&own, z, (size_t)count * sizeof *z);
                    // In place, with the same bits.
                    ELEMENT *copy = malloc((size_t)(count + 1) * sizeof *copy);
                    memcpy(copy, input, (size_t)count * sizeof *copy);
                    functions[f](count, copy, copy);
                    for (int64_t i = 0; i < count; i++)
                        if (isnan(copy[i])) copy[i] = 0;
                    check(memcmp(copy, z, (size_t)count * sizeof *copy) == 0, "%s: function %d in place, count %ld",
                          k->name, f, (long)count);
                    free(copy);
                }
            if (is_first) first = own;
            is_first = false;
            check(own == first, "%s: functions of %ld numbers differ from another instruction set's", k->name,
                  (long)count);
            if (k->isa == CK_ISA_PORTABLE) digest_add(&digest, &own, sizeof own);
#undef EACH
        }
        guarded_free(a), guarded_free(b), guarded_free(c), guarded_free(d);
    }
    for (int32_t row = 0; row < rows; row++)
        if (ck_isa_available(catalogue[row]->isa) && catalogue[row]->byte_count == sizeof(ELEMENT)) {
            NAME(test_functions)(catalogue[row]);
            // Numbers of one sign: what is read past the end of a vector is no candidate.
            ELEMENT negative[100], positive[100];
            for (int i = 0; i < 100; i++) negative[i] = (ELEMENT)(i - 101), positive[i] = (ELEMENT)(101 - i);
            for (int64_t n = 1; n <= 100; n++)
                check(catalogue[row]->maximum(n, negative) == (double)(n - 102) &&
                          catalogue[row]->minimum(n, positive) == (double)(102 - n),
                      "%s: the extremes of %ld numbers of one sign", catalogue[row]->name, (long)n);
            // Products that vanish below zero: -0 in a column, +0 once it is joined with the others.
            ELEMENT low[70], high[70];
            for (int i = 0; i < 70; i++) low[i] = -SMALLEST, high[i] = SMALLEST;
            for (int64_t n = 1; n <= 70; n++)
                check(!signbit((ELEMENT)catalogue[row]->dot(n, low, high)),
                      "%s: the dot of %ld vanishing products is -0", catalogue[row]->name, (long)n);
        }
    printf("digest vector " NAME_TEXT " %016llx\n", (unsigned long long)digest);
}
