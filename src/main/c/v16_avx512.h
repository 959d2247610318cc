/*
 * Vectors of 16 lanes on AVX-512 (F, BW, VL, DQ). All v16_*.h define the same names; lanes are the
 * 16 rows of a weight group or the 16 positions of a KV block, so no operation crosses them and
 * results are the same on every instruction set.
 */
#include <immintrin.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

typedef __m512 v16f;
typedef __m512i v16i;

#define INLINE static inline __attribute__((always_inline))

/* Tokens of a tile: with one accumulator of integers and one of floats each, weights and scales
 * this still fits the 32 registers. */
#define TILE_TOKENS 8
#define FLOAT_GROUPS 2
#define QUANT_TOKENS 4
#define QUANT_GROUPS 2

INLINE v16f f_zero(void) { return _mm512_setzero_ps(); }
INLINE v16f f_set1(float x) { return _mm512_set1_ps(x); }
INLINE v16f f_load(const float *p) { return _mm512_loadu_ps(p); }
INLINE void f_store(float *p, v16f x) { _mm512_storeu_ps(p, x); }
INLINE v16f f_add(v16f a, v16f b) { return _mm512_add_ps(a, b); }
INLINE v16f f_sub(v16f a, v16f b) { return _mm512_sub_ps(a, b); }
INLINE v16f f_mul(v16f a, v16f b) { return _mm512_mul_ps(a, b); }
INLINE v16f f_div(v16f a, v16f b) { return _mm512_div_ps(a, b); }
INLINE v16f f_fma(v16f a, v16f b, v16f c) { return _mm512_fmadd_ps(a, b, c); }
/* a > b ? a : b and a < b ? a : b, hence b where either is not a number. */
INLINE v16f f_max(v16f a, v16f b) { return _mm512_max_ps(a, b); }
INLINE v16f f_min(v16f a, v16f b) { return _mm512_min_ps(a, b); }
INLINE v16f f_from_int(v16i x) { return _mm512_cvtepi32_ps(x); }
/* To nearest, ties to even. */
INLINE v16i f_round(v16f x) { return _mm512_cvtps_epi32(x); }
INLINE v16f f_cast(v16i x) { return _mm512_castsi512_ps(x); }
INLINE v16i i_cast(v16f x) { return _mm512_castps_si512(x); }

INLINE v16f f_load_f16(const uint8_t *p) {
  return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p));
}

/* To nearest, ties to even. */
INLINE void f_store_f16(uint8_t *p, v16f x) {
  __m256i half = _mm512_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  _mm256_storeu_si256((__m256i *)p, half);
}

/* The first n lanes of x, then those of rest. */
INLINE v16f f_first(v16f x, int n, v16f rest) {
  return _mm512_mask_blend_ps((__mmask16)((1u << n) - 1), rest, x);
}
INLINE float f_max_lane(v16f x) { return _mm512_reduce_max_ps(x); }
/* Whether a lane is greater than limit. */
INLINE int f_any_above(v16f x, float limit) {
  return _mm512_cmp_ps_mask(x, _mm512_set1_ps(limit), _CMP_GT_OQ) != 0;
}

INLINE v16i i_zero(void) { return _mm512_setzero_si512(); }
INLINE v16i i_set1(int x) { return _mm512_set1_epi32(x); }
INLINE v16i i_load(const uint8_t *p) { return _mm512_loadu_si512(p); }
INLINE v16i i_add(v16i a, v16i b) { return _mm512_add_epi32(a, b); }
INLINE v16i i_and(v16i a, v16i b) { return _mm512_and_si512(a, b); }
INLINE v16i i_xor(v16i a, v16i b) { return _mm512_xor_si512(a, b); }
INLINE v16i i_max(v16i a, v16i b) { return _mm512_max_epi32(a, b); }
#define i_shl(x, bits) _mm512_slli_epi32(x, bits)
#define i_shr(x, bits) _mm512_srli_epi32(x, bits)
INLINE int i_max_lane(v16i x) { return _mm512_reduce_max_epi32(x); }
INLINE int i_sum_lanes(v16i x) { return _mm512_reduce_add_epi32(x); }
INLINE void i_store_bytes(int8_t *p, v16i x) {
  _mm_storeu_si128((__m128i *)p, _mm512_cvtepi32_epi8(x));
}

/* 16 signed bytes. */
INLINE v16i i_load_bytes(const uint8_t *p) {
  return _mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)p));
}

INLINE v16i i_broadcast4(const int8_t *x) {
  int32_t four;
  memcpy(&four, x, sizeof four);
  return _mm512_set1_epi32(four);
}
