package io.chasqui.sampling;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The same distributions, written down from the definitions of Hugging Face and OpenAI with sorts,
 * logarithms and probabilities, one step after the other, as slow as that is.
 */
final class SlowSampler {
  private SlowSampler() {}

  /** Probabilities of all tokens after everything that the parameters ask for. */
  static double[] probabilities(
      float[] logits, SamplingParameters parameters, int[] prompt, int[] output, int... ends) {
    double[] scores = scores(logits, parameters, prompt, output, ends);
    if (parameters.temperature() == 0) {
      double[] probabilities = new double[scores.length];
      probabilities[order(scores)[0]] = 1;
      return probabilities;
    }
    warp(scores, parameters, 1);
    return softmax(scores);
  }

  /** Applies the temperature, and what drops tokens, but each keeps at least so many. */
  static void warp(double[] scores, SamplingParameters parameters, int atLeast) {
    for (int i = 0; i < scores.length; i++) {
      scores[i] /= parameters.temperature();
    }
    topK(scores, parameters.topK() == 0 ? scores.length : Math.max(parameters.topK(), atLeast));
    topP(scores, parameters.topP(), atLeast);
    minP(scores, parameters.minP(), atLeast);
    typicalP(scores, parameters.typicalP(), atLeast);
  }

  /** Scores after all that looks back on the tokens, or at tokens one by one. */
  static double[] scores(
      float[] logits, SamplingParameters parameters, int[] prompt, int[] output, int... ends) {
    List<Integer> all = new ArrayList<>();
    Arrays.stream(prompt).forEach(all::add);
    Arrays.stream(output).forEach(all::add);
    double[] scores = new double[logits.length];
    for (int i = 0; i < logits.length; i++) {
      scores[i] = logits[i];
      if (all.contains(i)) {
        double penalty = parameters.repetitionPenalty();
        scores[i] = scores[i] < 0 ? scores[i] * penalty : scores[i] / penalty;
      }
    }
    int n = parameters.noRepeatNgramSize();
    if (n > 0 && all.size() >= n) {
      List<Integer> last = all.subList(all.size() - n + 1, all.size());
      for (int i = 0; i + n <= all.size(); i++) {
        if (all.subList(i, i + n - 1).equals(last)) {
          scores[all.get(i + n - 1)] = Double.NEGATIVE_INFINITY;
        }
      }
    }
    if (output.length < parameters.minTokens()) {
      for (int end : ends) {
        scores[end] = Double.NEGATIVE_INFINITY;
      }
      for (int i = 0; i < parameters.stopTokens().size(); i++) {
        scores[parameters.stopTokens().get(i)] = Double.NEGATIVE_INFINITY;
      }
    }
    float[] bias = new float[logits.length];
    parameters.logitBias().addTo(bias);
    Map<Integer, Integer> counts = new HashMap<>();
    Arrays.stream(output).forEach(token -> counts.merge(token, 1, Integer::sum));
    for (int i = 0; i < scores.length; i++) {
      scores[i] += bias[i];
      int count = counts.getOrDefault(i, 0);
      scores[i] -= count * parameters.frequencyPenalty();
      scores[i] -= count > 0 ? parameters.presencePenalty() : 0;
    }
    return scores;
  }

  private static void topK(double[] scores, int k) {
    Integer[] order = order(scores);
    for (int i = k; i < order.length; i++) {
      scores[order[i]] = Double.NEGATIVE_INFINITY;
    }
  }

  private static void topP(double[] scores, double p, int atLeast) {
    double[] probabilities = softmax(scores);
    double sum = 0;
    int kept = 0;
    for (int token : order(scores)) {
      if (sum >= p && kept >= atLeast) {
        scores[token] = Double.NEGATIVE_INFINITY;
      }
      sum += probabilities[token];
      kept++;
    }
  }

  private static void minP(double[] scores, double p, int atLeast) {
    double[] probabilities = softmax(scores);
    Integer[] order = order(scores);
    for (int i = atLeast; i < scores.length; i++) {
      if (probabilities[order[i]] < p * probabilities[order[0]]) {
        scores[order[i]] = Double.NEGATIVE_INFINITY;
      }
    }
  }

  private static void typicalP(double[] scores, double p, int atLeast) {
    if (p == 1) {
      return;
    }
    double[] probabilities = softmax(scores);
    double entropy = 0;
    for (double each : probabilities) {
      entropy -= each > 0 ? each * Math.log(each) : 0;
    }
    double[] distance = new double[scores.length];
    for (int i = 0; i < scores.length; i++) {
      distance[i] = Math.abs(-Math.log(probabilities[i]) - entropy);
    }
    double sum = 0;
    double last = Double.POSITIVE_INFINITY;
    int kept = 0;
    for (int token : order(Arrays.stream(distance).map(each -> -each).toArray())) {
      // Of equal distances all are kept; equal means here, but for rounding.
      if (sum >= p && kept >= atLeast && distance[token] > last + 1e-6) {
        scores[token] = Double.NEGATIVE_INFINITY;
      }
      kept++;
      sum += probabilities[token];
      if (sum >= p) {
        last = Math.min(last, distance[token]);
      }
    }
  }

  static double[] softmax(double[] scores) {
    double max = Arrays.stream(scores).max().orElseThrow();
    double[] weights = Arrays.stream(scores).map(score -> Math.exp(score - max)).toArray();
    double sum = Arrays.stream(weights).sum();
    return Arrays.stream(weights).map(weight -> weight / sum).toArray();
  }

  /** Tokens from the largest value to the smallest, of equal ones the smaller id first. */
  static Integer[] order(double[] values) {
    Integer[] order = new Integer[values.length];
    Arrays.setAll(order, i -> i);
    Arrays.sort(order, Comparator.comparingDouble(i -> -values[i]));
    return order;
  }
}
