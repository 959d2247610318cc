/* Activations to QuantizedRows: int8[columns], float scale[columns / 32], int32 sum[columns / 32],
 * rows at multiples of 64 bytes. */

INLINE long q8_row_bytes(int columns) { return (columns + columns / 32 * 8L + 63) / 64 * 64; }

/* Within ±127; what is not a number becomes -127. */
INLINE v16i quants(v16f x, v16f scale) {
  v16f at_least = f_max(f_div(x, scale), f_set1(-127));
  return f_round(f_min(at_least, f_set1(127)));
}

static void quantize(const float *x, int m, int columns, uint8_t *q8) {
  for (int t = 0; t < m; t++, x += columns, q8 += q8_row_bytes(columns)) {
    int8_t *quant = (int8_t *)q8;
    float *scales = (float *)(q8 + columns);
    int32_t *sums = (int32_t *)(scales + columns / 32);
    for (int b = 0; b < columns / 32; b++) {
      v16f low = f_load(x + b * 32), high = f_load(x + b * 32 + 16);
      /* Magnitudes are compared as integers so that a NaN is the largest and is not lost. */
      v16i magnitude = i_set1(0x7fffffff);
      v16i max = i_max(i_and(i_cast(low), magnitude), i_and(i_cast(high), magnitude));
      int32_t max_bits = i_max_lane(max);
      float scale;
      memcpy(&scale, &max_bits, sizeof scale);
      scale /= 127;
      v16i q_low = i_zero(), q_high = i_zero();
      if (scale != 0) {
        q_low = quants(low, f_set1(scale));
        q_high = quants(high, f_set1(scale));
      }
      i_store_bytes(quant + b * 32, q_low);
      i_store_bytes(quant + b * 32 + 16, q_high);
      scales[b] = scale;
      sums[b] = i_sum_lanes(i_add(q_low, q_high));
    }
  }
}
