package io.chasqui.kernel;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import java.util.stream.Stream;

/** Random inputs of kernels, each within its own allocation, so that a stray write is far away. */
final class KernelFixtures {
  static final ScalarKernels SPECIFICATION = new ScalarKernels();

  private final Arena arena = Arena.ofAuto();
  final Random random;

  KernelFixtures(long seed) {
    random = new Random(seed);
  }

  /** Every implementation that this machine can run, but for the specification itself. */
  static Stream<Kernels> implementations() {
    return Stream.concat(NativeKernels.load().stream(), Stream.of(VectorKernels.load()));
  }

  MemorySegment bytes(long size) {
    return arena.allocate(size, 64);
  }

  /** {@code count} zeros. */
  MemorySegment floats(long count) {
    return arena.allocate(count * Float.BYTES, 64);
  }

  MemorySegment normal(long count) {
    MemorySegment x = floats(count);
    for (long i = 0; i < count; i++) {
      x.setAtIndex(JAVA_FLOAT, i, (float) random.nextGaussian());
    }
    return x;
  }

  MemorySegment ints(int... values) {
    return arena.allocateFrom(JAVA_INT, values);
  }

  /** Normally distributed weights, encoded. */
  Matrix matrix(DType dtype, int rows, int columns) {
    Matrix w = new Matrix(dtype, rows, columns, bytes(dtype.bytes(rows, columns)));
    float[] group = new float[DType.GROUP_ROWS * columns];
    long groupBytes = dtype.groupBytes(columns);
    for (int g = 0; g < w.groups(); g++) {
      for (int i = 0; i < group.length; i++) {
        boolean padding = g * DType.GROUP_ROWS + i / columns >= rows;
        group[i] = padding ? 0 : (float) random.nextGaussian();
      }
      WeightCodec.encode(dtype, group, columns, w.data().asSlice(g * groupBytes, groupBytes));
    }
    return w;
  }

  /** Quantized weights of one kind: every quant and every scale the same. */
  Matrix extremeMatrix(DType dtype, int rows, int columns, byte quants, float scale) {
    Matrix w = new Matrix(dtype, rows, columns, bytes(dtype.bytes(rows, columns)));
    w.data().fill(quants);
    for (long block = 0; block < w.data().byteSize(); block += dtype.blockBytes()) {
      for (int row = 0; row < DType.GROUP_ROWS; row++) {
        w.data().set(WeightCodec.SHORT, block + row * 2L, Float.floatToFloat16(scale));
      }
    }
    return w;
  }

  /** {@code x} in the form that {@code w} is multiplied with. */
  MemorySegment inputOf(Matrix w, MemorySegment x, int m) {
    if (!w.dtype().quantized()) {
      return x;
    }
    MemorySegment q8 = bytes(QuantizedRows.bytes(m, w.columns()));
    SPECIFICATION.quantize(x, m, w.columns(), q8);
    return q8;
  }

  static void assertSameBits(MemorySegment expected, MemorySegment actual, String what) {
    long at = expected.mismatch(actual);
    if (at < 0) {
      return;
    }
    long index = at / Float.BYTES;
    float e = expected.getAtIndex(JAVA_FLOAT, index);
    float a = actual.getAtIndex(JAVA_FLOAT, index);
    assertEquals(
        expected.get(JAVA_BYTE, at),
        actual.get(JAVA_BYTE, at),
        "%s: float %d is %s (%a), not %s (%a)".formatted(what, index, a, a, e, e));
  }
}
