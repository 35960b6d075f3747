// The kernels of a neural network for one element type on one instruction set, inside a vocabulary (simd/vocabulary.h)
// and after vector/transcendental_body.h. Plain C that every compiler vectorises without changing a bit: each product
// that is added to something is written as a multiply-add, so there is nothing left to contract.

// Exponentials are taken of several short rows at once, or of a piece of a long one: enough to fill vectors.
enum { NAME(PIECE) = 1024 };

// Subnormal numbers cost some processors a microcode assist of 150 cycles each, so what decays towards zero in
// training ends at +0 while it is still normal: ck_network.h states the bound. Differences of two numbers that are not
// below it are normal or zero.
#define TINY (IS_DOUBLE ? (ELEMENT)CK_TINY_F64 : (ELEMENT)CK_TINY_F32)
#define TINY_ROOT (IS_DOUBLE ? (ELEMENT)0x1p-480 : (ELEMENT)0x1p-50f)
#define TINY_LOG (IS_DOUBLE ? (ELEMENT) - 665 : (ELEMENT) - 69)

// NaN fails both comparisons and stays.
static inline CK_ALWAYS_INLINE ELEMENT NAME(zero_below)(ELEMENT bound, ELEMENT x) {
    return ((x < bound) & (x > -bound)) ? (ELEMENT)0 : x; // without a branch
}

static inline CK_ALWAYS_INLINE void NAME(exp_in_place)(int64_t count, ELEMENT *e) {
    for (int64_t i = 0; i < count; i++) {
        const ELEMENT x = e[i], y = NAME(exp_of)(x < TINY_LOG ? TINY_LOG : x);
        e[i] = x < TINY_LOG ? (ELEMENT)0 : y;
    }
}

// Rows that fit a piece together; at least one, of which a piece may be a part.
static inline CK_ALWAYS_INLINE int64_t NAME(rows_of_piece)(int64_t rows, int64_t columns) {
    const int64_t fit = columns > NAME(PIECE) ? 1 : columns < NAME(PIECE) / 64 ? 64 : NAME(PIECE) / columns;
    return fit < rows ? fit : rows;
}

static double NAME(nll_kernel)(int64_t rows, const void *y_, int64_t ldy, const int32_t *labels) {
    double sum = 0;
    for (int64_t row = 0; row < rows; row++) sum -= (double)((const ELEMENT *)y_)[row * ldy + labels[row]];
    return sum;
}

static void NAME(nll_backward_kernel)(int64_t rows, int64_t columns, const void *y_, int64_t ldy,
                                      const int32_t *labels, double scale_, void *dx_, int64_t lddx) {
    const ELEMENT scale = (ELEMENT)scale_;
    ELEMENT e[NAME(PIECE)];
    for (int64_t first = 0; first < rows && columns > 0;) {
        const int64_t count = NAME(rows_of_piece)(rows - first, columns);
        const ELEMENT *y = (const ELEMENT *)y_ + first * ldy;
        ELEMENT *dx = (ELEMENT *)dx_ + first * lddx;
        for (int64_t start = 0; start < columns; start += NAME(PIECE)) {
            const int64_t width = columns - start < NAME(PIECE) ? columns - start : NAME(PIECE);
            for (int64_t r = 0; r < count; r++)
                for (int64_t j = 0; j < width; j++) e[r * width + j] = y[r * ldy + start + j];
            NAME(exp_in_place)(count * width, e);
            for (int64_t r = 0; r < count; r++) {
                const int64_t label = labels[first + r] - start;
                if (label >= 0 && label < width) e[r * width + label] -= 1;
                for (int64_t j = 0; j < width; j++)
                    dx[r * lddx + start + j] = NAME(zero_below)(TINY, e[r * width + j] * scale);
            }
        }
        first += count;
    }
}

// Through a piece of its own: dx may be dy, and a loop that might write what it reads next is not vectorised.
static void NAME(rectified_backward_kernel)(int64_t count, const void *y_, const void *dy_, void *dx_) {
    const ELEMENT *y = y_, *dy = dy_;
    ELEMENT e[NAME(PIECE)], *dx = dx_;
    for (int64_t start = 0; start < count; start += NAME(PIECE)) {
        const int64_t width = count - start < NAME(PIECE) ? count - start : NAME(PIECE);
        for (int64_t i = 0; i < width; i++)
            e[i] = y[start + i] > 0 ? NAME(zero_below)(TINY, dy[start + i]) : (ELEMENT)0;
        for (int64_t i = 0; i < width; i++) dx[start + i] = e[i];
    }
}

static void NAME(argmax_kernel)(int64_t rows, int64_t columns, const void *x_, int64_t ldx, int32_t *result) {
    for (int64_t row = 0; row < rows; row++) {
        const ELEMENT *x = (const ELEMENT *)x_ + row * ldx;
        int64_t best = 0;
        for (int64_t j = 1; j < columns; j++) best = x[j] > x[best] || (x[best] != x[best] && x[j] == x[j]) ? j : best;
        result[row] = (int32_t)best;
    }
}

