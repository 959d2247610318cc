package io.chasqui.benchmark.autoscaling;

/**
 * What an answer must keep to be a good one: the time to first token and the mean time of each
 * further token, in seconds.
 */
public record Limits(double firstToken, double perToken) {
  /** MLPerf Inference's for a small chat model. */
  public static final Limits CHAT = new Limits(2, 0.1);
}
