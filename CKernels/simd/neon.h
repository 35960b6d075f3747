// arm64 Advanced SIMD: 32 registers of 4 floats or 2 doubles. What the vocabularies neon_f32.h and
// neon_f64.h are made of. Include it once in a file, inside the region of its target.
#include "compiler.h"

// There are no masked loads: a mask is a number of lanes.
static inline CK_ALWAYS_INLINE float32x4_t load_lanes_f32(const float *p, int lanes) {
    float32x4_t v = vdupq_n_f32(0);
    if (lanes > 0) v = vld1q_lane_f32(p, v, 0);
    if (lanes > 1) v = vld1q_lane_f32(p + 1, v, 1);
    if (lanes > 2) v = vld1q_lane_f32(p + 2, v, 2);
    if (lanes > 3) v = vld1q_lane_f32(p + 3, v, 3);
    return v;
}

static inline CK_ALWAYS_INLINE void store_lanes_f32(float *p, int lanes, float32x4_t v) {
    if (lanes > 0) vst1q_lane_f32(p, v, 0);
    if (lanes > 1) vst1q_lane_f32(p + 1, v, 1);
    if (lanes > 2) vst1q_lane_f32(p + 2, v, 2);
    if (lanes > 3) vst1q_lane_f32(p + 3, v, 3);
}

static inline CK_ALWAYS_INLINE float64x2_t load_lanes_f64(const double *p, int lanes) {
    float64x2_t v = vdupq_n_f64(0);
    if (lanes > 0) v = vld1q_lane_f64(p, v, 0);
    if (lanes > 1) v = vld1q_lane_f64(p + 1, v, 1);
    return v;
}

static inline CK_ALWAYS_INLINE void store_lanes_f64(double *p, int lanes, float64x2_t v) {
    if (lanes > 0) vst1q_lane_f64(p, v, 0);
    if (lanes > 1) vst1q_lane_f64(p + 1, v, 1);
}

static inline CK_ALWAYS_INLINE float32x4_t blend_lanes_f32(int lanes, float32x4_t a, float32x4_t b) {
    static const int32_t order[4] = {0, 1, 2, 3};
    return vbslq_f32(vcltq_s32(vld1q_s32(order), vdupq_n_s32(lanes)), a, b);
}

static inline CK_ALWAYS_INLINE float64x2_t blend_lanes_f64(int lanes, float64x2_t a, float64x2_t b) {
    static const int64_t order[2] = {0, 1};
    return vbslq_f64(vcltq_s64(vld1q_s64(order), vdupq_n_s64(lanes)), a, b);
}

// vmaxq would turn -0 into +0.
static inline CK_ALWAYS_INLINE float32x4_t relu_f32(float32x4_t v) {
    return vreinterpretq_f32_u32(vbicq_u32(vreinterpretq_u32_f32(v), vcltzq_f32(v)));
}

static inline CK_ALWAYS_INLINE float64x2_t relu_f64(float64x2_t v) {
    return vreinterpretq_f64_u64(vbicq_u64(vreinterpretq_u64_f64(v), vcltzq_f64(v)));
}

static inline CK_ALWAYS_INLINE void transpose_f32(float32x4_t r[4]) {
    const float64x2_t t0 = vreinterpretq_f64_f32(vtrn1q_f32(r[0], r[1])),
                      t1 = vreinterpretq_f64_f32(vtrn2q_f32(r[0], r[1]));
    const float64x2_t t2 = vreinterpretq_f64_f32(vtrn1q_f32(r[2], r[3])),
                      t3 = vreinterpretq_f64_f32(vtrn2q_f32(r[2], r[3]));
    r[0] = vreinterpretq_f32_f64(vtrn1q_f64(t0, t2));
    r[1] = vreinterpretq_f32_f64(vtrn1q_f64(t1, t3));
    r[2] = vreinterpretq_f32_f64(vtrn2q_f64(t0, t2));
    r[3] = vreinterpretq_f32_f64(vtrn2q_f64(t1, t3));
}

static inline CK_ALWAYS_INLINE void transpose_f64(float64x2_t r[2]) {
    const float64x2_t t = vtrn1q_f64(r[0], r[1]);
    r[1] = vtrn2q_f64(r[0], r[1]);
    r[0] = t;
}

static inline CK_ALWAYS_INLINE void load_transposed_f32(float32x4_t r[4], const char *p, int64_t ld) {
    CK_UNROLL
    for (int i = 0; i < 4; i++) r[i] = vld1q_f32((const float *)(p + i * ld));
    transpose_f32(r);
}

static inline CK_ALWAYS_INLINE void load_transposed_f64(float64x2_t r[2], const char *p, int64_t ld) {
    CK_UNROLL
    for (int i = 0; i < 2; i++) r[i] = vld1q_f64((const double *)(p + i * ld));
    transpose_f64(r);
}

static inline CK_ALWAYS_INLINE int lanes_of(int64_t n, int lanes) { return n < 0 ? 0 : n > lanes ? lanes : (int)n; }
