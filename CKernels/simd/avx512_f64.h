// The vocabulary of double precision on avx512; see vocabulary.h.
#define ELEMENT double
#define VECTOR __m512d
#define LANES 8
#define MASK __mmask8
#define mask_first(n) mask_f64(n)
#define broadcast(p) _mm512_set1_pd(*(p))
#define load(p) _mm512_loadu_pd(p)
#define store(p, v) _mm512_storeu_pd(p, v)
#define load_masked(p, m) _mm512_maskz_loadu_pd(m, p)
#define store_masked(p, m, v) _mm512_mask_storeu_pd(p, m, v)
#define stream(p, v) _mm512_stream_pd(p, v)
#define set1(x) _mm512_set1_pd(x)
#define mul(a, b) _mm512_mul_pd(a, b)
#define add(a, b) _mm512_add_pd(a, b)
#define sub(a, b) _mm512_sub_pd(a, b)
#define div(a, b) _mm512_div_pd(a, b)
#define square_root(a) _mm512_sqrt_pd(a)
#define absolute(a) _mm512_abs_pd(a)
#define fma(a, b, c) _mm512_fmadd_pd(a, b, c)
#define largest(a, b) _mm512_max_pd(a, b)
#define smallest(a, b) _mm512_min_pd(a, b)
#define blend(m, a, b) _mm512_mask_mov_pd(b, m, a)
#define relu(v) _mm512_max_pd(_mm512_setzero_pd(), v)
#define where_positive(x, v) _mm512_maskz_mov_pd(_mm512_cmp_pd_mask(x, _mm512_setzero_pd(), _CMP_GT_OQ), v)
#define transpose(r) transpose_f64(r)
#define load_transposed(r, p, ld) load_transposed_f64(r, p, ld)
#define NAME(x) x##_f64_avx512
