package io.chasqui.benchmark.serve;

import io.chasqui.benchmark.servers.ServerMetrics;
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
  /** None if the server lacks one of the histograms. */
  static Optional<ServerTimes> of(ServerMetrics metrics) {
    OptionalDouble count = metrics.sum("vllm:request_decode_time_seconds_count");
    OptionalDouble queue = metrics.sum("vllm:request_queue_time_seconds_sum");
    OptionalDouble prefill = metrics.sum("vllm:request_prefill_time_seconds_sum");
    OptionalDouble decode = metrics.sum("vllm:request_decode_time_seconds_sum");
    return count.isEmpty() || queue.isEmpty() || prefill.isEmpty() || decode.isEmpty()
        ? Optional.empty()
        : Optional.of(
            new ServerTimes(
                Math.round(count.getAsDouble()),
                queue.getAsDouble(),
                prefill.getAsDouble(),
                decode.getAsDouble(),
                metrics.sum("chasqui_request_sampling_time_seconds_sum")));
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
