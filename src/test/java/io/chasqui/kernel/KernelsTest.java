package io.chasqui.kernel;

import static io.chasqui.kernel.KernelFixtures.SPECIFICATION;
import static io.chasqui.kernel.KernelFixtures.assertSameBits;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What is neither a plain product nor attention: against the specification, and against limits. */
class KernelsTest {
  private final long seed = new Random().nextLong();
  private final KernelFixtures fixtures = new KernelFixtures(seed);

  @ParameterizedTest
  @MethodSource("io.chasqui.kernel.KernelFixtures#implementations")
  void gatedProductsHaveTheBitsOfTheSpecification(Kernels kernels) {
    for (DType dtype : DType.values()) {
      for (int m : new int[] {1, 2, 5, 8, 13}) {
        Matrix gate = fixtures.matrix(dtype, 41, 192);
        Matrix up = fixtures.matrix(dtype == DType.Q4 ? DType.Q8 : dtype, 41, 192);
        MemorySegment input = fixtures.inputOf(gate, fixtures.normal(m * 192L), m);
        MemorySegment expected = fixtures.floats(m * 50L);
        MemorySegment actual = fixtures.floats(m * 50L);
        SPECIFICATION.gateUp(gate, up, input, m, expected, 50, 1, 3);
        kernels.gateUp(gate, up, input, m, actual, 50, 1, 3);
        assertSameBits(expected, actual, dtype + " m=" + m + seed());
      }
    }
  }

  @ParameterizedTest
  @MethodSource("io.chasqui.kernel.KernelFixtures#implementations")
  void siluHasTheBitsOfTheSpecificationAtAllMagnitudes(Kernels kernels) {
    Matrix one = fixtures.extremeMatrix(DType.Q8, 16, 32, (byte) 129, 1);
    for (float x = 1e-6f; x < 1e6f; x *= 1.37f) {
      MemorySegment input = fixtures.floats(64);
      for (int i = 0; i < 64; i++) {
        input.setAtIndex(JAVA_FLOAT, i, i < 32 ? x : -x);
      }
      MemorySegment q8 = fixtures.inputOf(one, input, 2);
      MemorySegment expected = fixtures.floats(32);
      MemorySegment actual = fixtures.floats(32);
      SPECIFICATION.gateUp(one, one, q8, 2, expected, 16, 0, 1);
      kernels.gateUp(one, one, q8, 2, actual, 16, 0, 1);
      assertSameBits(expected, actual, "x=" + x);
    }
  }

  @ParameterizedTest
  @MethodSource("io.chasqui.kernel.KernelFixtures#implementations")
  void rmsNormHasTheBitsOfTheSpecificationAlsoInPlace(Kernels kernels) {
    for (int n : new int[] {16, 64, 80, 2048}) {
      MemorySegment x = fixtures.normal(3L * n);
      MemorySegment weight = fixtures.normal(n);
      MemorySegment expected = fixtures.floats(3L * n);
      MemorySegment actual = fixtures.floats(3L * n);
      SPECIFICATION.rmsNorm(x, weight, 1e-5f, 3, n, expected);
      kernels.rmsNorm(x, weight, 1e-5f, 3, n, actual);
      assertSameBits(expected, actual, "n=" + n + seed());
      kernels.rmsNorm(x, weight, 1e-5f, 3, n, x);
      assertSameBits(expected, x, "in place, n=" + n + seed());
    }
  }

  @ParameterizedTest
  @MethodSource("io.chasqui.kernel.KernelFixtures#implementations")
  void sumsHaveTheBitsOfTheSpecification(Kernels kernels) {
    for (int n : new int[] {1, 15, 16, 17, 100}) {
      MemorySegment expected = fixtures.normal(n);
      MemorySegment actual = fixtures.floats(n).copyFrom(expected);
      MemorySegment y = fixtures.normal(n);
      SPECIFICATION.add(expected, y, n);
      kernels.add(actual, y, n);
      assertSameBits(expected, actual, "n=" + n + seed());
    }
  }

