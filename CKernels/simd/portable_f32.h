// The vocabulary of single precision on portable; see vocabulary.h.
#define ELEMENT float
#define VECTOR float
#define LANES 1
#define MASK bool
#define mask_first(n) ((n) > 0)
#define broadcast(p) (*(p))
#define load(p) (*(p))
#define store(p, v) ((void)(*(p) = (v)))
#define load_masked(p, m) ((m) ? *(p) : 0)
#define store_masked(p, m, v) ((m) ? (void)(*(p) = (v)) : (void)0)
#define stream(p, v) store(p, v)
#define set1(x) ((float)(x))
#define mul(a, b) ((a) * (b))
#define add(a, b) ((a) + (b))
#define sub(a, b) ((a) - (b))
#define div(a, b) ((a) / (b))
#define square_root(a) CK_SQRT(a)
#define absolute(a) __builtin_fabsf(a)
#define fma(a, b, c) fma_f32(a, b, c)
#define largest(a, b) ((a) > (b) ? (a) : (b))
#define smallest(a, b) ((a) < (b) ? (a) : (b))
#define blend(m, a, b) ((m) ? (a) : (b))
#define relu(v) ((v) < 0 ? 0 : (v))
#define where_positive(x, v) ((x) > 0 ? (v) : 0)
#define transpose(r) ((void)(r))
#define load_transposed(r, p, ld) ((void)(ld), (void)((r)[0] = *(const ELEMENT *)(p)))
#define NAME(x) x##_f32_portable
