// The vocabulary of single precision on neon; see vocabulary.h.
#define ELEMENT float
#define VECTOR float32x4_t
#define LANES 4
#define MASK int
#define mask_first(n) lanes_of(n, 4)
#define broadcast(p) vld1q_dup_f32(p)
#define load(p) vld1q_f32(p)
#define store(p, v) vst1q_f32(p, v)
#define load_masked(p, m) load_lanes_f32(p, m)
#define store_masked(p, m, v) store_lanes_f32(p, m, v)
#define stream(p, v) store(p, v)
#define set1(x) vdupq_n_f32(x)
#define mul(a, b) vmulq_f32(a, b)
#define add(a, b) vaddq_f32(a, b)
#define sub(a, b) vsubq_f32(a, b)
#define div(a, b) vdivq_f32(a, b)
#define square_root(a) vsqrtq_f32(a)
#define absolute(a) vabsq_f32(a)
#define fma(a, b, c) vfmaq_f32(c, a, b)
#define largest(a, b) vbslq_f32(vcgtq_f32(a, b), a, b)
#define smallest(a, b) vbslq_f32(vcltq_f32(a, b), a, b)
#define blend(m, a, b) blend_lanes_f32(m, a, b)
#define relu(v) relu_f32(v)
#define where_positive(x, v) vreinterpretq_f32_u32(vandq_u32(vcgtzq_f32(x), vreinterpretq_u32_f32(v)))
#define transpose(r) transpose_f32(r)
#define load_transposed(r, p, ld) load_transposed_f32(r, p, ld)
#define NAME(x) x##_f32_neon
