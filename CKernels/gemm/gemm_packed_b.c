// op(B) packed beforehand, for products that use it more than once.
#include "gemm_plan.h"

int64_t ck_gemm_packed_b_size(const ck_gemm_kernels *kernels, int64_t n, int64_t k) {
    const int64_t lanes = kernels->description.lanes, element = kernels->description.byte_count;
    int64_t size;
    if (n < 0 || k < 0 || __builtin_add_overflow(n, lanes - 1, &size)) return -1;
    size = size / lanes * lanes;
    if (__builtin_mul_overflow(size, k, &size) || __builtin_mul_overflow(size, element, &size)) return -1;
    return size;
}

void ck_gemm_pack_b(const ck_gemm_kernels *kernels, bool transpose_b, int64_t n, int64_t k, const void *b, int64_t ldb,
                    void *packed) {
    const int64_t element = kernels->description.byte_count, lanes = kernels->description.lanes;
    const int64_t vectors = ceil_div(n, lanes), chunk = ck_gemm_chunk((int32_t)element, k);
    const int64_t step = transpose_b ? element : ldb * element, column = transpose_b ? ldb * element : element;
    for (int64_t start = 0; start < k; start += chunk) {
        const int64_t steps = smaller(chunk, k - start);
        for (int64_t v = 0, panel; v < vectors; v += panel) {
            panel = panel_vectors(vectors - v, CK_PANEL_VECTORS);
            const char *from = (const char *)b + start * step + v * lanes * column;
            char *to = (char *)packed + (start * vectors + steps * v) * lanes * element;
            (transpose_b ? kernels->pack_b_transposed : kernels->pack_b)(to, from, ldb * element,
                                                                         smaller(panel * lanes, n - v * lanes), steps);
        }
    }
}
