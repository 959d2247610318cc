package io.chasqui.http;

import io.chasqui.config.ChasquiConfig;
import io.vertx.core.Context;
import io.vertx.ext.web.RoutingContext;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.concurrent.Semaphore;
import java.util.function.Supplier;

/**
 * What requests may take of the heap before the engine has them and after it has answered. A body
 * of JSON becomes a tree, texts, a prompt and token ids, which together take up to thirty times as
 * much: so few bodies are worked on at once, one for each processor, and no body is larger than
 * what a prompt can need.
 */
@Singleton
class RequestMemory {
  /** Names, values and fields besides the prompt. */
  private static final long FIXED_BYTES = 64 << 10;

  /** Of JSON for a token of the prompt: most tokens have 4 letters, and an escaped letter 6. */
  private static final long BYTES_PER_TOKEN = 64;

  /** What a body takes at most while it is worked on, as measured; in sizes of the body. */
  private static final long WORK = 32;

  /** The part of the heap that is for work on bodies: a fifth. */
  private static final long WORK_SHARE = 5;

  /** The part of the heap that is for bodies, and that for whole answers: a sixteenth each. */
  private static final long SHARE = 16;

  /**
   * The tree of a conversation of many short messages is as large; in sizes of the largest body.
   */
  private static final long TREE = 4;

  /** What an open stream of HTTP/2 takes, the head of its request included, as measured. */
  private static final long STREAM = 32 << 10;

  /** The part of the heap that is for open streams of HTTP/2: an eighth. */
  private static final long STREAM_SHARE = 8;

  /** What a browser or a proxy may have on one connection, and some more. */
  private static final long LEAST_STREAMS = 128;

  private final int largestBody;
  private final int streams;
  private final FairShare bodies;
  private final long mostOfAnswers;
  private final FairShare answers;
  private final Semaphore workers;

  @Inject
  RequestMemory(ChasquiConfig config) {
    this(
        Runtime.getRuntime().maxMemory(),
        config
            .maxBodySize()
            .map(size -> size.asLongValue())
            .orElse(FIXED_BYTES + BYTES_PER_TOKEN * config.maxModelLen()),
        Runtime.getRuntime().availableProcessors());
  }

  /**
   * @param heap bytes that the heap may have
   * @param wantedBody bytes that a body should be able to have
   */
  RequestMemory(long heap, long wantedBody, int processors) {
    long work = heap / WORK_SHARE;
    largestBody = (int) Math.min(Math.min(wantedBody, work / WORK), Integer.MAX_VALUE / 2);
    bodies = new FairShare(heap / SHARE);
    streams = (int) Math.clamp(heap / STREAM_SHARE / STREAM, LEAST_STREAMS, Integer.MAX_VALUE);
    mostOfAnswers = heap / SHARE;
    answers = new FairShare(mostOfAnswers);
    workers = new Semaphore((int) Math.clamp(work / (WORK * largestBody), 1, processors), true);
  }

  /** Bytes that a body may have. */
  int largestBody() {
    return largestBody;
  }

  /** Bytes that all bodies may have together until their requests are with the engine. */
  FairShare bodies() {
    return bodies;
  }

  /** Streams of HTTP/2 that may be open, of all connections together. */
  int streams() {
    return streams;
  }

  /** What the whole answer of a request takes until it is written or the client has left. */
  AnswerMemory answer(RoutingContext client) {
    Context eventLoop = client.vertx().getOrCreateContext();
    FairShare.Part part =
        answers
        .new Part(
            FairShare.owner(client),
            () -> eventLoop.runOnContext(v -> Connection.breakOff(client)));
    ClientWait.of(client).add(part);
    client.addEndHandler(ended -> part.end());
    return new AnswerMemory(part, mostOfAnswers);
  }

  /** The body of a request, which the request no longer holds then. */
  RequestBody body(RoutingContext client) {
    return BodyReader.take(client, TREE * largestBody);
  }

  /** Does work that takes much more memory than its request, when it is its turn. */
  <T> T work(Supplier<T> work) {
    workers.acquireUninterruptibly();
    try {
      return work.get();
    } finally {
      workers.release();
    }
  }
}