  @ParameterizedTest
  @MethodSource("io.chasqui.kernel.KernelFixtures#implementations")
  void scaledFloatsHaveTheBitsOfTheSpecification(Kernels kernels) {
    for (int n : new int[] {1, 15, 16, 17, 100}) {
      MemorySegment expected = fixtures.normal(n + 1);
      MemorySegment actual = fixtures.floats(n + 1).copyFrom(expected);
      SPECIFICATION.scale(expected, 0.22f, n);
      kernels.scale(actual, 0.22f, n);
      assertSameBits(expected, actual, "n=" + n + seed());
    }
  }

  @ParameterizedTest
  @MethodSource("io.chasqui.kernel.KernelFixtures#implementations")
  void rotationsHaveTheBitsOfTheSpecification(Kernels kernels) {
    for (int headSize : new int[] {2, 16, 64, 80, 128}) {
      int stride = 3 * headSize + 5;
      MemorySegment table = fixtures.normal(10L * headSize);
      MemorySegment expected = fixtures.normal(4L * stride);
      MemorySegment actual = fixtures.floats(4L * stride).copyFrom(expected);
      MemorySegment positions = fixtures.ints(9, 0, 3, 3);
      SPECIFICATION.rope(expected, stride, 4, 3, headSize, positions, table);
      kernels.rope(actual, stride, 4, 3, headSize, positions, table);
      assertSameBits(expected, actual, "headSize=" + headSize + seed());
    }
  }

  @ParameterizedTest
  @MethodSource("io.chasqui.kernel.KernelFixtures#implementations")
  void embeddingsAreTheDecodedRows(Kernels kernels) {
    for (DType dtype : DType.values()) {
      Matrix w = fixtures.matrix(dtype, 40, 96);
      int[] ids = {39, 0, 17, 17};
      MemorySegment expected = fixtures.floats(4 * 96);
      MemorySegment actual = fixtures.floats(4 * 96);
      float[] rows = new float[16 * 96];
      long groupBytes = dtype.groupBytes(96);
      for (int t = 0; t < ids.length; t++) {
        MemorySegment group = w.data().asSlice(ids[t] / 16 * groupBytes, groupBytes);
        WeightCodec.decode(dtype, group, 96, rows);
        MemorySegment.copy(rows, ids[t] % 16 * 96, expected, JAVA_FLOAT, t * 384L, 96);
      }
      kernels.embed(w, fixtures.ints(ids), 4, actual);
      assertSameBits(expected, actual, dtype + seed());
    }
  }

  @ParameterizedTest
  @MethodSource("io.chasqui.kernel.KernelFixtures#implementations")
  void theLargestLogitIsTheFirstOfEquals(Kernels kernels) {
    for (int n : new int[] {1, 2, 15, 16, 17, 33, 1000}) {
      MemorySegment logits = fewDifferent(n);
      assertEquals(SPECIFICATION.argmax(logits, n), kernels.argmax(logits, n), "n=" + n + seed());
      logits.fill((byte) 0xff); // all NaN
      assertEquals(0, kernels.argmax(logits, n));
      logits.setAtIndex(JAVA_FLOAT, n - 1, -5);
      assertEquals(n - 1, kernels.argmax(logits, n));
    }
  }

  @ParameterizedTest
  @MethodSource("io.chasqui.kernel.KernelFixtures#implementations")
  void theLargestLogitsAreInOrderAndEqualsByTheirIds(Kernels kernels) {
    for (int n : new int[] {1, 2, 16, 17, 100, 3000}) {
      for (int k : new int[] {1, 2, 7, 40, n}) {
        if (k > n) {
          continue;
        }
        for (MemorySegment logits : List.of(fixtures.normal(n), fewDifferent(n))) {
          MemorySegment expected = fixtures.floats(2L * k);
          MemorySegment actual = fixtures.floats(2L * k);
          SPECIFICATION.topK(logits, n, k, expected, expected.asSlice(k * 4L));
          kernels.topK(logits, n, k, actual, actual.asSlice(k * 4L));
          assertSameBits(expected, actual, "n=" + n + " k=" + k + seed());
        }
      }
    }
  }

  @Test
  void theSpecificationOfScaleMultipliesWhatIsAskedFor() {
    MemorySegment x = fixtures.floats(3);
    MemorySegment.copy(new float[] {1, -2, 3}, 0, x, JAVA_FLOAT, 0, 3);
    SPECIFICATION.scale(x, 0.5f, 2);
    assertEquals(0.5f, x.getAtIndex(JAVA_FLOAT, 0));
    assertEquals(-1f, x.getAtIndex(JAVA_FLOAT, 1));
    assertEquals(3f, x.getAtIndex(JAVA_FLOAT, 2));
  }

