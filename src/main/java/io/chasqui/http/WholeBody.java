package io.chasqui.http;

import io.smallrye.mutiny.Multi;
import jakarta.ws.rs.core.Response;
import java.util.Arrays;
import java.util.function.Supplier;

/**
 * A body that is known as a whole. The network gets little of it at a time, so that what its reader
 * leaves unread is in memory once, and counted.
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record WholeBody(byte[] bytes) implements PacedBody {
  private static final int PIECE = 16 << 10;

  /**
   * A response with such a body.
   *
   * @param type what it is
   * @param part the memory of the answer, with what the body was made of, which is given back
   * @throws ApiException if answers that are not read yet take all the memory for answers
   */
  static Response response(byte[] bytes, String type, FairShare.Part part) {
    part.giveBack();
    if (!part.take(bytes.length)) {
      throw ApiException.tooManyAnswers();
    }
    return Response.ok(new WholeBody(bytes), type).build();
  }

  @Override
  public Multi<Supplier<byte[]>> pieces() {
    return Multi.createFrom()
        .range(0, Math.ceilDiv(bytes.length, PIECE))
        .map(i ->
            () -> Arrays.copyOfRange(bytes, i * PIECE, Math.min((i + 1) * PIECE, bytes.length)));
  }
}
