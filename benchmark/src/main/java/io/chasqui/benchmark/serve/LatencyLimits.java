package io.chasqui.benchmark.serve;

/**
 * What an answer must keep to be a good one: MLPerf Inference's limits for Llama 2 70B. There they
 * hold for 99 % of the answers; here they hold for an answer, and goodput is how many keep them.
 *
 * @see <a href="https://mlcommons.org/2024/03/mlperf-llama2-70b/">MLCommons: Llama 2 70B</a> and <a
 *     href="https://github.com/mlcommons/inference/blob/master/loadgen/mlperf.conf">mlperf.conf</a>
 *     for the server scenario
 * @see <a href="https://mlcommons.org/2025/04/llm-inference-v5/">MLCommons: LLM inference v5.0</a>
 *     for the interactive one
 */
public enum LatencyLimits {
  /** {@code llama2-70b.Server.ttft_latency} and {@code tpot_latency}. */
  SERVER("server", 2000, 200),

  /** Of {@code llama2-70b-interactive}. */
  INTERACTIVE("interactive", 450, 40);

  final String title;
  private final double firstTokenMillis;
  private final double perTokenMillis;

  LatencyLimits(String title, double firstTokenMillis, double perTokenMillis) {
    this.title = title;
    this.firstTokenMillis = firstTokenMillis;
    this.perTokenMillis = perTokenMillis;
  }

  /** Whether an answer is complete and was quick enough. */
  public boolean keeps(Answer answer) {
    return answer.isComplete()
        && answer.firstTokenMillis() <= firstTokenMillis
        && answer.perTokenMillis().orElse(0) <= perTokenMillis;
  }

  /** What they are, to be read. */
  String text() {
    return "%s: TTFT ≤ %.0f ms and TPOT ≤ %.0f ms"
        .formatted(title, firstTokenMillis, perTokenMillis);
  }
}
