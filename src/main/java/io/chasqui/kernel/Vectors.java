package io.chasqui.kernel;

import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.B2F;
import static jdk.incubator.vector.VectorOperators.GE;
import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LT;
import static jdk.incubator.vector.VectorOperators.S2I;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * Vectors as wide as this machine has them, of 4, 8 or 16 floats. The 16 lanes that {@link
 * ScalarKernels} speaks of are {@link #PARTS} such vectors, which are taken one after another.
 *
 * <p>Species are constants, and no vector is kept in a field or an array: the compiler turns only
 * such code into vector instructions.
 */
final class Vectors {
  /** The lanes of the specification. */
  static final int ALL_LANES = 16;

  static final VectorSpecies<Float> FLOATS =
      VectorSpecies.of(float.class, shape(FloatVector.SPECIES_PREFERRED.vectorBitSize(), 128, 512));
  static final VectorSpecies<Integer> INTS = FLOATS.withLanes(int.class);
  static final VectorSpecies<Short> SHORTS = FLOATS.withLanes(short.class);

  static final int LANES = FLOATS.length();
  static final int PARTS = ALL_LANES / LANES;

  /** As many shorts as {@link #FLOATS} has floats. */
  private static final VectorSpecies<Short> HALVES =
      VectorSpecies.of(short.class, shape(LANES * Short.SIZE, 64, 256));

  /** As many bytes as {@link #FLOATS} has floats, or the 8 that are the least. */
  private static final VectorSpecies<Byte> BYTES =
      VectorSpecies.of(byte.class, shape(LANES * Byte.SIZE, 64, 128));

  /**
   * Added to a float of a magnitude below 2²² this rounds it to an integer, to nearest with ties to
   * even, which is then in the lowest bits.
   */
  private static final float ROUNDER = 0x1.8p23f;

  private Vectors() {}

  private static VectorShape shape(int bits, int least, int most) {
    return VectorShape.forBitSize(Math.clamp(bits, least, most));
  }

  static FloatVector zero() {
    return FloatVector.zero(FLOATS);
  }

  static FloatVector all(float value) {
    return FloatVector.broadcast(FLOATS, value);
  }

  static FloatVector load(MemorySegment segment, long offset) {
    return FloatVector.fromMemorySegment(FLOATS, segment, offset, ByteOrder.LITTLE_ENDIAN);
  }

  static void store(FloatVector vector, MemorySegment segment, long offset) {
    vector.intoMemorySegment(segment, offset, ByteOrder.LITTLE_ENDIAN);
  }

  static IntVector loadInts(MemorySegment segment, long offset) {
    return IntVector.fromMemorySegment(INTS, segment, offset, ByteOrder.LITTLE_ENDIAN);
  }

  /** Signed bytes as floats. Of 4 lanes 8 bytes are read. */
  static FloatVector loadBytes(MemorySegment segment, long offset) {
    var bytes = ByteVector.fromMemorySegment(BYTES, segment, offset, ByteOrder.LITTLE_ENDIAN);
    return (FloatVector) bytes.convertShape(B2F, FLOATS, 0);
  }

  /** Float16 as floats. */
  static FloatVector loadHalves(MemorySegment segment, long offset) {
    var halves = ShortVector.fromMemorySegment(HALVES, segment, offset, ByteOrder.LITTLE_ENDIAN);
    IntVector bits = (IntVector) halves.convertShape(S2I, INTS, 0);
    // The sign stays where its extension has put it; the rest goes to its place, where only the
    // bias of the exponent is another. Denormal numbers come out right too.
    FloatVector small = bits.lanewise(LSHL, 13).and(0x8fffe000).reinterpretAsFloats();
    FloatVector value = small.mul(0x1p112f);
    IntVector infinite = value.reinterpretAsInts().or(0x7f800000);
    return value.blend(infinite.reinterpretAsFloats(), value.abs().compare(GE, 65536f));
  }

  /** {@link FloatMath#exp}. */
  static FloatVector exp(FloatVector x) {
    x = x.blend(-87.33654f, x.compare(LT, -87.33654f));
    x = x.blend(88.37626f, x.compare(GT, 88.37626f));
    FloatVector rounded = x.mul(1.442695f).add(ROUNDER);
    FloatVector n = rounded.sub(ROUNDER);
    FloatVector r = n.fma(all(-0.6933594f), x);
    r = n.fma(all(2.1219444e-4f), r);
    FloatVector p = all(1.9875691e-4f);
    p = p.fma(r, all(0.0013981999f));
    p = p.fma(r, all(0.008333452f));
    p = p.fma(r, all(0.041665796f));
    p = p.fma(r, all(0.16666666f));
    p = p.fma(r, all(0.5f));
    FloatVector y = p.fma(r.mul(r), r).add(1);
    // Of the bits of what was rounded, those above n are shifted out.
    IntVector exponent = rounded.reinterpretAsInts().add(127).lanewise(LSHL, 23);
    return y.mul(exponent.reinterpretAsFloats());
  }

  /** {@link FloatMath#silu}. */
  static FloatVector silu(FloatVector x) {
    return x.div(exp(x.neg()).add(1));
  }

  /** {@link ScalarKernels#quant}. */
  static IntVector quants(FloatVector x) {
    FloatVector atLeast = all(-127).blend(x, x.compare(GT, -127f));
    FloatVector within = atLeast.blend(127f, atLeast.compare(GT, 127f));
    // What is left above the quant is the sign of the rounder's own bits: 0.
    return within.add(ROUNDER).reinterpretAsInts().lanewise(LSHL, 16).lanewise(ASHR, 16);
  }
}
