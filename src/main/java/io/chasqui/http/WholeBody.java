package io.chasqui.http;

import io.smallrye.mutiny.Multi;
import java.util.Arrays;
import java.util.function.Supplier;

/**
 * A body that is known as a whole. The network gets little of it at a time, so that what its reader
 * leaves unread is in memory once, and counted.
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record WholeBody(byte[] bytes) implements PacedBody {
  private static final int PIECE = 16 << 10;

  @Override
  public Multi<Supplier<byte[]>> pieces() {
    return Multi.createFrom()
        .range(0, Math.ceilDiv(bytes.length, PIECE))
        .map(i ->
            () -> Arrays.copyOfRange(bytes, i * PIECE, Math.min((i + 1) * PIECE, bytes.length)));
  }
}
