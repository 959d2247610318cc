package io.chasqui.benchmark.serve;

import io.chasqui.benchmark.results.Quantity;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.ToDoubleFunction;

/**
 * Where the time of a rate's mean request went, in milliseconds. Queue, prefill and decode are the
 * server's own; the client's delay is measured; the rest of what the client sees is HTTP, network,
 * and tokenization if text is sent.
 */
final class LatencySplit {
  private static final double MILLIS = 1000;

  private LatencySplit() {}

  /**
   * The parts; none if the server has ended another number of requests than the client had
   * answered, so that the two means would be of different requests.
   *
   * @param answers all complete ones of the time in which the server has measured
   */
  static Optional<Map<Quantity, Double>> of(List<Answer> answers, ServerTimes server) {
    if (answers.isEmpty() || server.requests() != answers.size()) {
      return Optional.empty();
    }
    double endToEnd = mean(answers, Answer::endToEndMillis);
    double delay = mean(answers, Answer::sendDelayMillis);
    double queue = MILLIS * server.queue() / answers.size();
    double prefill = MILLIS * server.prefill() / answers.size();
    double decode = MILLIS * server.decode() / answers.size();
    Map<Quantity, Double> parts = new LinkedHashMap<>();
    parts.put(part("end-to-end"), endToEnd);
    parts.put(part("queue"), queue);
    parts.put(part("prefill"), prefill);
    parts.put(part("decode"), decode);
    server
        .sampling()
        .ifPresent(seconds ->
            parts.put(part("sampling, in prefill and decode"), MILLIS * seconds / answers.size()));
    parts.put(part("client's delay"), delay);
    parts.put(part("remainder"), endToEnd - delay - queue - prefill - decode);
    return Optional.of(parts);
  }

  static Quantity part(String name) {
    return Quantity.lower("mean " + name, "ms", 2);
  }

  private static double mean(List<Answer> answers, ToDoubleFunction<Answer> millis) {
    return answers.stream().mapToDouble(millis).average().orElseThrow();
  }
}
