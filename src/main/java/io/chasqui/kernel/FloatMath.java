package io.chasqui.kernel;

/** The functions of floats that are not operators, operation by operation as C has them. */
final class FloatMath {
  private FloatMath() {}

  /**
   * e to the power of {@code x} with a relative error below 2⁻²²; {@code x} is clamped so that the
   * result is neither denormal nor infinite. The polynomial is Cephes' {@code expf} (S. Moshier).
   */
  @SuppressWarnings("FloatingPointLiteralPrecision") // the digits that were published
  static float exp(float x) {
    x = -87.33654f > x ? -87.33654f : x;
    x = 88.37626f < x ? 88.37626f : x;
    float n = (float) Math.rint(x * 1.442695f);
    float r = Math.fma(n, -0.6933594f, x);
    r = Math.fma(n, 2.1219444e-4f, r);
    float p = 1.9875691e-4f;
    p = Math.fma(p, r, 0.0013981999f);
    p = Math.fma(p, r, 0.008333452f);
    p = Math.fma(p, r, 0.041665796f);
    p = Math.fma(p, r, 0.16666666f);
    p = Math.fma(p, r, 0.5f);
    float y = Math.fma(p, r * r, r) + 1;
    return y * Float.intBitsToFloat(((int) n + 127) << 23);
  }

  /** x · sigmoid(x). */
  static float silu(float x) {
    return x / (1 + exp(-x));
  }

  /** Sum of 16 lanes: lane i takes in i + 8, then i + 4, i + 2, i + 1. */
  static float sum(float[] lanes) {
    float[] s = lanes.clone();
    for (int half = 8; half > 0; half /= 2) {
      for (int i = 0; i < half; i++) {
        s[i] += s[i + half];
      }
    }
    return s[0];
  }
}
