package io.chasqui.benchmark.profile;

import io.chasqui.kernel.DType;
import io.chasqui.kernel.Matrix;
import java.util.Locale;
import java.util.Optional;

/**
 * An operation of the forward pass, as a table names it.
 *
 * @param dtype of the products that it is made of, which decides what limits it; empty where it
 *     multiplies little
 */
record Operation(String name, Optional<DType> dtype) {
  static final Operation EMBEDDING = of("embedding");
  static final Operation NORM = of("norms");
  static final Operation ELEMENTWISE = of("additions and scales");
  static final Operation ROTARY = of("rotary embedding");
  static final Operation QUANTIZE = of("quantization of activations");
  static final Operation STORE = of("keys and values stored");

  /** Multiplies floats, as products with F32 do. */
  static final Operation ATTENTION = new Operation("attention", Optional.of(DType.F32));

  private static Operation of(String name) {
    return new Operation(name, Optional.empty());
  }

  /** Products with a matrix. */
  static Operation matmul(Matrix w) {
    return new Operation("matmul " + shape(w), Optional.of(w.dtype()));
  }

  /** Products with two matrices of one shape, and the gate. */
  static Operation gateUp(Matrix gate) {
    return new Operation("gate and up, 2 × " + shape(gate), Optional.of(gate.dtype()));
  }

  private static String shape(Matrix w) {
    return String.format(Locale.ROOT, "%s %d × %d", w.dtype(), w.rows(), w.columns());
  }
}
