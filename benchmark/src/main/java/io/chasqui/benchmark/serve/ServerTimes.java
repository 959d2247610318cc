package io.chasqui.benchmark.serve;

import java.util.Optional;
import java.util.OptionalDouble;

/**
 * What a server has told of where its requests' time went, since its start: seconds of all requests
 * together, from the histograms that vLLM and Chasqui have in {@code /metrics}.
 *
 * @param requests that have ended
 * @param queue until their prompts were begun
 * @param prefill from then to the first token, which is sampled in it
 * @param decode from then to the last token, which are sampled in it
 * @param sampling the part of prefill and decode in which tokens were chosen, which only Chasqui
 *     tells
 */
public record ServerTimes(
    long requests, double queue, double prefill, double decode, OptionalDouble sampling) {
  /** Reads Prometheus' text format; none if it lacks one of the histograms. */
  static Optional<ServerTimes> parse(String metrics) {
    OptionalDouble count = sum(metrics, "vllm:request_decode_time_seconds_count");
    OptionalDouble queue = sum(metrics, "vllm:request_queue_time_seconds_sum");
    OptionalDouble prefill = sum(metrics, "vllm:request_prefill_time_seconds_sum");
    OptionalDouble decode = sum(metrics, "vllm:request_decode_time_seconds_sum");
    return count.isEmpty() || queue.isEmpty() || prefill.isEmpty() || decode.isEmpty()
        ? Optional.empty()
        : Optional.of(
            new ServerTimes(
                Math.round(count.getAsDouble()),
                queue.getAsDouble(),
                prefill.getAsDouble(),
                decode.getAsDouble(),
                sum(metrics, "chasqui_request_sampling_time_seconds_sum")));
  }

  /** Over all labels. */
  private static OptionalDouble sum(String metrics, String name) {
    return metrics
        .lines()
        .filter(line -> line.startsWith(name + " ") || line.startsWith(name + "{"))
        .map(line -> line.substring(line.indexOf('}', name.length()) + 1))
        .map(line -> line.startsWith(name) ? line.substring(name.length()) : line)
        .mapToDouble(value -> Double.parseDouble(value.strip().split("\\s+")[0]))
        .reduce(Double::sum);
  }

  /** What was added since. */
  public ServerTimes since(ServerTimes before) {
    return new ServerTimes(
        requests - before.requests,
        queue - before.queue,
        prefill - before.prefill,
        decode - before.decode,
        sampling.isPresent() && before.sampling.isPresent()
            ? OptionalDouble.of(sampling.getAsDouble() - before.sampling.getAsDouble())
            : OptionalDouble.empty());
  }
}