  @Test
  void theSpecificationOfTopKTakesTheLargest() {
    MemorySegment logits = fixtures.floats(5);
    float[] values = {1, Float.NaN, 3, 3, 2};
    MemorySegment.copy(values, 0, logits, JAVA_FLOAT, 0, 5);
    MemorySegment ids = fixtures.floats(5);
    MemorySegment best = fixtures.floats(5);
    SPECIFICATION.topK(logits, 5, 5, ids, best);
    assertEquals(List.of(2, 3, 4, 0, 1), ints(ids, 5));
    assertEquals(3f, best.getAtIndex(JAVA_FLOAT, 1));
    assertEquals(Float.NEGATIVE_INFINITY, best.getAtIndex(JAVA_FLOAT, 4));
  }

  @Test
  void theSpecificationOfRopeTurnsByTheAngle() {
    MemorySegment x = fixtures.floats(4);
    MemorySegment.copy(new float[] {1, 1, 0, 1}, 0, x, JAVA_FLOAT, 0, 4);
    MemorySegment table = fixtures.floats(4); // cos, cos, sin, sin of 90° and 0°
    MemorySegment.copy(new float[] {0, 1, 1, 0}, 0, table, JAVA_FLOAT, 0, 4);
    SPECIFICATION.rope(x, 4, 1, 1, 4, fixtures.ints(0), table);
    assertEquals(0f, x.getAtIndex(JAVA_FLOAT, 0));
    assertEquals(1f, x.getAtIndex(JAVA_FLOAT, 2));
    assertEquals(1f, x.getAtIndex(JAVA_FLOAT, 1));
    assertEquals(1f, x.getAtIndex(JAVA_FLOAT, 3));
  }

  @Test
  void theExponentialIsWithinItsBound() {
    assertEquals(1f, FloatMath.exp(0));
    for (float x = -87; x < 88; x += 0.0137f) {
      double exact = Math.exp(x);
      assertEquals(exact, FloatMath.exp(x), exact * 0x1p-22, "exp " + x);
    }
  }

  @Test
  void theSpecificationOfTheNormIsCloseToDoublePrecision() {
    MemorySegment x = fixtures.normal(256);
    MemorySegment weight = fixtures.normal(256);
    MemorySegment out = fixtures.floats(256);
    SPECIFICATION.rmsNorm(x, weight, 1e-6f, 1, 256, out);
    double squares = 0;
    for (int i = 0; i < 256; i++) {
      squares += Math.pow(x.getAtIndex(JAVA_FLOAT, i), 2);
    }
    for (int i = 0; i < 256; i++) {
      double expected =
          x.getAtIndex(JAVA_FLOAT, i)
              / Math.sqrt(squares / 256 + 1e-6)
              * weight.getAtIndex(JAVA_FLOAT, i);
      assertEquals(expected, out.getAtIndex(JAVA_FLOAT, i), 1e-5, "element " + i + seed());
    }
  }

