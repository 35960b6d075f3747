// The vocabulary of single precision on avx512; see vocabulary.h.
#define ELEMENT float
#define VECTOR __m512
#define LANES 16
#define MASK __mmask16
#define mask_first(n) mask_f32(n)
#define broadcast(p) _mm512_set1_ps(*(p))
#define load(p) _mm512_loadu_ps(p)
#define store(p, v) _mm512_storeu_ps(p, v)
#define load_masked(p, m) _mm512_maskz_loadu_ps(m, p)
#define store_masked(p, m, v) _mm512_mask_storeu_ps(p, m, v)
#define stream(p, v) _mm512_stream_ps(p, v)
#define set1(x) _mm512_set1_ps(x)
#define mul(a, b) _mm512_mul_ps(a, b)
#define add(a, b) _mm512_add_ps(a, b)
#define sub(a, b) _mm512_sub_ps(a, b)
#define div(a, b) _mm512_div_ps(a, b)
#define square_root(a) _mm512_sqrt_ps(a)
#define absolute(a) _mm512_abs_ps(a)
#define fma(a, b, c) _mm512_fmadd_ps(a, b, c)
#define largest(a, b) _mm512_max_ps(a, b)
#define smallest(a, b) _mm512_min_ps(a, b)
#define blend(m, a, b) _mm512_mask_mov_ps(b, m, a)
#define relu(v) _mm512_max_ps(_mm512_setzero_ps(), v)
#define where_positive(x, v) _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(x, _mm512_setzero_ps(), _CMP_GT_OQ), v)
#define transpose(r) transpose_f32(r)
#define load_transposed(r, p, ld) load_transposed_f32(r, p, ld)
#define NAME(x) x##_f32_avx512
