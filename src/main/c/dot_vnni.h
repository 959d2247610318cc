/*
 * Sums of products of bytes with AVX-512 VNNI. A dot_*.h (or a v16_*.h itself) defines for Q4 and
 * Q8 weights how the sum of a block starts, given the sum of the block's x, and how four columns
 * are added: acc + u[4i+k] * x[k] in lane i. For Q4 there is a finish too. What comes out is the sum
 * of the products of quants: the bias of the stored weights is taken off on the way.
 */

/* Sums of a tile that wait for the latency of an addition. They may be added in parts, since they
 * have 32 bits from the start. */
#define CHAINED_SUMS 4

INLINE v16i q4_start(int x_sum) { return i_set1(-8 * x_sum); }
INLINE v16i dot4_q4(v16i acc, v16i u, v16i x) { return _mm512_dpbusd_epi32(acc, u, x); }
INLINE v16i q4_finish(v16i acc, int x_sum) { (void)x_sum; return acc; }

INLINE v16i q8_start(int x_sum) { return i_set1(-128 * x_sum); }
INLINE v16i dot4_q8(v16i acc, v16i u, v16i x) { return _mm512_dpbusd_epi32(acc, u, x); }
