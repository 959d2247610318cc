package io.chasqui.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class WeightCodecTest {
  private static final int COLUMNS = 96;

  private final MemorySegment bytes = Arena.ofAuto().allocate(DType.F32.groupBytes(COLUMNS));

  @ParameterizedTest
  @EnumSource
  void decodedWeightsAreWithinTheRoundingOfTheirType(DType dtype) {
    long seed = new Random().nextLong();
    float[] rows = randomRows(seed);
    float[] decoded = roundTrip(dtype, rows);

    for (int i = 0; i < rows.length; i++) {
      // Half a step, and a Q4 block has no quant for the extreme's mirror image (7 of 8 steps).
      float step =
          switch (dtype) {
            case Q4 -> 1.02f / 8;
            case Q8 -> 0.51f / 127;
            case BF16 -> Math.abs(rows[i]) / 256;
            case F32 -> 0;
          };
      assertEquals(rows[i], decoded[i], step, dtype + " element " + i + ", seed " + seed);
    }
  }

  @Test
  void encodingWhatWasDecodedChangesNoByte() {
    for (DType dtype : new DType[] {DType.Q8, DType.BF16, DType.F32}) {
      float[] once = roundTrip(dtype, randomRows(7));
      byte[] first = group(dtype).toArray(ValueLayout.JAVA_BYTE);
      roundTrip(dtype, once);
      assertEquals(
          MemorySegment.ofArray(first).mismatch(group(dtype)), -1, dtype + " is not stable");
    }
  }

  @Test
  void q4KeepsTheValueOfLargestMagnitudeAsQuantMinusEight() {
    float[] rows = new float[16 * COLUMNS];
    rows[COLUMNS + 33] = 4f; // row 1, block 1, column 1
    rows[COLUMNS + 34] = -4f;
    rows[COLUMNS + 33 + 16] = 2f;
    WeightCodec.encode(DType.Q4, rows, COLUMNS, group(DType.Q4));

    long block = DType.Q4.blockBytes();
    assertEquals(-0.5f, Float.float16ToFloat(group(DType.Q4).get(WeightCodec.SHORT, block + 2)));
    assertEquals(0x40, byteAt(block + 32 + 4 + 1), "quants −8 (as 0) and −4 (as 4) share a byte");
    assertEquals(0x8f, byteAt(block + 32 + 4 + 2), "8 steps down are clamped to 7 (as 15)");
  }

  @Test
  void q8StoresFourColumnsOfEveryRowTogether() {
    float[] rows = new float[16 * COLUMNS];
    rows[2 * COLUMNS + 5] = 127f; // row 2, step 1, byte 1
    rows[2 * COLUMNS + 6] = -127f;
    WeightCodec.encode(DType.Q8, rows, COLUMNS, group(DType.Q8));

    long step = 32 + (16 + 2) * 4L;
    assertEquals(1f, Float.float16ToFloat(group(DType.Q8).get(WeightCodec.SHORT, 4)));
    assertEquals(255, byteAt(step + 1));
    assertEquals(1, byteAt(step + 2));
    assertEquals(128, byteAt(step + 3));
  }

  @Test
  void zerosStayZero() {
    for (DType dtype : DType.values()) {
      for (float weight : roundTrip(dtype, new float[16 * COLUMNS])) {
        assertEquals(0f, weight, dtype.name());
      }
    }
  }

  @Test
  void weightsThatNoScaleCanHoldAreRefused() {
    float[] rows = new float[16 * COLUMNS];
    for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY, 1e30f}) {
      rows[40] = bad;
      assertThrows(
          IllegalArgumentException.class,
          () -> WeightCodec.encode(DType.Q4, rows, COLUMNS, group(DType.Q4)));
    }
  }

  @Test
  void aMatrixHasExactlyTheBytesOfItsShape() {
    assertEquals(2 * 2 * 288, DType.Q4.bytes(17, 64));
    assertThrows(IllegalArgumentException.class, () -> DType.Q4.bytes(16, 33));
    IllegalArgumentException refused =
        assertThrows(
            IllegalArgumentException.class,
            () -> new Matrix(DType.Q8, 16, 32, bytes.asSlice(0, 543)));
    assertTrue(refused.getMessage().contains("544"), refused.getMessage());
  }

  private float[] roundTrip(DType dtype, float[] rows) {
    WeightCodec.encode(dtype, rows, COLUMNS, group(dtype));
    float[] decoded = new float[rows.length];
    WeightCodec.decode(dtype, group(dtype), COLUMNS, decoded);
    return decoded;
  }

  private MemorySegment group(DType dtype) {
    return bytes.asSlice(0, dtype.groupBytes(COLUMNS));
  }

  private int byteAt(long offset) {
    return bytes.get(ValueLayout.JAVA_BYTE, offset) & 0xff;
  }

  private static float[] randomRows(long seed) {
    Random random = new Random(seed);
    float[] rows = new float[16 * COLUMNS];
    for (int i = 0; i < rows.length; i++) {
      rows[i] = random.nextFloat() * 2 - 1;
    }
    return rows;
  }
}
