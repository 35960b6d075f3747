#include "peer_passes.h"

#if defined(__x86_64__)
#define CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define CLONES
#endif

CLONES void peer_add_bias(int64_t rows, int64_t columns, float *c, const float *bias) {
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++) c[i * columns + j] += bias[j];
}

CLONES void peer_relu(int64_t count, float *c) {
    for (int64_t i = 0; i < count; i++) c[i] = c[i] < 0 ? 0 : c[i];
}
