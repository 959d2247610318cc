package io.chasqui.benchmark.autoscaling;

/**
 * What an answer must keep to be a good one: the time to first token and the mean time of each
 * further token, in seconds.
 */
public record Limits(double firstToken, double perToken) {
  /**
   * MLPerf Inference's for Llama 3.1 8B in the server scenario.
   *
   * @see <a href="https://github.com/mlcommons/inference/blob/master/loadgen/mlperf.conf">{@code
   *     llama3_1-8b.Server}</a>
   */
  public static final Limits CHAT = new Limits(2, 0.1);
}
