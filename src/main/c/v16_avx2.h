/* Vectors of 16 lanes as two of AVX2; see v16_avx512.h. With the dot products; see dot_vnni.h. */
#include <immintrin.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

typedef struct { __m256 a, b; } v16f;
typedef struct { __m256i a, b; } v16i;

#define INLINE static inline __attribute__((always_inline))

/* More sums than 16 registers hold, yet faster than reading the weights for two tokens at a time. */
#define TILE_TOKENS 4
#define FLOAT_GROUPS 2
#define QUANT_TOKENS 4
#define QUANT_GROUPS 1

#define F2(op, x, y) ((v16f){op((x).a, (y).a), op((x).b, (y).b)})
#define I2(op, x, y) ((v16i){op((x).a, (y).a), op((x).b, (y).b)})

INLINE v16f f_set1(float x) { __m256 v = _mm256_set1_ps(x); return (v16f){v, v}; }
INLINE v16f f_zero(void) { return f_set1(0); }
INLINE v16f f_load(const float *p) { return (v16f){_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
INLINE void f_store(float *p, v16f x) { _mm256_storeu_ps(p, x.a); _mm256_storeu_ps(p + 8, x.b); }
INLINE v16f f_add(v16f x, v16f y) { return F2(_mm256_add_ps, x, y); }
INLINE v16f f_sub(v16f x, v16f y) { return F2(_mm256_sub_ps, x, y); }
INLINE v16f f_mul(v16f x, v16f y) { return F2(_mm256_mul_ps, x, y); }
INLINE v16f f_div(v16f x, v16f y) { return F2(_mm256_div_ps, x, y); }
INLINE v16f f_fma(v16f x, v16f y, v16f z) {
  return (v16f){_mm256_fmadd_ps(x.a, y.a, z.a), _mm256_fmadd_ps(x.b, y.b, z.b)};
}
INLINE v16f f_max(v16f x, v16f y) { return F2(_mm256_max_ps, x, y); }
INLINE v16f f_min(v16f x, v16f y) { return F2(_mm256_min_ps, x, y); }
INLINE v16f f_from_int(v16i x) {
  return (v16f){_mm256_cvtepi32_ps(x.a), _mm256_cvtepi32_ps(x.b)};
}
INLINE v16i f_round(v16f x) { return (v16i){_mm256_cvtps_epi32(x.a), _mm256_cvtps_epi32(x.b)}; }
INLINE v16f f_cast(v16i x) {
  return (v16f){_mm256_castsi256_ps(x.a), _mm256_castsi256_ps(x.b)};
}
INLINE v16i i_cast(v16f x) {
  return (v16i){_mm256_castps_si256(x.a), _mm256_castps_si256(x.b)};
}

INLINE v16f f_load_f16(const uint8_t *p) {
  return (v16f){_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p)),
                _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(p + 16)))};
}
INLINE void f_store_f16(uint8_t *p, v16f x) {
  _mm_storeu_si128((__m128i *)p, _mm256_cvtps_ph(x.a, _MM_FROUND_TO_NEAREST_INT));
  _mm_storeu_si128((__m128i *)(p + 16), _mm256_cvtps_ph(x.b, _MM_FROUND_TO_NEAREST_INT));
}

INLINE v16f f_first(v16f x, int n, v16f rest) {
  __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7), end = _mm256_set1_epi32(n);
  __m256i low = _mm256_cmpgt_epi32(end, lane);
  __m256i high = _mm256_cmpgt_epi32(end, _mm256_add_epi32(lane, _mm256_set1_epi32(8)));
  return (v16f){_mm256_blendv_ps(rest.a, x.a, _mm256_castsi256_ps(low)),
                _mm256_blendv_ps(rest.b, x.b, _mm256_castsi256_ps(high))};
}
INLINE float f_max_lane(v16f x) {
  __m256 m = _mm256_max_ps(x.a, x.b);
  __m128 q = _mm_max_ps(_mm256_castps256_ps128(m), _mm256_extractf128_ps(m, 1));
  q = _mm_max_ps(q, _mm_movehl_ps(q, q));
  return _mm_cvtss_f32(_mm_max_ss(q, _mm_movehdup_ps(q)));
}
INLINE int f_any_above(v16f x, float limit) {
  __m256 l = _mm256_set1_ps(limit);
  __m256 above = _mm256_or_ps(_mm256_cmp_ps(x.a, l, _CMP_GT_OQ), _mm256_cmp_ps(x.b, l, _CMP_GT_OQ));
  return _mm256_movemask_ps(above) != 0;
}

