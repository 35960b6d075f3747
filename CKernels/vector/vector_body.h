// The elementwise kernels of one element type on one instruction set, inside a vocabulary (simd/vocabulary.h).

static void NAME(relu_kernel)(int64_t count, const ELEMENT *x, ELEMENT *y) {
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES) store(y + i, relu(load(x + i)));
    const MASK rest = mask_first(count - i);
    if (i < count) store_masked(y + i, rest, relu(load_masked(x + i, rest)));
}

static void NAME(relu_backward_kernel)(int64_t count, const ELEMENT *x, const ELEMENT *dy, ELEMENT *dx) {
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES) store(dx + i, where_positive(load(x + i), load(dy + i)));
    const MASK rest = mask_first(count - i);
    if (i < count) store_masked(dx + i, rest, where_positive(load_masked(x + i, rest), load_masked(dy + i, rest)));
}
