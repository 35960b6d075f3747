// Bias and ReLU as separate passes over a row-major matrix, vectorised by the compiler for the best instruction set at
// hand.
#ifndef PEER_PASSES_H
#define PEER_PASSES_H
#include <stdint.h>

// c[i][j] += bias[j]
void peer_add_bias(int64_t rows, int64_t columns, float *c, const float *bias);
// c[i] = max(c[i], 0)
void peer_relu(int64_t count, float *c);

#endif
