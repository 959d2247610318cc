package io.chasqui.benchmark.serve;

import java.util.Locale;
import java.util.Optional;

/**
 * What a server has told of where its requests' time went, since its start: seconds of all requests
 * together, from the histograms that vLLM and Chasqui have in {@code /metrics}.
 *
 * @param requests that have ended
 * @param queue until their prompts were begun
 * @param prefill from then to the first token, which is sampled in it
 * @param decode from then to the last token, which are sampled in it
 */
public record ServerTimes(long requests, double queue, double prefill, double decode) {
  /** Reads Prometheus' text format; none if it lacks one of the histograms. */
  static Optional<ServerTimes> parse(String metrics) {
    Optional<Double> count = sum(metrics, "decode", "count");
    Optional<Double> queue = sum(metrics, "queue", "sum");
    Optional<Double> prefill = sum(metrics, "prefill", "sum");
    Optional<Double> decode = sum(metrics, "decode", "sum");
    return count.isEmpty() || queue.isEmpty() || prefill.isEmpty() || decode.isEmpty()
        ? Optional.empty()
        : Optional.of(
            new ServerTimes(Math.round(count.get()), queue.get(), prefill.get(), decode.get()));
  }

  /** Over all labels. */
  private static Optional<Double> sum(String metrics, String part, String of) {
    String name = String.format(Locale.ROOT, "vllm:request_%s_time_seconds_%s", part, of);
    return metrics
        .lines()
        .filter(line -> line.startsWith(name + " ") || line.startsWith(name + "{"))
        .map(line -> line.substring(line.indexOf('}', name.length()) + 1))
        .map(line -> line.startsWith(name) ? line.substring(name.length()) : line)
        .map(value -> Double.valueOf(value.strip().split("\\s+")[0]))
        .reduce(Double::sum);
  }

  /** What was added since. */
  public ServerTimes since(ServerTimes before) {
    return new ServerTimes(
        requests - before.requests,
        queue - before.queue,
        prefill - before.prefill,
        decode - before.decode);
  }
}
