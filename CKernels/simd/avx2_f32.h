// The vocabulary of single precision on avx2; see vocabulary.h.
#define ELEMENT float
#define VECTOR __m256
#define LANES 8
#define MASK __m256i
#define mask_first(n) mask_f32(n)
#define broadcast(p) _mm256_broadcast_ss(p)
#define load(p) _mm256_loadu_ps(p)
#define store(p, v) _mm256_storeu_ps(p, v)
#define load_masked(p, m) _mm256_maskload_ps(p, m)
#define store_masked(p, m, v) _mm256_maskstore_ps(p, m, v)
#define stream(p, v) _mm256_stream_ps(p, v)
#define set1(x) _mm256_set1_ps(x)
#define mul(a, b) _mm256_mul_ps(a, b)
#define add(a, b) _mm256_add_ps(a, b)
#define sub(a, b) _mm256_sub_ps(a, b)
#define div(a, b) _mm256_div_ps(a, b)
#define square_root(a) _mm256_sqrt_ps(a)
#define absolute(a) _mm256_andnot_ps(_mm256_set1_ps(-0.0), a)
#define fma(a, b, c) _mm256_fmadd_ps(a, b, c)
#define largest(a, b) _mm256_max_ps(a, b)
#define smallest(a, b) _mm256_min_ps(a, b)
#define blend(m, a, b) _mm256_blendv_ps(b, a, _mm256_castsi256_ps(m))
#define relu(v) _mm256_max_ps(_mm256_setzero_ps(), v)
#define where_positive(x, v) _mm256_and_ps(_mm256_cmp_ps(x, _mm256_setzero_ps(), _CMP_GT_OQ), v)
#define transpose(r) transpose_f32(r)
#define load_transposed(r, p, ld) load_transposed_f32(r, p, ld)
#define NAME(x) x##_f32_avx2