static void NAME(sgd_kernel)(int64_t count, double rate_, double momentum_, double decay_, const void *gradient_,
                             void *velocity_, void *parameters_) {
    const ELEMENT minus_rate = (ELEMENT)-rate_, momentum = (ELEMENT)momentum_, decay = (ELEMENT)decay_;
    const ELEMENT *restrict gradient = gradient_;
    ELEMENT *restrict velocity = velocity_, *restrict parameters = parameters_;
    if (!velocity) {
        for (int64_t i = 0; i < count; i++)
            parameters[i] = number_fma(
                minus_rate, number_fma(decay, parameters[i], NAME(zero_below)(TINY, gradient[i])), parameters[i]);
        return;
    }
    for (int64_t i = 0; i < count; i++) {
        const ELEMENT g = number_fma(decay, parameters[i], NAME(zero_below)(TINY, gradient[i]));
        const ELEMENT v = NAME(zero_below)(TINY, number_fma(momentum, velocity[i], g));
        velocity[i] = v;
        parameters[i] = number_fma(minus_rate, v, parameters[i]);
    }
}

static void NAME(adam_kernel)(int64_t count, const ck_adam *step, const void *gradient_, void *mean_, void *variance_,
                              void *parameters_) {
    const ELEMENT minus_rate = (ELEMENT)-step->rate, beta1 = (ELEMENT)step->beta1, beta2 = (ELEMENT)step->beta2;
    const ELEMENT epsilon = (ELEMENT)step->epsilon, shrink = (ELEMENT) - (step->rate * step->decay);
    const ELEMENT correction1 = (ELEMENT)step->correction1, correction2 = (ELEMENT)step->correction2;
    const ELEMENT *restrict gradient = gradient_;
    ELEMENT *restrict mean = mean_, *restrict variance = variance_, *restrict parameters = parameters_;
    for (int64_t i = 0; i < count; i++) {
        const ELEMENT g = NAME(zero_below)(TINY, gradient[i]), root = NAME(zero_below)(TINY_ROOT, g);
        const ELEMENT square = number_fma(root, root, (ELEMENT)-0.0);
        const ELEMENT m = NAME(zero_below)(TINY, number_fma(beta1, mean[i] - g, g));
        const ELEMENT v = NAME(zero_below)(TINY, number_fma(beta2, variance[i] - square, square));
        mean[i] = m;
        variance[i] = v;
        const ELEMENT direction = m * correction1 / (CK_SQRT(v * correction2) + epsilon);
        parameters[i] = number_fma(minus_rate, direction, number_fma(shrink, parameters[i], parameters[i]));
    }
}

static void NAME(dropout_kernel)(int64_t count, uint64_t seed, uint64_t first, double keep_, const void *x_,
                                 void *y_) {
    const ELEMENT *x = x_, larger = (ELEMENT)(1 / keep_);
    ELEMENT *y = y_;
    const uint64_t limit = keep_ >= 1 ? (uint64_t)1 << 32 : (uint64_t)(keep_ * 0x1p32);
    for (int64_t block = 0; block < count;) {
        // The high half of the counter is mixed into the key, so that the loop counts in 32 bits.
        const uint64_t at = first + (uint64_t)block, high = at >> 32;
        uint64_t key64 = seed + 0x9e3779b97f4a7c15u * (high + 1); // splitmix64
        key64 = (key64 ^ key64 >> 30) * 0xbf58476d1ce4e5b9u;
        key64 = (key64 ^ key64 >> 27) * 0x94d049bb133111ebu;
        const uint32_t key = (uint32_t)(key64 ^ key64 >> 31), low = (uint32_t)at, key2 = (uint32_t)(key64 >> 32);
        const int64_t room = (int64_t)(((uint64_t)1 << 32) - low), end = count - block < room ? count : block + room;
        for (int64_t i = block; i < end; i++) {
            uint32_t h =
                (low + (uint32_t)(i - block)) * 0x9e3779b1u ^ key; // the finaliser of MurmurHash3, twice keyed
            h = (h ^ h >> 16) * 0x85ebca6bu + key2;
            h = (h ^ h >> 13) * 0xc2b2ae35u;
            h ^= h >> 16;
            y[i] = h < limit ? x[i] * larger : (ELEMENT)0;
        }
        block = end;
    }
}

static void NAME(gather_kernel)(int64_t rows, int64_t columns, const uint8_t *images, const int64_t *indices,
                                const int64_t *ahead, double scale_, void *y_, int64_t ldy) {
    const ELEMENT scale = (ELEMENT)scale_;
    for (int64_t row = 0; row < rows; row++) {
        if (ahead)
            for (int64_t j = 0; j < columns; j += 64) __builtin_prefetch(images + ahead[row] * columns + j, 0, 2);
        const uint8_t *restrict image = images + indices[row] * columns;
        ELEMENT *restrict y = (ELEMENT *)y_ + row * ldy;
        for (int64_t j = 0; j < columns; j++) y[j] = (ELEMENT)image[j] * scale;
    }
}

#define ROW_(text) #text
#define ROW_TEXT(text) ROW_(text)
const ck_network_kernels NAME(ck_network) = {
    ROW_TEXT(NAME(ck_network)),
    ROW_ISA,
    sizeof(ELEMENT),
    NAME(nll_kernel),
    NAME(nll_backward_kernel),
    NAME(rectified_backward_kernel),
    NAME(argmax_kernel),
    NAME(sgd_kernel),
    NAME(adam_kernel),
    NAME(dropout_kernel),
    NAME(gather_kernel),
};
#undef ROW_TEXT
#undef ROW_
#undef TINY
#undef TINY_ROOT
#undef TINY_LOG
