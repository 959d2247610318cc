/* Functions of floats, operation by operation as FloatMath.java has them. */

/* e^x; x is clamped so that the result is neither denormal nor infinite. */
INLINE v16f f_exp(v16f x) {
  x = f_max(f_set1(-87.33654f), x);
  x = f_min(f_set1(88.37626f), x);
  v16i n = f_round(f_mul(x, f_set1(1.442695f)));
  v16f r = f_fma(f_from_int(n), f_set1(-0.6933594f), x);
  r = f_fma(f_from_int(n), f_set1(2.1219444e-4f), r);
  v16f p = f_set1(1.9875691e-4f);
  p = f_fma(p, r, f_set1(0.0013981999f));
  p = f_fma(p, r, f_set1(0.008333452f));
  p = f_fma(p, r, f_set1(0.041665796f));
  p = f_fma(p, r, f_set1(0.16666666f));
  p = f_fma(p, r, f_set1(0.5f));
  v16f y = f_add(f_fma(p, f_mul(r, r), r), f_set1(1));
  return f_mul(y, f_cast(i_shl(i_add(n, i_set1(127)), 23)));
}

/* x * sigmoid(x). */
INLINE v16f f_silu(v16f x) {
  v16f minus_x = f_cast(i_xor(i_cast(x), i_set1((int)0x80000000)));
  return f_div(x, f_add(f_set1(1), f_exp(minus_x)));
}

/* Lane i takes in i + 8, then i + 4, i + 2, i + 1. */
INLINE float f_sum_lanes(v16f x) {
  float s[16];
  f_store(s, x);
  for (int half = 8; half > 0; half /= 2) {
    for (int i = 0; i < half; i++) s[i] += s[i + half];
  }
  return s[0];
}
