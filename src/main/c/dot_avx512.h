/* Sums of products of bytes with AVX-512 BW alone; see dot_vnni.h. */

/* Pairs of products are summed in 16 bits through a whole block: 16 * 15 * 127 = 30480 fits. */
INLINE v16i q4_start(int x_sum) { (void)x_sum; return i_zero(); }
INLINE v16i dot4_q4(v16i acc, v16i u, v16i x) {
  return _mm512_add_epi16(acc, _mm512_maddubs_epi16(u, x));
}
INLINE v16i q4_finish(v16i acc, int x_sum) {
  return _mm512_add_epi32(_mm512_madd_epi16(acc, _mm512_set1_epi16(1)), i_set1(-8 * x_sum));
}

/* Two products of unsigned bytes would overflow 16 bits; with |w| at most 128 they do not. */
INLINE v16i q8_start(int x_sum) { (void)x_sum; return i_zero(); }
INLINE v16i dot4_q8(v16i acc, v16i u, v16i x) {
  v16i w = _mm512_xor_si512(u, _mm512_set1_epi8((char)0x80));
  v16i signed_x = _mm512_mask_sub_epi8(x, _mm512_movepi8_mask(w), _mm512_setzero_si512(), x);
  v16i pairs = _mm512_maddubs_epi16(_mm512_abs_epi8(w), signed_x);
  return _mm512_add_epi32(acc, _mm512_madd_epi16(pairs, _mm512_set1_epi16(1)));
}
