package io.chasqui.benchmark.autoscaling;

/** A request on its way through the simulation. */
final class Request {
  final double arrival;

  /** Tokens of the answer. */
  final int answer;

  /** Tokens of the prompt that are not computed yet. */
  int promptLeft;

  /** Tokens of the answer that are not generated yet. */
  int answerLeft;

  double firstToken = Double.NaN;

  /** Whether there was no ready pod when it came. */
  boolean isCold;

  /** Whether it went through the activator. */
  boolean isProxied;

  /**
   * @param prompt tokens
   * @param answer tokens
   */
  Request(double arrival, int prompt, int answer) {
    this.arrival = arrival;
    this.answer = answer;
    promptLeft = prompt;
    answerLeft = answer;
  }
}
