// The vocabulary of double precision on avx2; see vocabulary.h.
#define ELEMENT double
#define VECTOR __m256d
#define LANES 4
#define MASK __m256i
#define mask_first(n) mask_f64(n)
#define broadcast(p) _mm256_broadcast_sd(p)
#define load(p) _mm256_loadu_pd(p)
#define store(p, v) _mm256_storeu_pd(p, v)
#define load_masked(p, m) _mm256_maskload_pd(p, m)
#define store_masked(p, m, v) _mm256_maskstore_pd(p, m, v)
#define stream(p, v) _mm256_stream_pd(p, v)
#define set1(x) _mm256_set1_pd(x)
#define mul(a, b) _mm256_mul_pd(a, b)
#define add(a, b) _mm256_add_pd(a, b)
#define sub(a, b) _mm256_sub_pd(a, b)
#define div(a, b) _mm256_div_pd(a, b)
#define square_root(a) _mm256_sqrt_pd(a)
#define absolute(a) _mm256_andnot_pd(_mm256_set1_pd(-0.0), a)
#define fma(a, b, c) _mm256_fmadd_pd(a, b, c)
#define largest(a, b) _mm256_max_pd(a, b)
#define smallest(a, b) _mm256_min_pd(a, b)
#define blend(m, a, b) _mm256_blendv_pd(b, a, _mm256_castsi256_pd(m))
#define relu(v) _mm256_max_pd(_mm256_setzero_pd(), v)
#define where_positive(x, v) _mm256_and_pd(_mm256_cmp_pd(x, _mm256_setzero_pd(), _CMP_GT_OQ), v)
#define transpose(r) transpose_f64(r)
#define load_transposed(r, p, ld) load_transposed_f64(r, p, ld)
#define NAME(x) x##_f64_avx2
