/* Vectors of 16 lanes in plain C; see v16_avx512.h. Slow, and right on every processor. */
#include <math.h>
#include <stdint.h>
#include <string.h>

typedef struct { float lane[16]; } v16f;
typedef struct { int32_t lane[16]; } v16i;

/* The kernels themselves are inlined for their constant tile sizes; inlining loops over lanes into
 * them would take the compiler minutes. */
#define INLINE static inline __attribute__((always_inline))
#define CALLED static __attribute__((noinline, unused))
#define TILE_TOKENS 4
#define FLOAT_GROUPS 1
#define QUANT_TOKENS 4
#define QUANT_GROUPS 1
#define EACH_LANE for (int i = 0; i < 16; i++)

CALLED v16f f_set1(float x) { v16f r; EACH_LANE r.lane[i] = x; return r; }
INLINE v16f f_zero(void) { return f_set1(0); }
INLINE v16f f_load(const float *p) { v16f r; memcpy(&r, p, sizeof r); return r; }
INLINE void f_store(float *p, v16f x) { memcpy(p, &x, sizeof x); }
CALLED v16f f_add(v16f a, v16f b) { EACH_LANE a.lane[i] += b.lane[i]; return a; }
CALLED v16f f_sub(v16f a, v16f b) { EACH_LANE a.lane[i] -= b.lane[i]; return a; }
CALLED v16f f_mul(v16f a, v16f b) { EACH_LANE a.lane[i] *= b.lane[i]; return a; }
CALLED v16f f_div(v16f a, v16f b) { EACH_LANE a.lane[i] /= b.lane[i]; return a; }
CALLED v16f f_fma(v16f a, v16f b, v16f c) {
  EACH_LANE a.lane[i] = fmaf(a.lane[i], b.lane[i], c.lane[i]);
  return a;
}
CALLED v16f f_max(v16f a, v16f b) {
  EACH_LANE a.lane[i] = a.lane[i] > b.lane[i] ? a.lane[i] : b.lane[i];
  return a;
}
CALLED v16f f_min(v16f a, v16f b) {
  EACH_LANE a.lane[i] = a.lane[i] < b.lane[i] ? a.lane[i] : b.lane[i];
  return a;
}
CALLED v16f f_from_int(v16i x) { v16f r; EACH_LANE r.lane[i] = (float)x.lane[i]; return r; }
CALLED v16i f_round(v16f x) { v16i r; EACH_LANE r.lane[i] = (int32_t)rintf(x.lane[i]); return r; }
INLINE v16f f_cast(v16i x) { v16f r; memcpy(&r, &x, sizeof r); return r; }
INLINE v16i i_cast(v16f x) { v16i r; memcpy(&r, &x, sizeof r); return r; }

INLINE float half_to_float(uint16_t half) {
  uint32_t sign = (uint32_t)(half & 0x8000) << 16, bits = half & 0x7fff;
  float f;
  if (bits >= 0x7c00) {
    bits = bits << 13 | 0x7f800000;
  } else if (bits >= 0x0400) {
    bits = (bits << 13) + (112u << 23);
  } else {
    f = (float)bits * 0x1p-24f;
    memcpy(&bits, &f, sizeof bits);
  }
  bits |= sign;
  memcpy(&f, &bits, sizeof f);
  return f;
}

CALLED v16f f_load_f16(const uint8_t *p) {
  v16f r;
  uint16_t half[16];
  memcpy(half, p, sizeof half);
  EACH_LANE r.lane[i] = half_to_float(half[i]);
  return r;
}

