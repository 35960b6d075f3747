// The vocabulary of double precision on neon; see vocabulary.h.
#define ELEMENT double
#define VECTOR float64x2_t
#define LANES 2
#define MASK int
#define mask_first(n) lanes_of(n, 2)
#define broadcast(p) vld1q_dup_f64(p)
#define load(p) vld1q_f64(p)
#define store(p, v) vst1q_f64(p, v)
#define load_masked(p, m) load_lanes_f64(p, m)
#define store_masked(p, m, v) store_lanes_f64(p, m, v)
#define stream(p, v) store(p, v)
#define set1(x) vdupq_n_f64(x)
#define mul(a, b) vmulq_f64(a, b)
#define add(a, b) vaddq_f64(a, b)
#define sub(a, b) vsubq_f64(a, b)
#define div(a, b) vdivq_f64(a, b)
#define square_root(a) vsqrtq_f64(a)
#define absolute(a) vabsq_f64(a)
#define fma(a, b, c) vfmaq_f64(c, a, b)
#define largest(a, b) vbslq_f64(vcgtq_f64(a, b), a, b)
#define smallest(a, b) vbslq_f64(vcltq_f64(a, b), a, b)
#define blend(m, a, b) blend_lanes_f64(m, a, b)
#define relu(v) relu_f64(v)
#define where_positive(x, v) vreinterpretq_f64_u64(vandq_u64(vcgtzq_f64(x), vreinterpretq_u64_f64(v)))
#define transpose(r) transpose_f64(r)
#define load_transposed(r, p, ld) load_transposed_f64(r, p, ld)
#define NAME(x) x##_f64_neon
