package io.chasqui.kernel;

import static io.chasqui.kernel.KernelFixtures.SPECIFICATION;
import static io.chasqui.kernel.KernelFixtures.assertSameBits;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.MemorySegment;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every implementation against the specification, bit for bit; and the specification itself. */
class AttentionTest {
  private final long seed = new Random().nextLong();
  private final KernelFixtures fixtures = new KernelFixtures(seed);

  /** Keys and values of a sequence in shuffled blocks, among blocks full of other bytes. */
  private final class Cache {
    final KvLayout kv;
    final int positions;
    final MemorySegment k;
    final MemorySegment v;
    final MemorySegment blocks;
    final MemorySegment bytes;

    Cache(KvLayout kv, int positions, Kernels kernels) {
      this.kv = kv;
      this.positions = positions;
      int width = kv.kvHeads() * kv.headSize();
      k = fixtures.normal((long) positions * width);
      v = fixtures.normal((long) positions * width);
      int count = KvLayout.blocks(positions);
      int spare = 3;
      bytes = fixtures.bytes((count + spare) * kv.blockBytes());
      bytes.fill((byte) 0xff); // all NaN, which a kernel that reads too far would bring to light
      blocks = fixtures.ints(shuffled(count + spare));
      int first = fixtures.random.nextInt(positions);
      if (first > 0) {
        kernels.storeKv(kv, bytes, blocks, 0, k, v, width, first);
      }
      long from = (long) first * width * Float.BYTES;
      kernels.storeKv(
          kv, bytes, blocks, first, k.asSlice(from), v.asSlice(from), width, positions - first);
    }

    private int[] shuffled(int count) {
      int[] ids = IntStream.range(0, count).toArray();
      for (int i = count - 1; i > 0; i--) {
        int j = fixtures.random.nextInt(i + 1);
        int swapped = ids[i];
        ids[i] = ids[j];
        ids[j] = swapped;
      }
      return ids;
    }
  }

