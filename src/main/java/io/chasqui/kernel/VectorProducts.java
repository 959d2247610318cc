package io.chasqui.kernel;

import static io.chasqui.kernel.DType.GROUP_ROWS;
import static io.chasqui.kernel.Vectors.LANES;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/**
 * Products of weights with tokens for {@link VectorKernels}. A tile is {@value #TILE_TOKENS} tokens
 * or one, by as many rows as a vector has lanes; each lane adds up one output in the order of the
 * columns, so that a result depends on no tile.
 */
final class VectorProducts {
  static final int TILE_TOKENS = 8;

  /** Tokens that are prepared at once: few enough for their quants to stay in the caches. */
  private static final int CHUNK_TOKENS = 16;

  private VectorProducts() {}

  static void matmul(
      Matrix w,
      MemorySegment x,
      int m,
      MemorySegment out,
      int outStride,
      int groupFrom,
      int groupTo) {
    VectorTiles tiles = VectorTiles.of(w, Math.min(m, CHUNK_TOKENS));
    for (int from = 0; from < m; from += CHUNK_TOKENS) {
      int to = Math.min(m, from + CHUNK_TOKENS);
      tiles.prepare(x, from, to - from);
      for (int row = groupFrom * GROUP_ROWS; row < groupTo * GROUP_ROWS; row += LANES) {
        for (int t = from, tokens; t < to; t += tokens) {
          tokens = tokens(to - t);
          float[] sums = tiles.multiply(row, t - from, tokens);
          for (int i = 0; i < tokens; i++) {
            FloatVector sum = FloatVector.fromArray(Vectors.FLOATS, sums, i * LANES);
            Vectors.store(sum, out, 4 * ((long) (t + i) * outStride + row));
          }
        }
      }
    }
  }

  static void gateUp(
      Matrix gate,
      Matrix up,
      MemorySegment x,
      int m,
      MemorySegment out,
      int outStride,
      int groupFrom,
      int groupTo) {
    VectorTiles gates = VectorTiles.of(gate, Math.min(m, CHUNK_TOKENS));
    VectorTiles ups = VectorTiles.of(up, Math.min(m, CHUNK_TOKENS));
    for (int from = 0; from < m; from += CHUNK_TOKENS) {
      int to = Math.min(m, from + CHUNK_TOKENS);
      gates.prepare(x, from, to - from);
      ups.prepare(x, from, to - from);
      for (int row = groupFrom * GROUP_ROWS; row < groupTo * GROUP_ROWS; row += LANES) {
        for (int t = from, tokens; t < to; t += tokens) {
          tokens = tokens(to - t);
          float[] gated = gates.multiply(row, t - from, tokens);
          float[] sums = ups.multiply(row, t - from, tokens);
          for (int i = 0; i < tokens; i++) {
            FloatVector g = FloatVector.fromArray(Vectors.FLOATS, gated, i * LANES);
            FloatVector u = FloatVector.fromArray(Vectors.FLOATS, sums, i * LANES);
            Vectors.store(Vectors.silu(g).mul(u), out, 4 * ((long) (t + i) * outStride + row));
          }
        }
      }
    }
  }

  private static int tokens(int left) {
    return left >= TILE_TOKENS ? TILE_TOKENS : 1;
  }
}
