/* Vectors of 16 lanes as four of NEON; see v16_avx512.h. With the dot products; see dot_vnni.h. */
#include <arm_neon.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

typedef struct { float32x4_t q[4]; } v16f;
typedef struct { int32x4_t q[4]; } v16i;

#define INLINE static inline __attribute__((always_inline))

/* Of 32 registers a token's sums take 4. */
#define TILE_TOKENS 4
#define FLOAT_GROUPS 1
#define QUANT_TOKENS 4
#define QUANT_GROUPS 1

#define F4(e0, e1, e2, e3) ((v16f){{e0, e1, e2, e3}})
#define I4(e0, e1, e2, e3) ((v16i){{e0, e1, e2, e3}})
#define EACH_F(op, x, y) \
  F4(op(x.q[0], y.q[0]), op(x.q[1], y.q[1]), op(x.q[2], y.q[2]), op(x.q[3], y.q[3]))
#define EACH_I(op, x, y) \
  I4(op(x.q[0], y.q[0]), op(x.q[1], y.q[1]), op(x.q[2], y.q[2]), op(x.q[3], y.q[3]))

INLINE v16f f_set1(float x) { float32x4_t v = vdupq_n_f32(x); return F4(v, v, v, v); }
INLINE v16f f_zero(void) { return f_set1(0); }
INLINE v16f f_load(const float *p) {
  return F4(vld1q_f32(p), vld1q_f32(p + 4), vld1q_f32(p + 8), vld1q_f32(p + 12));
}
INLINE void f_store(float *p, v16f x) {
  vst1q_f32(p, x.q[0]);
  vst1q_f32(p + 4, x.q[1]);
  vst1q_f32(p + 8, x.q[2]);
  vst1q_f32(p + 12, x.q[3]);
}
INLINE v16f f_add(v16f x, v16f y) { return EACH_F(vaddq_f32, x, y); }
INLINE v16f f_sub(v16f x, v16f y) { return EACH_F(vsubq_f32, x, y); }
INLINE v16f f_mul(v16f x, v16f y) { return EACH_F(vmulq_f32, x, y); }
INLINE v16f f_div(v16f x, v16f y) { return EACH_F(vdivq_f32, x, y); }
INLINE v16f f_fma(v16f x, v16f y, v16f z) {
  return F4(vfmaq_f32(z.q[0], x.q[0], y.q[0]), vfmaq_f32(z.q[1], x.q[1], y.q[1]),
            vfmaq_f32(z.q[2], x.q[2], y.q[2]), vfmaq_f32(z.q[3], x.q[3], y.q[3]));
}
/* Not vmaxq_f32: that gives NaN where either is one, these give the second. */
INLINE float32x4_t greater(float32x4_t x, float32x4_t y) {
  return vbslq_f32(vcgtq_f32(x, y), x, y);
}
INLINE float32x4_t less(float32x4_t x, float32x4_t y) {
  return vbslq_f32(vcltq_f32(x, y), x, y);
}
INLINE v16f f_max(v16f x, v16f y) { return EACH_F(greater, x, y); }
INLINE v16f f_min(v16f x, v16f y) { return EACH_F(less, x, y); }
INLINE v16f f_from_int(v16i x) {
  return F4(vcvtq_f32_s32(x.q[0]), vcvtq_f32_s32(x.q[1]), vcvtq_f32_s32(x.q[2]),
            vcvtq_f32_s32(x.q[3]));
}
INLINE v16i f_round(v16f x) {
  return I4(vcvtnq_s32_f32(x.q[0]), vcvtnq_s32_f32(x.q[1]), vcvtnq_s32_f32(x.q[2]),
            vcvtnq_s32_f32(x.q[3]));
}
INLINE v16f f_cast(v16i x) { v16f r; memcpy(&r, &x, sizeof r); return r; }
INLINE v16i i_cast(v16f x) { v16i r; memcpy(&r, &x, sizeof r); return r; }

INLINE float32x4_t from_half(const uint8_t *p) {
  return vcvt_f32_f16(vreinterpret_f16_u8(vld1_u8(p)));
}
INLINE v16f f_load_f16(const uint8_t *p) {
  return F4(from_half(p), from_half(p + 8), from_half(p + 16), from_half(p + 24));
}
INLINE void f_store_f16(uint8_t *p, v16f x) {
  for (int i = 0; i < 4; i++) vst1_u8(p + 8 * i, vreinterpret_u8_f16(vcvt_f16_f32(x.q[i])));
}

