// The elementwise kernels, streams and reductions of one element type on one instruction set, inside a vocabulary
// (simd/vocabulary.h) and after transcendental_body.h. Loops in plain C are those that every compiler vectorises
// without changing a bit; each product that is added to something is written as a multiply-add, so there is nothing
// left to contract.

static void NAME(relu_kernel)(int64_t count, const void *x_, void *y_) {
    const ELEMENT *x = x_;
    ELEMENT *y = y_;
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES) store(y + i, relu(load(x + i)));
    const MASK rest = mask_first(count - i);
    if (i < count) store_masked(y + i, rest, relu(load_masked(x + i, rest)));
}

static void NAME(relu_backward_kernel)(int64_t count, const void *x_, const void *dy_, void *dx_) {
    const ELEMENT *x = x_, *dy = dy_;
    ELEMENT *dx = dx_;
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES) store(dx + i, where_positive(load(x + i), load(dy + i)));
    const MASK rest = mask_first(count - i);
    if (i < count) store_masked(dx + i, rest, where_positive(load_masked(x + i, rest), load_masked(dy + i, rest)));
}

static void NAME(exp_kernel)(int64_t count, const void *x_, void *y_) {
    const ELEMENT *x = x_;
    ELEMENT *y = y_;
    for (int64_t i = 0; i < count; i++) y[i] = NAME(exp_of)(x[i]);
}

static void NAME(log_kernel)(int64_t count, const void *x_, void *y_) {
    const ELEMENT *x = x_;
    ELEMENT *y = y_;
    for (int64_t i = 0; i < count; i++) y[i] = NAME(log_of)(x[i]);
}

static void NAME(axpy_kernel)(int64_t count, double a_, const void *x_, void *y_) {
    const ELEMENT a = (ELEMENT)a_, *x = x_;
    ELEMENT *y = y_;
    for (int64_t i = 0; i < count; i++) y[i] = number_fma(a, x[i], y[i]);
}

// z[i] = VALUE(LOAD) for all i, where VALUE is written in a macro LOAD that reads one vector of an operand. Streaming
// stores want aligned addresses, so the elements before the first one are stored apart.
#define STREAM_LOOP(VALUE)                                                                \
    int64_t i = 0;                                                                        \
    if (streaming) {                                                                      \
        const int64_t head = (int64_t)(-(uintptr_t)z % sizeof(VECTOR) / sizeof(ELEMENT)); \
        const MASK first = mask_first(head < count ? head : count);                       \
        if (head) store_masked(z, first, VALUE(LOAD_FIRST));                              \
        for (i = head; i + LANES <= count; i += LANES) stream(z + i, VALUE(LOAD_WHOLE));  \
        CK_STREAM_FENCE();                                                                \
    } else {                                                                              \
        for (; i + LANES <= count; i += LANES) store(z + i, VALUE(LOAD_WHOLE));           \
    }                                                                                     \
    const MASK rest = mask_first(count - i);                                              \
    if (i < count) store_masked(z + i, rest, VALUE(LOAD_REST));
#define LOAD_FIRST(p) load_masked(p, first)
#define LOAD_WHOLE(p) load(p + i)
#define LOAD_REST(p) load_masked(p + i, rest)

static void NAME(fill_kernel)(int64_t count, double a_, void *z_, bool streaming) {
    ELEMENT *z = z_;
    const VECTOR a = set1((ELEMENT)a_);
#define VALUE(LOAD) a
    STREAM_LOOP(VALUE)
#undef VALUE
}

static void NAME(copy_kernel)(int64_t count, const void *x_, void *z_, bool streaming) {
    const ELEMENT *x = x_;
    ELEMENT *z = z_;
#define VALUE(LOAD) LOAD(x)
    STREAM_LOOP(VALUE)
#undef VALUE
}

static void NAME(scale_kernel)(int64_t count, double a_, const void *x_, void *z_, bool streaming) {
    const ELEMENT *x = x_;
    ELEMENT *z = z_;
    const VECTOR a = set1((ELEMENT)a_);
#define VALUE(LOAD) mul(a, LOAD(x))
    STREAM_LOOP(VALUE)
#undef VALUE
}

static void NAME(add_kernel)(int64_t count, const void *x_, const void *y_, void *z_, bool streaming) {
    const ELEMENT *x = x_, *y = y_;
    ELEMENT *z = z_;
#define VALUE(LOAD) add(LOAD(x), LOAD(y))
    STREAM_LOOP(VALUE)
#undef VALUE
}

static void NAME(triad_kernel)(int64_t count, double a_, const void *x_, const void *y_, void *z_, bool streaming) {
    const ELEMENT *x = x_, *y = y_;
    ELEMENT *z = z_;
    const VECTOR a = set1((ELEMENT)a_);
#define VALUE(LOAD) fma(a, LOAD(y), LOAD(x))
    STREAM_LOOP(VALUE)
#undef VALUE
}

#undef STREAM_LOOP
#undef LOAD_FIRST
#undef LOAD_WHOLE
#undef LOAD_REST

