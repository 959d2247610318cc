package io.chasqui.http;

import io.smallrye.mutiny.Multi;
import jakarta.ws.rs.core.Response;

/**
 * A body that is known as a whole. The network gets little of it at a time, so that what its reader
 * leaves unread is in memory once, and counted.
 */
record WholeBody(Pieces body) implements PacedBody {
  /**
   * A response with such a body.
   *
   * @param type what it is
   * @param memory of the answer: what the body was made of is given back
   * @throws ApiException if answers that are not read yet take all the memory for answers
   */
  static Response response(Pieces body, String type, AnswerMemory memory) {
    memory.giveBack();
    memory.take(body.length());
    return Response.ok(new WholeBody(body), type).build();
  }

  @Override
  public Multi<Iterable<byte[]>> pieces() {
    return Multi.createFrom().item(body.all());
  }
}
