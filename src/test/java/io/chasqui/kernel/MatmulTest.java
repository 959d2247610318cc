package io.chasqui.kernel;

import static io.chasqui.kernel.KernelFixtures.SPECIFICATION;
import static io.chasqui.kernel.KernelFixtures.assertSameBits;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every implementation against the specification, bit for bit; and the specification itself. */
class MatmulTest {
  private static final int[] TOKENS = {
    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 33
  };

  private final long seed = new Random().nextLong();
  private final KernelFixtures fixtures = new KernelFixtures(seed);

  @ParameterizedTest
  @MethodSource("io.chasqui.kernel.KernelFixtures#implementations")
  void productsHaveTheBitsOfTheSpecification(Kernels kernels) {
    for (DType dtype : DType.values()) {
      for (int m : TOKENS) {
        // More than a span of groups in C; a part of one remains.
        int rows = 1 + fixtures.random.nextInt(m <= 8 ? 600 : 70);
        int columns = 32 * (1 + fixtures.random.nextInt(9));
        Matrix w = fixtures.matrix(dtype, rows, columns);
        assertSameProduct(kernels, w, fixtures.normal((long) m * columns), m);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("io.chasqui.kernel.KernelFixtures#implementations")
  void longRowsHaveTheBitsOfTheSpecification(Kernels kernels) {
    for (DType dtype : DType.values()) {
      for (int m : new int[] {1, 2, 3, 4, 9}) {
        // Of the three groups one remains where tiles take two.
        for (int columns : new int[] {2048, 16384}) {
          Matrix w = fixtures.matrix(dtype, 48, columns);
          assertSameProduct(kernels, w, fixtures.normal((long) m * columns), m);
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("io.chasqui.kernel.KernelFixtures#implementations")
  void extremeWeightsAndActivationsHaveTheBitsOfTheSpecification(Kernels kernels) {
    float[] scales = {0f, 0x1p-24f, 0x1.8p-15f, 1f, -1f, 65504f};
    float[] inputs = {0f, Float.MIN_VALUE, 0x1p-127f, 1f, -1f, 1e30f, Float.MAX_VALUE};
    int m = 3;
    for (DType dtype : new DType[] {DType.Q4, DType.Q8}) {
      // All quants least, most, and (for Q8, the byte of −127).
      for (byte quants : new byte[] {0, (byte) 0xff, 1}) {
        for (float scale : scales) {
          Matrix w = fixtures.extremeMatrix(dtype, 16, 256, quants, scale);
          for (float input : inputs) {
            MemorySegment x = fixtures.floats(m * 256L);
            for (int i = 0; i < m * 256; i++) {
              x.setAtIndex(JAVA_FLOAT, i, i / 256 == 1 && i % 2 == 1 ? -input : input);
            }
            assertSameProduct(kernels, w, x, m);
          }
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("io.chasqui.kernel.KernelFixtures#implementations")
  void quantizedActivationsHaveTheBitsOfTheSpecification(Kernels kernels) {
    for (int columns = 32; columns <= 320; columns += 32) {
      int m = 1 + fixtures.random.nextInt(5);
      MemorySegment x = fixtures.floats((long) m * columns);
      for (int i = 0; i < m * columns; i++) {
        // All exponents, denormal numbers included, within one block and apart.
        int exponent = i / 32 % 2 == 0 ? fixtures.random.nextInt(-149, 127) : i / 32 % 250 - 140;
        float value = (float) (fixtures.random.nextGaussian() * Math.pow(2, exponent));
        x.setAtIndex(JAVA_FLOAT, i, Math.clamp(value, -Float.MAX_VALUE, Float.MAX_VALUE));
      }
      // Halves are where rounding modes differ.
      for (int i = 0; i < 32; i++) {
        x.setAtIndex(JAVA_FLOAT, i, i == 0 ? 127f : i - 16.5f);
      }
      assertSameQuants(kernels, x, m, columns);
    }
  }

  @ParameterizedTest
  @MethodSource("io.chasqui.kernel.KernelFixtures#implementations")
  void whatIsNotANumberIsSeenInTheProduct(Kernels kernels) {
    for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY}) {
      MemorySegment x = fixtures.normal(64);
      x.setAtIndex(JAVA_FLOAT, 37, bad);
      assertSameQuants(kernels, x, 1, 64);

      Matrix w = fixtures.matrix(DType.Q4, 16, 64);
      MemorySegment out = fixtures.floats(16);
      kernels.matmul(w, fixtures.inputOf(w, x, 1), 1, out, 16, 0, 1);
      assertTrue(!Float.isFinite(out.getAtIndex(JAVA_FLOAT, 3)), bad + " was lost");
    }
  }

  @ParameterizedTest
  @MethodSource("io.chasqui.kernel.KernelFixtures#implementations")
  void aTokensOutputDependsNeitherOnItsBatchNorOnTheSplitOfRows(Kernels kernels) {
    int m = 19;
    for (DType dtype : DType.values()) {
      Matrix w = fixtures.matrix(dtype, 80, 128);
      MemorySegment x = fixtures.normal(m * 128L);
      MemorySegment together = fixtures.floats(m * 80L);
      kernels.matmul(w, fixtures.inputOf(w, x, m), m, together, 80, 0, 5);

      for (int t = 0; t < m; t++) {
        MemorySegment alone = fixtures.floats(80);
        MemorySegment input = fixtures.inputOf(w, x.asSlice(t * 512L, 512), 1);
        int split = fixtures.random.nextInt(6);
        kernels.matmul(w, input, 1, alone, 80, split, 5);
        kernels.matmul(w, input, 1, alone, 80, 0, split);
        assertSameBits(together.asSlice(t * 320L, 320), alone, dtype + " token " + t + seed());
      }
    }
  }

  @ParameterizedTest
  @MethodSource("io.chasqui.kernel.KernelFixtures#implementations")
  void onlyTheRowRangeIsWritten(Kernels kernels) {
    Matrix w = fixtures.matrix(DType.Q8, 64, 32);
    MemorySegment out = fixtures.floats(3 * 70);
    out.fill((byte) 7);
    float untouched = out.getAtIndex(JAVA_FLOAT, 0);
    MemorySegment input = fixtures.inputOf(w, fixtures.normal(3 * 32), 3);

    kernels.matmul(w, input, 3, out, 70, 1, 3);

    for (int i = 0; i < 3 * 70; i++) {
      boolean inRange = i % 70 >= 16 && i % 70 < 48;
      assertEquals(!inRange, out.getAtIndex(JAVA_FLOAT, i) == untouched, "float " + i);
    }
  }

  @Test
  void theSpecificationIsCloseToAProductInDoublePrecision() {
    for (DType dtype : DType.values()) {
      int columns = 512;
      Matrix w = fixtures.matrix(dtype, 16, columns);
      float[] weights = new float[16 * columns];
      WeightCodec.decode(dtype, w.data(), columns, weights);
      MemorySegment x = fixtures.normal(columns);
      MemorySegment out = fixtures.floats(16);
      SPECIFICATION.matmul(w, fixtures.inputOf(w, x, 1), 1, out, 16, 0, 1);

      for (int row = 0; row < 16; row++) {
        double exact = 0;
        for (int c = 0; c < columns; c++) {
          exact += (double) weights[row * columns + c] * x.getAtIndex(JAVA_FLOAT, c);
        }
        // Rounding activations to 8 bits errs by some 0.01 · √512 at most.
        double bound = dtype.quantized() ? 1.2 : 1e-3;
        assertEquals(exact, out.getAtIndex(JAVA_FLOAT, row), bound, dtype + " row " + row + seed());
      }
    }
  }

  private void assertSameProduct(Kernels kernels, Matrix w, MemorySegment x, int m) {
    int stride = w.paddedRows() + fixtures.random.nextInt(3);
    int from = fixtures.random.nextInt(w.groups());
    int to = from + 1 + fixtures.random.nextInt(w.groups() - from);
    MemorySegment input = fixtures.inputOf(w, x, m);
    MemorySegment expected = fixtures.floats((long) m * stride);
    MemorySegment actual = fixtures.floats((long) m * stride);
    SPECIFICATION.matmul(w, input, m, expected, stride, from, to);
    kernels.matmul(w, input, m, actual, stride, from, to);
    assertSameBits(
        expected,
        actual,
        "%s m=%d [%d, %d]".formatted(w.dtype(), m, w.rows(), w.columns()) + seed());
  }

  private void assertSameQuants(Kernels kernels, MemorySegment x, int m, int columns) {
    MemorySegment expected = fixtures.bytes(QuantizedRows.bytes(m, columns));
    MemorySegment actual = fixtures.bytes(QuantizedRows.bytes(m, columns));
    SPECIFICATION.quantize(x, m, columns, expected);
    kernels.quantize(x, m, columns, actual);
    assertSameBits(expected, actual, "quants of " + columns + " columns" + seed());
  }

  private String seed() {
    return ", seed " + seed;
  }
}