INLINE v16i i_set1(int x) { __m256i v = _mm256_set1_epi32(x); return (v16i){v, v}; }
INLINE v16i i_zero(void) { return i_set1(0); }
INLINE v16i i_load(const uint8_t *p) {
  return (v16i){_mm256_loadu_si256((const __m256i *)p),
                _mm256_loadu_si256((const __m256i *)(p + 32))};
}
INLINE v16i i_add(v16i x, v16i y) { return I2(_mm256_add_epi32, x, y); }
INLINE v16i i_and(v16i x, v16i y) { return I2(_mm256_and_si256, x, y); }
INLINE v16i i_xor(v16i x, v16i y) { return I2(_mm256_xor_si256, x, y); }
INLINE v16i i_max(v16i x, v16i y) { return I2(_mm256_max_epi32, x, y); }
#define i_shl(x, bits) ((v16i){_mm256_slli_epi32((x).a, bits), _mm256_slli_epi32((x).b, bits)})
#define i_shr(x, bits) ((v16i){_mm256_srli_epi32((x).a, bits), _mm256_srli_epi32((x).b, bits)})
INLINE int i_max_lane(v16i x) {
  __m256i m = _mm256_max_epi32(x.a, x.b);
  __m128i q = _mm_max_epi32(_mm256_castsi256_si128(m), _mm256_extracti128_si256(m, 1));
  q = _mm_max_epi32(q, _mm_shuffle_epi32(q, 0x4e));
  return _mm_cvtsi128_si32(_mm_max_epi32(q, _mm_shuffle_epi32(q, 0xb1)));
}
INLINE int i_sum_lanes(v16i x) {
  __m256i s = _mm256_add_epi32(x.a, x.b);
  __m128i q = _mm_add_epi32(_mm256_castsi256_si128(s), _mm256_extracti128_si256(s, 1));
  q = _mm_add_epi32(q, _mm_shuffle_epi32(q, 0x4e));
  return _mm_cvtsi128_si32(_mm_add_epi32(q, _mm_shuffle_epi32(q, 0xb1)));
}
INLINE v16i i_load_bytes(const uint8_t *p) {
  return (v16i){_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)p)),
                _mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)(p + 8)))};
}
INLINE void i_store_bytes(int8_t *p, v16i x) {
  /* Packing works within halves of 128 bits, so the quarters are put in order afterwards. */
  __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(x.a, x.b), 0xd8);
  __m128i bytes =
      _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
  _mm_storeu_si128((__m128i *)p, bytes);
}
INLINE v16i i_broadcast4(const int8_t *x) {
  int32_t four;
  memcpy(&four, x, sizeof four);
  return i_set1(four);
}

/* Pairs of products are summed in 16 bits through a whole block: 16 * 15 * 127 = 30480 fits. */
INLINE v16i q4_start(int x_sum) { (void)x_sum; return i_zero(); }
INLINE v16i dot4_q4(v16i acc, v16i u, v16i x) {
  v16i pairs = I2(_mm256_maddubs_epi16, u, x);
  return I2(_mm256_add_epi16, acc, pairs);
}
INLINE v16i q4_finish(v16i acc, int x_sum) {
  __m256i one = _mm256_set1_epi16(1);
  v16i sums = {_mm256_madd_epi16(acc.a, one), _mm256_madd_epi16(acc.b, one)};
  return i_add(sums, i_set1(-8 * x_sum));
}

/* Two products of unsigned bytes would overflow 16 bits; with |w| at most 128 they do not. */
INLINE v16i q8_start(int x_sum) { (void)x_sum; return i_zero(); }
INLINE __m256i dot4_signed(__m256i acc, __m256i w, __m256i x) {
  __m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(x, w));
  return _mm256_add_epi32(acc, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}
INLINE v16i dot4_q8(v16i acc, v16i u, v16i x) {
  v16i w = i_xor(u, i_set1((int)0x80808080));
  return (v16i){dot4_signed(acc.a, w.a, x.a), dot4_signed(acc.b, w.b, x.b)};
}
