package io.chasqui.benchmark.autoscaling;

import java.util.SplittableRandom;

/**
 * How long prompts and answers are: geometric numbers of tokens, each at least one.
 *
 * @param prompt mean tokens of a prompt
 * @param answer mean tokens of an answer
 */
public record Lengths(int prompt, int answer) {
  /**
   * @throws IllegalArgumentException if a mean is below one
   */
  public Lengths {
    if (prompt < 1 || answer < 1) {
      throw new IllegalArgumentException("--prompt and --answer must be at least 1 token");
    }
  }

  Request draw(double arrival, SplittableRandom random) {
    return new Request(arrival, geometric(prompt, random), geometric(answer, random));
  }

  private static int geometric(int mean, SplittableRandom random) {
    return mean == 1 ? 1 : 1 + (int) (Math.log(1 - random.nextDouble()) / Math.log(1 - 1.0 / mean));
  }
}