  @ParameterizedTest
  @MethodSource("io.chasqui.kernel.KernelFixtures#implementations")
  void attentionHasTheBitsOfTheSpecification(Kernels kernels) {
    for (KvLayout.Type type : KvLayout.Type.values()) {
      for (int headSize : new int[] {16, 48, 64, 128, 256}) {
        for (int group : new int[] {1, 2, 3, 4, 7, 8}) {
          int kvHeads = 1 + fixtures.random.nextInt(3);
          int m = 1 + fixtures.random.nextInt(20);
          int first = fixtures.random.nextInt(70);
          Cache cache = new Cache(new KvLayout(type, kvHeads, headSize), first + m, SPECIFICATION);
          int heads = kvHeads * group;
          int stride = heads * headSize + fixtures.random.nextInt(4);
          MemorySegment q = fixtures.normal((long) m * stride);
          int from = fixtures.random.nextInt(kvHeads);
          MemorySegment expected = fixtures.floats((long) m * stride);
          MemorySegment actual = fixtures.floats((long) m * stride);
          float scale = (float) (1 / Math.sqrt(headSize));
          for (Kernels each : new Kernels[] {SPECIFICATION, kernels}) {
            MemorySegment out = each.equals(kernels) ? actual : expected;
            each.attention(
                cache.kv,
                cache.bytes,
                cache.blocks,
                first,
                q,
                stride,
                m,
                heads,
                scale,
                out,
                stride,
                from,
                kvHeads);
          }
          assertSameBits(
              expected,
              actual,
              "%s m=%d first=%d group=%d, seed %d".formatted(cache.kv, m, first, group, seed));
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("io.chasqui.kernel.KernelFixtures#implementations")
  void storedKeysAndValuesHaveTheBitsOfTheSpecification(Kernels kernels) {
    for (KvLayout.Type type : KvLayout.Type.values()) {
      KvLayout kv = new KvLayout(type, 2, 80);
      int m = 37;
      MemorySegment x = fixtures.normal(m * 160L);
      for (int i = 0; i < m * 160; i++) {
        int exponent = i / 160 % 5 == 0 ? 0 : fixtures.random.nextInt(-30, 20);
        x.setAtIndex(JAVA_FLOAT, i, x.getAtIndex(JAVA_FLOAT, i) * (float) Math.pow(2, exponent));
      }
      x.asSlice(160 * 4, 80 * 4).fill((byte) 0);
      MemorySegment blocks = fixtures.ints(3, 0, 2, 1);
      MemorySegment expected = fixtures.bytes(4 * kv.blockBytes());
      MemorySegment actual = fixtures.bytes(4 * kv.blockBytes());
      SPECIFICATION.storeKv(kv, expected, blocks, 5, x, x, 160, m);
      kernels.storeKv(kv, actual, blocks, 5, x, x, 160, m);
      assertSameBits(expected, actual, type + ", seed " + seed);
    }
  }

  @ParameterizedTest
  @MethodSource("io.chasqui.kernel.KernelFixtures#implementations")
  void aTokensResultDependsNotOnTheTokensComputedWithIt(Kernels kernels) {
    for (KvLayout.Type type : KvLayout.Type.values()) {
      int m = 23;
      int first = 9;
      Cache cache = new Cache(new KvLayout(type, 2, 64), first + m, kernels);
      int width = 6 * 64;
      MemorySegment q = fixtures.normal((long) m * width);
      MemorySegment together = fixtures.floats((long) m * width);
      kernels.attention(
          cache.kv,
          cache.bytes,
          cache.blocks,
          first,
          q,
          width,
          m,
          6,
          0.125f,
          together,
          width,
          0,
          2);
      for (int t = 0; t < m; t++) {
        MemorySegment alone = fixtures.floats(width);
        long row = (long) t * width * Float.BYTES;
        for (int head = 0; head < 2; head++) {
          kernels.attention(
              cache.kv,
              cache.bytes,
              cache.blocks,
              first + t,
              q.asSlice(row),
              width,
              1,
              6,
              0.125f,
              alone,
              width,
              head,
              head + 1);
        }
        assertSameBits(
            together.asSlice(row, width * 4L), alone, type + " token " + t + ", seed " + seed);
      }
    }
  }

  @Test
  void theSpecificationIsCloseToSoftmaxInDoublePrecision() {
    for (KvLayout.Type type : KvLayout.Type.values()) {
      int positions = 100;
      int size = 64;
      Cache cache = new Cache(new KvLayout(type, 1, size), positions, SPECIFICATION);
      MemorySegment q = fixtures.normal(2L * size);
      MemorySegment out = fixtures.floats(2L * size);
      SPECIFICATION.attention(
          cache.kv,
          cache.bytes,
          cache.blocks,
          positions - 1,
          q,
          2 * size,
          1,
          2,
          0.25f,
          out,
          2 * size,
          0,
          1);
      for (int head = 0; head < 2; head++) {
        double[] expected = softmaxAverage(cache, q, head * size);
        for (int d = 0; d < size; d++) {
          double bound = type == KvLayout.Type.F16 ? 0.005 : 0.05;
          assertEquals(
              expected[d], out.getAtIndex(JAVA_FLOAT, head * size + d), bound, "seed " + seed);
        }
      }
    }
  }

  private static double[] softmaxAverage(Cache cache, MemorySegment q, int query) {
    int size = cache.kv.headSize();
    double sum = 0;
    double[] average = new double[size];
    for (int p = 0; p < cache.positions; p++) {
      double dot = 0;
      for (int d = 0; d < size; d++) {
        double key = cache.k.getAtIndex(JAVA_FLOAT, (long) p * size + d);
        dot += key * q.getAtIndex(JAVA_FLOAT, query + d);
      }
      double weight = Math.exp(dot * 0.25);
      sum += weight;
      for (int d = 0; d < size; d++) {
        average[d] += weight * cache.v.getAtIndex(JAVA_FLOAT, (long) p * size + d);
      }
    }
    for (int d = 0; d < size; d++) {
      average[d] /= sum;
    }
    return average;
  }
}