INLINE v16f f_first(v16f x, int n, v16f rest) {
  static const int32_t lanes[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  int32x4_t end = vdupq_n_s32(n);
  for (int i = 0; i < 4; i++) {
    x.q[i] = vbslq_f32(vcltq_s32(vld1q_s32(lanes + 4 * i), end), x.q[i], rest.q[i]);
  }
  return x;
}
INLINE float f_max_lane(v16f x) {
  return vmaxvq_f32(vmaxq_f32(vmaxq_f32(x.q[0], x.q[1]), vmaxq_f32(x.q[2], x.q[3])));
}
INLINE int f_any_above(v16f x, float limit) {
  float32x4_t l = vdupq_n_f32(limit);
  uint32x4_t above = vorrq_u32(vorrq_u32(vcgtq_f32(x.q[0], l), vcgtq_f32(x.q[1], l)),
                               vorrq_u32(vcgtq_f32(x.q[2], l), vcgtq_f32(x.q[3], l)));
  return vmaxvq_u32(above) != 0;
}

INLINE v16i i_set1(int x) { int32x4_t v = vdupq_n_s32(x); return I4(v, v, v, v); }
INLINE v16i i_zero(void) { return i_set1(0); }
INLINE v16i i_load(const uint8_t *p) {
  v16i r;
  for (int i = 0; i < 4; i++) r.q[i] = vreinterpretq_s32_u8(vld1q_u8(p + 16 * i));
  return r;
}
INLINE v16i i_add(v16i x, v16i y) { return EACH_I(vaddq_s32, x, y); }
INLINE v16i i_and(v16i x, v16i y) { return EACH_I(vandq_s32, x, y); }
INLINE v16i i_xor(v16i x, v16i y) { return EACH_I(veorq_s32, x, y); }
INLINE v16i i_max(v16i x, v16i y) { return EACH_I(vmaxq_s32, x, y); }
INLINE v16i i_shl(v16i x, const int bits) {
  for (int i = 0; i < 4; i++) x.q[i] = vshlq_s32(x.q[i], vdupq_n_s32(bits));
  return x;
}
INLINE v16i i_shr(v16i x, const int bits) {
  for (int i = 0; i < 4; i++) {
    uint32x4_t u = vreinterpretq_u32_s32(x.q[i]);
    x.q[i] = vreinterpretq_s32_u32(vshlq_u32(u, vdupq_n_s32(-bits)));
  }
  return x;
}
INLINE int i_max_lane(v16i x) {
  return vmaxvq_s32(vmaxq_s32(vmaxq_s32(x.q[0], x.q[1]), vmaxq_s32(x.q[2], x.q[3])));
}
INLINE int i_sum_lanes(v16i x) {
  return vaddvq_s32(vaddq_s32(vaddq_s32(x.q[0], x.q[1]), vaddq_s32(x.q[2], x.q[3])));
}
INLINE v16i i_load_bytes(const uint8_t *p) {
  int8x16_t bytes = vreinterpretq_s8_u8(vld1q_u8(p));
  int16x8_t low = vmovl_s8(vget_low_s8(bytes)), high = vmovl_s8(vget_high_s8(bytes));
  return I4(vmovl_s16(vget_low_s16(low)), vmovl_s16(vget_high_s16(low)),
            vmovl_s16(vget_low_s16(high)), vmovl_s16(vget_high_s16(high)));
}
INLINE void i_store_bytes(int8_t *p, v16i x) {
  int16x8_t low = vcombine_s16(vmovn_s32(x.q[0]), vmovn_s32(x.q[1]));
  int16x8_t high = vcombine_s16(vmovn_s32(x.q[2]), vmovn_s32(x.q[3]));
  vst1q_s8(p, vcombine_s8(vmovn_s16(low), vmovn_s16(high)));
}
INLINE v16i i_broadcast4(const int8_t *x) {
  int32_t four;
  memcpy(&four, x, sizeof four);
  return i_set1(four);
}

INLINE int32x4_t dot4(int32x4_t acc, int32x4_t w, int32x4_t x) {
  return vdotq_s32(acc, vreinterpretq_s8_s32(w), vreinterpretq_s8_s32(x));
}

/* 0..15 is the same with and without sign. */
INLINE v16i q4_start(int x_sum) { return i_set1(-8 * x_sum); }
INLINE v16i dot4_q4(v16i acc, v16i u, v16i x) {
  for (int i = 0; i < 4; i++) acc.q[i] = dot4(acc.q[i], u.q[i], x.q[i]);
  return acc;
}
INLINE v16i q4_finish(v16i acc, int x_sum) { (void)x_sum; return acc; }

/* Stored bytes become signed, so there is no bias to take off. */
INLINE v16i q8_start(int x_sum) { (void)x_sum; return i_zero(); }
INLINE v16i dot4_q8(v16i acc, v16i u, v16i x) {
  return dot4_q4(acc, i_xor(u, i_set1((int)0x80808080)), x);
}
