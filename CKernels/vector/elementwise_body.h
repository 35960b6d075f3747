// The elementwise kernels and streams of one element type on one instruction set, inside a vocabulary
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

// Functions of one number are computed in strips, what is left in pieces in memory of their own, so that no element is
// left to a loop without vectors.
enum { NAME(STRIP) = 64, NAME(SHORT) = 16 };

#define MAP_STRIPS(operation)                                                                                 \
    const ELEMENT *x = x_;                                                                                    \
    ELEMENT *y = y_, rest[NAME(SHORT)];                                                                       \
    int64_t start = 0;                                                                                        \
    for (; start + NAME(STRIP) <= count; start += NAME(STRIP)) NAME(operation##_strip)(x + start, y + start); \
    for (; start < count; start += NAME(SHORT)) {                                                             \
        CK_UNROLL                                                                                             \
        for (int v = 0; v < NAME(SHORT); v += LANES)                                                          \
            store(rest + v, load_masked(x + start + v, mask_first(count - start - v)));                       \
        for (int i = 0; i < NAME(SHORT); i++) rest[i] = NAME(operation##_of)(rest[i]);                        \
        CK_UNROLL                                                                                             \
        for (int v = 0; v < NAME(SHORT); v += LANES)                                                          \
            store_masked(y + start + v, mask_first(count - start - v), load(rest + v));                       \
    }

// A strip without numbers that need care, which is nearly every one, takes a shorter way to the same bits.
#define UNARY_KERNEL_WITH_CARE(operation)                                                        \
    static void NAME(operation##_strip)(const ELEMENT *x, ELEMENT *y) {                          \
        SIGNED unsafe = 0;                                                                       \
        for (int i = 0; i < NAME(STRIP); i++) unsafe |= NAME(operation##_is_safe)(x[i]) ? 0 : 1; \
        if (!unsafe) {                                                                           \
            CK_INDEPENDENT                                                                       \
            for (int i = 0; i < NAME(STRIP); i++) y[i] = NAME(operation##_of_safe)(x[i]);        \
        } else {                                                                                 \
            CK_INDEPENDENT                                                                       \
            for (int i = 0; i < NAME(STRIP); i++) y[i] = NAME(operation##_of)(x[i]);             \
        }                                                                                        \
    }                                                                                            \
    static void NAME(operation##_kernel)(int64_t count, const void *x_, void *y_) { MAP_STRIPS(operation) }

#define UNARY_KERNEL(operation)                                                  \
    static void NAME(operation##_strip)(const ELEMENT *x, ELEMENT *y) {          \
        CK_INDEPENDENT                                                           \
        for (int i = 0; i < NAME(STRIP); i++) y[i] = NAME(operation##_of)(x[i]); \
    }                                                                            \
    static void NAME(operation##_kernel)(int64_t count, const void *x_, void *y_) { MAP_STRIPS(operation) }

UNARY_KERNEL_WITH_CARE(exp)
UNARY_KERNEL_WITH_CARE(log)
UNARY_KERNEL(tanh)
UNARY_KERNEL(sigmoid)
UNARY_KERNEL(gelu)

#undef UNARY_KERNEL_WITH_CARE
#undef UNARY_KERNEL
#undef MAP_STRIPS

static void NAME(axpy_kernel)(int64_t count, double a_, const void *x_, void *y_) {
    const ELEMENT *x = x_;
    ELEMENT *y = y_;
    const VECTOR a = set1((ELEMENT)a_);
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES) store(y + i, fma(a, load(x + i), load(y + i)));
    const MASK rest = mask_first(count - i);
    if (i < count) store_masked(y + i, rest, fma(a, load_masked(x + i, rest), load_masked(y + i, rest)));
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

#define STREAM_OF_ONE(operation, VALUE)                                                             \
    static void NAME(operation##_kernel)(int64_t count, const void *x_, void *z_, bool streaming) { \
        const ELEMENT *x = x_;                                                                      \
        ELEMENT *z = z_;                                                                            \
        STREAM_LOOP(VALUE)                                                                          \
    }
#define COPY(LOAD) LOAD(x)
STREAM_OF_ONE(copy, COPY)
#define ABSOLUTE(LOAD) absolute(LOAD(x))
STREAM_OF_ONE(absolute, ABSOLUTE)
#define SQUARE_ROOT(LOAD) square_root(LOAD(x))
STREAM_OF_ONE(square_root, SQUARE_ROOT)
#undef COPY
#undef ABSOLUTE
#undef SQUARE_ROOT
#undef STREAM_OF_ONE

static void NAME(scale_kernel)(int64_t count, double a_, const void *x_, void *z_, bool streaming) {
    const ELEMENT *x = x_;
    ELEMENT *z = z_;
    const VECTOR a = set1((ELEMENT)a_);
#define VALUE(LOAD) mul(a, LOAD(x))
    STREAM_LOOP(VALUE)
#undef VALUE
}

static void NAME(affine_kernel)(int64_t count, double a_, double b_, const void *x_, void *z_, bool streaming) {
    const ELEMENT *x = x_;
    ELEMENT *z = z_;
    const VECTOR a = set1((ELEMENT)a_), b = set1((ELEMENT)b_);
#define VALUE(LOAD) fma(a, LOAD(x), b)
    STREAM_LOOP(VALUE)
#undef VALUE
}

// NaN fails both comparisons and stays.
static void NAME(clamp_kernel)(int64_t count, double low_, double high_, const void *x_, void *z_, bool streaming) {
    const ELEMENT *x = x_;
    ELEMENT *z = z_;
    const VECTOR low = set1((ELEMENT)low_), high = set1((ELEMENT)high_);
#define VALUE(LOAD) smallest(high, largest(low, LOAD(x)))
    STREAM_LOOP(VALUE)
#undef VALUE
}

#define STREAM_OF_TWO(operation, VALUE)                                                                             \
    static void NAME(operation##_kernel)(int64_t count, const void *x_, const void *y_, void *z_, bool streaming) { \
        const ELEMENT *x = x_, *y = y_;                                                                             \
        ELEMENT *z = z_;                                                                                            \
        STREAM_LOOP(VALUE)                                                                                          \
    }
#define ADD(LOAD) add(LOAD(x), LOAD(y))
STREAM_OF_TWO(add, ADD)
#define SUBTRACT(LOAD) sub(LOAD(x), LOAD(y))
STREAM_OF_TWO(subtract, SUBTRACT)
#define MULTIPLY(LOAD) mul(LOAD(x), LOAD(y))
STREAM_OF_TWO(multiply, MULTIPLY)
#define DIVIDE(LOAD) div(LOAD(x), LOAD(y))
STREAM_OF_TWO(divide, DIVIDE)
#define SMALLER(LOAD) smallest(LOAD(x), LOAD(y))
STREAM_OF_TWO(smaller, SMALLER)
#define LARGER(LOAD) largest(LOAD(x), LOAD(y))
STREAM_OF_TWO(larger, LARGER)
#undef ADD
#undef SUBTRACT
#undef MULTIPLY
#undef DIVIDE
#undef SMALLER
#undef LARGER
#undef STREAM_OF_TWO

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
