package io.chasqui.engine;

import java.time.Duration;

/**
 * Where a request's time went.
 *
 * @param queue from submission until its prompt was begun
 * @param prefill from then until the first token was chosen
 * @param decode from then until the last token was chosen
 * @param sampling the part of prefill and decode from when the scores of tokens were computed until
 *     one was chosen, together with those of all who shared the step
 */
public record Timings(Duration queue, Duration prefill, Duration decode, Duration sampling) {
  /** Time to first token (TTFT), as the engine sees it. */
  public Duration timeToFirstToken() {
    return queue.plus(prefill);
  }
}