  @Test
  void memoryThatIsTooShortOrOnTheHeapOrReadOnlyIsRefused() {
    MemorySegment x = fixtures.floats(64);
    MemorySegment q8 = fixtures.bytes(QuantizedRows.bytes(1, 64));
    Matrix w = fixtures.matrix(DType.Q4, 16, 64);
    KvLayout kv = new KvLayout(KvLayout.Type.F16, 1, 16);
    MemorySegment cache = fixtures.bytes(2 * kv.blockBytes());

    List<Runnable> calls = new ArrayList<>();
    calls.add(() -> SPECIFICATION.quantize(x.asSlice(4), 1, 64, q8));
    calls.add(() -> SPECIFICATION.quantize(x, 1, 64, q8.asSlice(4)));
    calls.add(() -> SPECIFICATION.quantize(x, 1, 64, q8.asReadOnly()));
    calls.add(() -> SPECIFICATION.quantize(MemorySegment.ofArray(new float[64]), 1, 64, q8));
    calls.add(() -> SPECIFICATION.quantize(x, 1, 48, q8));
    calls.add(() -> SPECIFICATION.quantize(x, 0, 64, q8));
    calls.add(() -> SPECIFICATION.matmul(w, q8.asSlice(4), 1, x, 16, 0, 1));
    calls.add(() -> SPECIFICATION.matmul(w, q8, 2, x, 16, 0, 1));
    calls.add(() -> SPECIFICATION.matmul(w, q8, 1, x, 15, 0, 1));
    calls.add(() -> SPECIFICATION.matmul(w, q8, 1, x, 16, 0, 2));
    calls.add(() -> SPECIFICATION.matmul(w, q8, 1, x, 16, -1, 1));
    calls.add(() -> SPECIFICATION.matmul(w, q8, 1, x.asSlice(200), 16, 0, 1));
    calls.add(() -> SPECIFICATION.rmsNorm(x, x, 0, 1, 63, x));
    calls.add(() -> SPECIFICATION.scale(x, 2, 65));
    calls.add(() -> SPECIFICATION.scale(x.asReadOnly(), 2, 64));
    calls.add(() -> SPECIFICATION.embed(w, fixtures.ints(16), 1, x));
    calls.add(() -> SPECIFICATION.embed(w, fixtures.ints(-1), 1, x));
    calls.add(() -> SPECIFICATION.rope(x, 16, 1, 1, 16, fixtures.ints(4), x));
    calls.add(() -> SPECIFICATION.rope(x, 15, 1, 1, 16, fixtures.ints(0), x));
    calls.add(() -> SPECIFICATION.storeKv(kv, cache, fixtures.ints(2), 0, x, x, 16, 1));
    calls.add(() -> SPECIFICATION.storeKv(kv, cache, fixtures.ints(1), 16, x, x, 16, 1));
    calls.add(() -> SPECIFICATION.storeKv(kv, cache, fixtures.ints(1), 0, x, x, 16, 5));
    calls.add(() -> attention(kv, cache, x, 0, 3, 2));
    calls.add(() -> attention(kv, cache, x, 16, 1, 1));
    calls.add(() -> attention(kv, cache, x, -1, 1, 1));
    calls.add(() -> SPECIFICATION.topK(x, 64, 65, x, x));
    calls.add(() -> SPECIFICATION.argmax(x, 65));
    for (int i = 0; i < calls.size(); i++) {
      Runnable call = calls.get(i);
      assertThrows(IllegalArgumentException.class, call::run, "call " + i);
    }
    attention(kv, cache, x, 0, 2, 1);
  }

  private void attention(
      KvLayout kv, MemorySegment cache, MemorySegment x, int first, int heads, int end) {
    SPECIFICATION.attention(
        kv, cache, fixtures.ints(1), first, x, 32, 1, heads, 1, fixtures.floats(64), 32, 0, end);
  }

  @ParameterizedTest
  @MethodSource("io.chasqui.kernel.KernelFixtures#implementations")
  void memoryThatWasFreedIsRefused(Kernels kernels) {
    MemorySegment freed;
    try (Arena arena = Arena.ofConfined()) {
      freed = arena.allocate(64, 64);
    }
    assertThrows(IllegalStateException.class, () -> kernels.add(freed, freed, 16));
  }

  @Test
  void thisMachineHasNativeKernels() {
    // Otherwise the tests above compare nothing. A build without a C compiler has none.
    boolean required = Boolean.parseBoolean(System.getenv("CHASQUI_REQUIRE_C"));
    if (required || ForeignFunctions.class.getResource(ForeignFunctions.resource()) != null) {
      assertTrue(KernelFixtures.implementations().anyMatch(NativeKernels.class::isInstance));
    }
  }

  /** Logits of which many are equal, with zeros of both signs and some that are not numbers. */
  private MemorySegment fewDifferent(int n) {
    float[] choice = {0f, -0f, 1f, 2f, -1f, Float.NaN, Float.NEGATIVE_INFINITY};
    MemorySegment logits = fixtures.floats(n);
    for (int i = 0; i < n; i++) {
      logits.setAtIndex(JAVA_FLOAT, i, choice[fixtures.random.nextInt(choice.length)]);
    }
    return logits;
  }

  private static List<Integer> ints(MemorySegment segment, int count) {
    List<Integer> values = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      values.add(segment.getAtIndex(JAVA_INT, i));
    }
    return values;
  }

  private String seed() {
    return ", seed " + seed;
  }
}
