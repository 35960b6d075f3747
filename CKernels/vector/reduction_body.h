// Reductions of one element type on one instruction set, inside a vocabulary (simd/vocabulary.h). A chunk is reduced
// in columns of 256 bytes, whatever the width of a vector is, and the columns in a tree: the right half onto the left
// one, again and again.
#define WIDTH ((int)(256 / sizeof(ELEMENT)))
#define VECTORS (WIDTH / LANES)

#define LOAD_WHOLE(p) load((p) + at)
#define LOAD_REST(p) load_masked((p) + at, rest)

// acc = STEP(acc, LOAD) for every vector from START; lanes past the end leave acc as it is. A chunk is joined with
// START afterwards, once or many times alike, so few elements need few vectors.
#define REDUCE_CHUNK(START, STEP, JOIN)                                                      \
    const VECTOR start = set1(START);                                                        \
    VECTOR acc[VECTORS];                                                                     \
    if (count <= 2 * LANES) {                                                                \
        CK_UNROLL                                                                            \
        for (int v = 0; v < 2; v++) {                                                        \
            const int64_t at = v * LANES;                                                    \
            const MASK rest = mask_first(count - at);                                        \
            acc[v] = start;                                                                  \
            if (at < count) acc[v] = blend(rest, STEP(start, LOAD_REST), start);             \
        }                                                                                    \
        acc[0] = JOIN(acc[0], acc[1]);                                                       \
    } else {                                                                                 \
        CK_UNROLL                                                                            \
        for (int v = 0; v < VECTORS; v++) acc[v] = start;                                    \
        int64_t i = 0;                                                                       \
        for (; i + WIDTH <= count; i += WIDTH) {                                             \
            CK_UNROLL                                                                        \
            for (int v = 0; v < VECTORS; v++) {                                              \
                const int64_t at = i + v * LANES;                                            \
                acc[v] = STEP(acc[v], LOAD_WHOLE);                                           \
            }                                                                                \
        }                                                                                    \
        if (i < count) {                                                                     \
            CK_UNROLL                                                                        \
            for (int v = 0; v < VECTORS; v++) {                                              \
                const int64_t at = i + v * LANES;                                            \
                const MASK rest = mask_first(count - at);                                    \
                if (at < count) acc[v] = blend(rest, STEP(acc[v], LOAD_REST), acc[v]);       \
            }                                                                                \
        }                                                                                    \
        CK_UNROLL                                                                            \
        for (int half = VECTORS / 2; half > 0; half /= 2) {                                  \
            CK_UNROLL                                                                        \
            for (int v = 0; v < half; v++) acc[v] = JOIN(acc[v], acc[v + half]);             \
        }                                                                                    \
    }                                                                                        \
    ELEMENT lanes[LANES];                                                                    \
    store(lanes, acc[0]);                                                                    \
    CK_UNROLL                                                                                \
    for (int half = LANES / 2; half > 0; half /= 2) {                                        \
        CK_UNROLL                                                                            \
        for (int v = 0; v < half; v++) lanes[v] = JOIN##_NUMBERS(lanes[v], lanes[v + half]); \
    }                                                                                        \
    return lanes[0];

#define ADD(a, b) add(a, b)
#define ADD_NUMBERS(a, b) ((a) + (b))
#define LARGER(a, b) largest(b, a)
#define LARGER_NUMBERS(a, b) ((b) > (a) ? (b) : (a))
#define SMALLER(a, b) smallest(b, a)
#define SMALLER_NUMBERS(a, b) ((b) < (a) ? (b) : (a))

static inline ELEMENT NAME(sum_chunk)(int64_t count, const ELEMENT *x) {
#define STEP(a, LOAD) add(a, LOAD(x))
    REDUCE_CHUNK(0, STEP, ADD)
#undef STEP
}

static inline ELEMENT NAME(absolute_sum_chunk)(int64_t count, const ELEMENT *x) {
#define STEP(a, LOAD) add(a, absolute(LOAD(x)))
    REDUCE_CHUNK(0, STEP, ADD)
#undef STEP
}

static inline ELEMENT NAME(dot_chunk)(int64_t count, const ELEMENT *x, const ELEMENT *y) {
#define STEP(a, LOAD) fma(LOAD(x), LOAD(y), a)
    REDUCE_CHUNK(0, STEP, ADD)
#undef STEP
}

// The sum of squares of what is left when `center` is subtracted.
static inline ELEMENT NAME(deviation_chunk)(int64_t count, const ELEMENT *x, ELEMENT center) {
    const VECTOR middle = set1(center);
#define STEP(a, LOAD) fma(sub(LOAD(x), middle), sub(LOAD(x), middle), a)
    REDUCE_CHUNK(0, STEP, ADD)
#undef STEP
}

static inline ELEMENT NAME(maximum_chunk)(int64_t count, const ELEMENT *x) {
#define STEP(a, LOAD) largest(LOAD(x), a)
    REDUCE_CHUNK((ELEMENT)-__builtin_inf(), STEP, LARGER)
#undef STEP
}

static inline ELEMENT NAME(minimum_chunk)(int64_t count, const ELEMENT *x) {
#define STEP(a, LOAD) smallest(LOAD(x), a)
    REDUCE_CHUNK((ELEMENT)__builtin_inf(), STEP, SMALLER)
#undef STEP
}

// Chunks one after the other, their results joined in ascending order.
#define REDUCE(START, JOIN, CHUNK, ...)                                                  \
    ELEMENT total = START;                                                               \
    for (int64_t i = 0; i < count; i += CK_VECTOR_CHUNK) {                               \
        const int64_t width = count - i < CK_VECTOR_CHUNK ? count - i : CK_VECTOR_CHUNK; \
        const ELEMENT chunk = NAME(CHUNK)(width, __VA_ARGS__);                           \
        total = JOIN##_NUMBERS(total, chunk);                                            \
    }                                                                                    \
    return total;

static inline ELEMENT NAME(sum_of)(int64_t count, const ELEMENT *x) { REDUCE(0, ADD, sum_chunk, x + i) }
static inline ELEMENT NAME(absolute_sum_of)(int64_t count, const ELEMENT *x) {
    REDUCE(0, ADD, absolute_sum_chunk, x + i)
}
static inline ELEMENT NAME(dot_of)(int64_t count, const ELEMENT *x, const ELEMENT *y) {
    REDUCE(0, ADD, dot_chunk, x + i, y + i)
}
static inline ELEMENT NAME(deviation_of)(int64_t count, const ELEMENT *x, ELEMENT center) {
    REDUCE(0, ADD, deviation_chunk, x + i, center)
}
static inline ELEMENT NAME(maximum_of)(int64_t count, const ELEMENT *x) {
    REDUCE((ELEMENT)-__builtin_inf(), LARGER, maximum_chunk, x + i)
}
static inline ELEMENT NAME(minimum_of)(int64_t count, const ELEMENT *x) {
    REDUCE((ELEMENT)__builtin_inf(), SMALLER, minimum_chunk, x + i)
}

#undef REDUCE
#undef REDUCE_CHUNK
#undef LOAD_WHOLE
#undef LOAD_REST
#undef ADD
#undef ADD_NUMBERS
#undef LARGER
#undef LARGER_NUMBERS
#undef SMALLER
#undef SMALLER_NUMBERS
#undef VECTORS
#undef WIDTH
