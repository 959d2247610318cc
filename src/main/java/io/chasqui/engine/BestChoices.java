package io.chasqui.engine;

import io.chasqui.engine.GenerationEvent.Token;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.TreeMap;

/**
 * The tokens of all choices of an answer whose best are wanted: OpenAI's {@code best_of}, "the one
 * with the highest log probability per token".
 */
final class BestChoices {
  private final int wanted;
  private final TreeMap<Integer, Candidate> candidates = new TreeMap<>();

  private static final class Candidate {
    final List<Token> tokens = new ArrayList<>();
    double logprobs;

    double mean() {
      return logprobs / tokens.size();
    }
  }

  /**
   * @param wanted how many of them are the best
   */
  BestChoices(int wanted) {
    this.wanted = wanted;
  }

  /**
   * Adds a token to its choice.
   *
   * @param logprob the natural logarithm of its probability
   */
  void add(Token token, double logprob) {
    Candidate candidate = candidates.computeIfAbsent(token.choice(), choice -> new Candidate());
    candidate.tokens.add(token);
    candidate.logprobs += logprob;
  }

  /** The tokens of the best, the best first and as choice 0; of equals the one that was first. */
  List<Token> tokens() {
    List<Candidate> best =
        candidates.values().stream()
            .sorted(Comparator.comparingDouble(Candidate::mean).reversed())
            .limit(wanted)
            .toList();
    List<Token> tokens = new ArrayList<>();
    for (int choice = 0; choice < best.size(); choice++) {
      for (Token token : best.get(choice).tokens) {
        tokens.add(token.of(choice));
      }
    }
    return tokens;
  }
}