INLINE uint16_t float_to_half(float f) {
  uint32_t bits, sign;
  memcpy(&bits, &f, sizeof bits);
  sign = bits >> 16 & 0x8000;
  bits &= 0x7fffffff;
  if (bits > 0x7f800000) return (uint16_t)(sign | 0x7e00);
  if (bits >= 0x477ff000) return (uint16_t)(sign | 0x7c00); /* 65520 and above */
  if (bits < 0x38800000) {
    /* Denormal: adding 0.5 leaves the rounded half in the lowest bits. */
    memcpy(&f, &bits, sizeof f);
    f += 0.5f;
    memcpy(&bits, &f, sizeof bits);
    return (uint16_t)(sign | (bits - 0x3f000000));
  }
  bits += 0xfff + (bits >> 13 & 1);
  return (uint16_t)(sign | ((bits - (112u << 23)) >> 13));
}

CALLED void f_store_f16(uint8_t *p, v16f x) {
  uint16_t half[16];
  EACH_LANE half[i] = float_to_half(x.lane[i]);
  memcpy(p, half, sizeof half);
}

CALLED v16f f_first(v16f x, int n, v16f rest) {
  for (int i = n; i < 16; i++) x.lane[i] = rest.lane[i];
  return x;
}
CALLED float f_max_lane(v16f x) {
  float m = x.lane[0];
  EACH_LANE m = x.lane[i] > m ? x.lane[i] : m;
  return m;
}
CALLED int f_any_above(v16f x, float limit) {
  int any = 0;
  EACH_LANE any |= x.lane[i] > limit;
  return any;
}

CALLED v16i i_set1(int x) { v16i r; EACH_LANE r.lane[i] = x; return r; }
INLINE v16i i_zero(void) { return i_set1(0); }
INLINE v16i i_load(const uint8_t *p) { v16i r; memcpy(&r, p, sizeof r); return r; }
CALLED v16i i_add(v16i a, v16i b) { EACH_LANE a.lane[i] += b.lane[i]; return a; }
CALLED v16i i_and(v16i a, v16i b) { EACH_LANE a.lane[i] &= b.lane[i]; return a; }
CALLED v16i i_xor(v16i a, v16i b) { EACH_LANE a.lane[i] ^= b.lane[i]; return a; }
CALLED v16i i_max(v16i a, v16i b) {
  EACH_LANE a.lane[i] = a.lane[i] > b.lane[i] ? a.lane[i] : b.lane[i];
  return a;
}
CALLED v16i i_shl(v16i x, int bits) {
  EACH_LANE x.lane[i] = (int32_t)((uint32_t)x.lane[i] << bits);
  return x;
}
CALLED v16i i_shr(v16i x, int bits) {
  EACH_LANE x.lane[i] = (int32_t)((uint32_t)x.lane[i] >> bits);
  return x;
}
CALLED int i_max_lane(v16i x) {
  int m = x.lane[0];
  EACH_LANE m = x.lane[i] > m ? x.lane[i] : m;
  return m;
}
CALLED int i_sum_lanes(v16i x) { int s = 0; EACH_LANE s += x.lane[i]; return s; }
CALLED void i_store_bytes(int8_t *p, v16i x) { EACH_LANE p[i] = (int8_t)x.lane[i]; }
CALLED v16i i_load_bytes(const uint8_t *p) {
  v16i r;
  EACH_LANE r.lane[i] = ((const int8_t *)p)[i];
  return r;
}
INLINE v16i i_broadcast4(const int8_t *x) {
  int32_t four;
  memcpy(&four, x, sizeof four);
  return i_set1(four);
}

INLINE v16i q4_start(int x_sum) { return i_set1(-8 * x_sum); }
CALLED v16i dot4_q4(v16i acc, v16i u, v16i x) {
  const uint8_t *a = (const uint8_t *)&u;
  const int8_t *b = (const int8_t *)&x;
  for (int i = 0; i < 64; i++) acc.lane[i / 4] += a[i] * b[i];
  return acc;
}
INLINE v16i q4_finish(v16i acc, int x_sum) { (void)x_sum; return acc; }

INLINE v16i q8_start(int x_sum) { return i_set1(-128 * x_sum); }
INLINE v16i dot4_q8(v16i acc, v16i u, v16i x) { return dot4_q4(acc, u, x); }
