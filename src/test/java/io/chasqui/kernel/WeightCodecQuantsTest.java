package io.chasqui.kernel;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Quants that exist already are laid down as they are. */
class WeightCodecQuantsTest {
  private static final int COLUMNS = 96;

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"Q4", "Q8"})
  void theyDecodeToThemselvesTimesTheScale(DType dtype) {
    long seed = System.nanoTime();
    var random = new SplittableRandom(seed);
    int least = dtype == DType.Q4 ? -8 : -127;
    int most = dtype == DType.Q4 ? 7 : 127;
    byte[] quants = new byte[16 * COLUMNS];
    for (int i = 0; i < quants.length; i++) {
      quants[i] = (byte) random.nextInt(least, most + 1);
    }
    float[] scales = new float[16 * COLUMNS / 32];
    for (int i = 0; i < scales.length; i++) {
      scales[i] = (float) random.nextDouble(-2, 2);
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment group = arena.allocate(dtype.groupBytes(COLUMNS));
      float[] decoded = new float[quants.length];

      WeightCodec.encodeQuants(dtype, quants, scales, COLUMNS, group);

      WeightCodec.decode(dtype, group, COLUMNS, decoded);
      for (int i = 0; i < quants.length; i++) {
        float scale = Float.float16ToFloat(Float.floatToFloat16(scales[i / 32]));
        assertEquals(quants[i] * scale, decoded[i], "element " + i + " of seed " + seed);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"Q4", "Q8"})
  void theyLieWhereThoseOfFloatsDo(DType dtype) {
    var random = new SplittableRandom(7);
    int extreme = dtype == DType.Q4 ? -8 : -127;
    byte[] quants = new byte[16 * COLUMNS];
    float[] floats = new float[quants.length];
    float[] scales = new float[quants.length / 32];
    for (int i = 0; i < quants.length; i++) {
      // With the extreme quant in it, a block of floats has the same scale.
      quants[i] = (byte) (i % 32 == 5 ? extreme : random.nextInt(extreme, -extreme));
      scales[i / 32] = 0.5f;
      floats[i] = quants[i] * 0.5f;
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment fromQuants = arena.allocate(dtype.groupBytes(COLUMNS));
      MemorySegment fromFloats = arena.allocate(dtype.groupBytes(COLUMNS));

      WeightCodec.encodeQuants(dtype, quants, scales, COLUMNS, fromQuants);
      WeightCodec.encode(dtype, floats, COLUMNS, fromFloats);

      assertArrayEquals(
          fromFloats.toArray(ValueLayout.JAVA_BYTE), fromQuants.toArray(ValueLayout.JAVA_BYTE));
    }
  }

  @Test
  void whatTheTypeCannotHoldIsRefused() {
    assertRefused(DType.Q4, 8, 1);
    assertRefused(DType.Q4, -9, 1);
    assertRefused(DType.Q8, -128, 1);
    assertRefused(DType.Q8, 0, 70_000);
    assertRefused(DType.Q8, 0, Float.NaN);
    assertRefused(DType.BF16, 0, 1);
  }

  private static void assertRefused(DType dtype, int quant, float scale) {
    byte[] quants = new byte[16 * 32];
    quants[100] = (byte) quant;
    float[] scales = new float[16];
    scales[3] = scale;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment group = arena.allocate(dtype.groupBytes(32));
      assertThrows(
          IllegalArgumentException.class,
          () -> WeightCodec.encodeQuants(dtype, quants, scales, 32, group));
    }
  }
}
