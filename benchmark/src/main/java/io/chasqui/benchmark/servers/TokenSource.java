package io.chasqui.benchmark.servers;

import java.io.IOException;
import java.util.function.IntConsumer;

/** What answers streams: a server. */
public interface TokenSource {
  /**
   * Sends a request and reads its answer to its end. Several threads may do so at once.
   *
   * @param progress is told how many tokens have come, with each
   * @throws IOException if the answer is not what was asked for, or breaks off
   */
  TokenTimes stream(StreamRequest request, IntConsumer progress)
      throws IOException, InterruptedException;
}