// A chunk is reduced in columns of 256 bytes, whatever the width of a vector is.
#define WIDTH ((int)(256 / sizeof(ELEMENT)))
#define VECTORS (WIDTH / LANES)

// Joins the columns: the right half onto the left one, again and again.
#define JOIN(columns, JOIN_TWO)                     \
    for (int half = WIDTH / 2; half > 0; half /= 2) \
        for (int i = 0; i < half; i++) columns[i] = JOIN_TWO(columns[i], columns[i + half]);

// Reduces one chunk: acc = STEP(acc, i-th vector), from START. Masked lanes of STEP must leave acc as it is.
#define REDUCE_CHUNK(START, STEP, STEP_MASKED, JOIN_TWO)                          \
    VECTOR acc[VECTORS];                                                          \
    CK_UNROLL                                                                     \
    for (int v = 0; v < VECTORS; v++) acc[v] = set1(START);                       \
    int64_t i = 0;                                                                \
    for (; i + WIDTH <= count; i += WIDTH) {                                      \
        CK_UNROLL                                                                 \
        for (int v = 0; v < VECTORS; v++) acc[v] = STEP(acc[v], i + v * LANES);   \
    }                                                                             \
    ELEMENT columns[WIDTH];                                                       \
    CK_UNROLL                                                                     \
    for (int v = 0; v < VECTORS; v++) store(columns + v * LANES, acc[v]);         \
    for (int j = 0; i < count; i++, j++) columns[j] = STEP_MASKED(columns[j], i); \
    JOIN(columns, JOIN_TWO)                                                       \
    return columns[0];

static ELEMENT NAME(sum_chunk)(int64_t count, const ELEMENT *x) {
#define STEP(a, at) add(a, load(x + at))
#define STEP_ONE(a, at) (a + x[at])
#define JOIN_TWO(a, b) (a + b)
    REDUCE_CHUNK(0, STEP, STEP_ONE, JOIN_TWO)
#undef STEP
#undef STEP_ONE
}

static ELEMENT NAME(dot_chunk)(int64_t count, const ELEMENT *x, const ELEMENT *y) {
#define STEP(a, at) fma(load(x + at), load(y + at), a)
#define STEP_ONE(a, at) number_fma(x[at], y[at], a)
    REDUCE_CHUNK(0, STEP, STEP_ONE, JOIN_TWO)
#undef STEP
#undef STEP_ONE
#undef JOIN_TWO
}

static ELEMENT NAME(maximum_chunk)(int64_t count, const ELEMENT *x) {
#define JOIN_TWO(a, b) ((b) > (a) ? (b) : (a))
#define STEP(a, at) largest(load(x + at), a)
#define STEP_ONE(a, at) JOIN_TWO(a, x[at])
    REDUCE_CHUNK((ELEMENT)-__builtin_inf(), STEP, STEP_ONE, JOIN_TWO)
#undef STEP
#undef STEP_ONE
}

static double NAME(sum_kernel)(int64_t count, const void *x_) {
    const ELEMENT *x = x_;
    ELEMENT total = 0;
    for (int64_t i = 0; i < count; i += CK_VECTOR_CHUNK)
        total += NAME(sum_chunk)(count - i < CK_VECTOR_CHUNK ? count - i : CK_VECTOR_CHUNK, x + i);
    return (double)total;
}

static double NAME(dot_kernel)(int64_t count, const void *x_, const void *y_) {
    const ELEMENT *x = x_, *y = y_;
    ELEMENT total = 0;
    for (int64_t i = 0; i < count; i += CK_VECTOR_CHUNK)
        total += NAME(dot_chunk)(count - i < CK_VECTOR_CHUNK ? count - i : CK_VECTOR_CHUNK, x + i, y + i);
    return (double)total;
}

static double NAME(maximum_kernel)(int64_t count, const void *x_) {
    const ELEMENT *x = x_;
    ELEMENT total = (ELEMENT)-__builtin_inf();
    for (int64_t i = 0; i < count; i += CK_VECTOR_CHUNK) {
        const ELEMENT chunk = NAME(maximum_chunk)(count - i < CK_VECTOR_CHUNK ? count - i : CK_VECTOR_CHUNK, x + i);
        total = JOIN_TWO(total, chunk);
    }
    return (double)total;
}

#undef JOIN_TWO
#undef REDUCE_CHUNK
#undef JOIN
#undef VECTORS
#undef WIDTH

#define ROW_(text) #text
#define ROW_TEXT(text) ROW_(text)
const ck_vector_kernels NAME(ck_vector) = {
    ROW_TEXT(NAME(ck_vector)),  ROW_ISA,           sizeof(ELEMENT),    NAME(relu_kernel),
    NAME(relu_backward_kernel), NAME(exp_kernel),  NAME(log_kernel),   NAME(axpy_kernel),
    NAME(fill_kernel),          NAME(copy_kernel), NAME(scale_kernel), NAME(add_kernel),
    NAME(triad_kernel),         NAME(sum_kernel),  NAME(dot_kernel),   NAME(maximum_kernel),
};
#undef ROW_TEXT
#undef ROW_
