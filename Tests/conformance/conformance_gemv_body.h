// Matrix times vector: the bits of a product, for every increment.

// Matrix-vector products, with strides of either sign, have the bits of the product with one column.
static void NAME(test_gemv)(void) {
    uint64_t digest = 0;
    int32_t rows;
    const ck_gemm_kernels *const *catalogue = CATALOGUE(&rows);
    for (int round = 0; round < 200; round++) {
        const int64_t m = 1 + random_below(700);
        const int64_t n = 1 + random_below(90);
        const int64_t lda = n + random_below(3);
        const bool transpose = round & 1;
        const int64_t x_count = transpose ? m : n, y_count = transpose ? n : m;
        const int64_t incx = 1 + random_below(3);
        const int64_t incy = 1 + random_below(3);
        guarded a = guarded_allocate((size_t)((m - 1) * lda + n) * sizeof(ELEMENT), true);
        guarded x = guarded_allocate((size_t)((x_count - 1) * incx + 1) * sizeof(ELEMENT), true);
        guarded y = guarded_allocate((size_t)((y_count - 1) * incy + 1) * sizeof(ELEMENT), true);
        ELEMENT *y0 = malloc((size_t)((y_count - 1) * incy + 1) * sizeof(ELEMENT));
        NAME(fill)((ELEMENT *)a.bytes, (m - 1) * lda + n, 0, 0);
        NAME(fill)((ELEMENT *)x.bytes, (x_count - 1) * incx + 1, 0, 0);
        NAME(fill)(y0, (y_count - 1) * incy + 1, 0, 0);
        ELEMENT *xs = (ELEMENT *)x.bytes, *ys = (ELEMENT *)y.bytes;
        const int64_t y_bytes = ((y_count - 1) * incy + 1) * (int64_t)sizeof(ELEMENT);
        const bool back = round & 2;
        ck_gemv_problem v = {.m = m,
                             .n = n,
                             .a = a.bytes,
                             .lda = lda,
                             .x = back ? xs + (x_count - 1) * incx : xs,
                             .incx = back ? -incx : incx,
                             .y = back ? ys + (y_count - 1) * incy : ys,
                             .incy = back ? -incy : incy,
                             .alpha = SCALAR((ELEMENT)1.5),
                             .beta = SCALAR((ELEMENT)(round % 3)),
                             .transpose = transpose};
        ck_gemm_problem p = {.m = y_count,
                             .n = 1,
                             .k = x_count,
                             .a = a.bytes,
                             .lda = lda,
                             .transpose_a = transpose,
                             .b = xs,
                             .ldb = incx};
        ELEMENT *reversed = malloc((size_t)x_count * sizeof(ELEMENT));
        for (int64_t i = 0; i < x_count; i++) reversed[i] = xs[(back ? x_count - 1 - i : i) * incx];
        p.b = reversed, p.ldb = 1;
        for (int32_t row = 0; row < rows; row++) {
            if (!ck_isa_available(ck_gemm_describe(catalogue[row]).isa)) continue;
            memcpy(ys, y0, (size_t)y_bytes);
            ck_gemv(catalogue[row], &v);
            int64_t bad = 0;
            for (int64_t i = 0; i < y_count; i++) {
                const int64_t at = (back ? y_count - 1 - i : i) * incy;
                bad += !NAME(same)(ys[at], NAME(promised)(&p, (ELEMENT)1.5, (ELEMENT)(round % 3), y0[at], i, 0));
                if (ck_gemm_describe(catalogue[row]).isa == CK_ISA_PORTABLE)
                    digest_add(&digest, &ys[at], sizeof(ELEMENT));
                for (int64_t gap = 1; gap < incy && at + gap < (y_count - 1) * incy; gap++)
                    bad += !NAME(same)(ys[at + gap], y0[at + gap]);
            }
            check(bad == 0, "gemv %s: m %ld n %ld transpose %d incx %ld incy %ld",
                  ck_gemm_describe(catalogue[row]).name, (long)m, (long)n, transpose, (long)v.incx, (long)v.incy);
        }
        free(y0), free(reversed);
        guarded_free(a), guarded_free(x), guarded_free(y);
    }
    printf("digest gemv " NAME_TEXT " %016llx\n", (unsigned long long)digest);
}
