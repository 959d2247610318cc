package io.chasqui.benchmark.quality;

import io.chasqui.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * How well a model predicts texts, each token from all before it, and how far it agrees with a
 * reference that reads the same.
 *
 * <p>A text longer than the context is read in stretches of that length, of which each knows
 * nothing of the one before; the first token of a stretch is not predicted.
 *
 * @param tokens that were predicted
 * @param bytes of the predicted tokens
 * @param loss the sum of −ln p(token), in nats
 * @param agreement empty without a reference
 */
public record TextScore(long tokens, long bytes, double loss, Optional<Agreement> agreement) {
  /**
   * With a reference.
   *
   * @param same tokens at which both think the same one most likely
   * @param divergence the sum of Kullback and Leibler's divergence of the model from the reference,
   *     in nats
   * @param loss of the reference, in nats
   */
  public record Agreement(long same, double divergence, double loss) {}

  /** e to the mean loss. */
  public double perplexity() {
    return StrictMath.exp(loss / tokens);
  }

  public double bitsPerToken() {
    return loss / StrictMath.log(2) / tokens;
  }

  public double bitsPerByte() {
    return loss / StrictMath.log(2) / bytes;
  }

  /** The share of tokens at which the reference would have chosen the same; 0 to 1. */
  public double sameChoices() {
    return (double) agreement.orElseThrow().same() / tokens;
  }

  /** The mean divergence from the reference, in nats a token. */
  public double divergence() {
    return agreement.orElseThrow().divergence() / tokens;
  }

  /** How much larger the loss is than the reference's, as a share of that. */
  public double lossMoreThanReference() {
    double reference = agreement.orElseThrow().loss();
    return (loss - reference) / reference;
  }

  /**
   * Reads texts.
   *
   * @param most tokens to predict, after which it stops
   * @throws IllegalArgumentException if no token can be predicted, or the reference has other
   *     tokens
   */
  public static TextScore of(
      Scorer model, Optional<Scorer> reference, List<Document> documents, long most) {
    var meter = new Meter(model, reference, most);
    for (Document document : documents) {
      meter.read(document);
      if (meter.isDone()) {
        break;
      }
    }
    return meter.score();
  }

  private static final class Meter {
    private final Scorer model;
    private final Optional<Scorer> reference;
    private final long most;
    private long tokens;
    private long bytes;
    private double loss;
    private long same;
    private double divergence;
    private double referenceLoss;

    Meter(Scorer model, Optional<Scorer> reference, long most) {
      this.model = model;
      this.reference = reference;
      this.most = most;
    }

    boolean isDone() {
      return tokens >= most;
    }

    void read(Document document) {
      int[] ids = encode(document, model);
      if (reference.isPresent() && !Arrays.equals(ids, encode(document, reference.get()))) {
        throw new IllegalArgumentException(
            document.where() + ": the reference has other tokens for this text than the model");
      }
      for (int[] stretch : stretches(ids)) {
        model.read();
        reference.ifPresent(Scorer::read);
        for (int from = 0; from < stretch.length - 1 && !isDone(); from += Scorer.STEP) {
          int end = (int) Math.min(stretch.length - 1, from + Math.min(Scorer.STEP, most - tokens));
          step(
              Arrays.copyOfRange(stretch, from, end),
              Arrays.copyOfRange(stretch, from + 1, end + 1));
        }
      }
    }

    private static int[] encode(Document document, Scorer scorer) {
      try {
        return scorer.encode(document.text());
      } catch (IllegalArgumentException e) {
        throw new IllegalArgumentException(document.where() + ": " + e.getMessage(), e);
      }
    }

    private List<int[]> stretches(int... ids) {
      int length =
          Math.min(model.context(), reference.map(Scorer::context).orElse(Integer.MAX_VALUE));
      List<int[]> stretches = new ArrayList<>();
      for (int from = 0; from < ids.length; from += length) {
        stretches.add(Arrays.copyOfRange(ids, from, Math.min(from + length, ids.length)));
      }
      return stretches;
    }

    private void step(int[] input, int[] following) {
      float[][] ours = model.append(input);
      Optional<float[][]> theirs = reference.map(each -> each.append(input));
      Tokenizer tokenizer = model.tokenizer();
      for (int i = 0; i < input.length; i++) {
        LogProbabilities predicted = LogProbabilities.of(ours[i]);
        tokens++;
        bytes += tokenizer.bytes(following[i]).length;
        loss -= predicted.of(following[i]);
        if (theirs.isPresent()) {
          compare(predicted, LogProbabilities.of(theirs.get()[i]), following[i]);
        }
      }
    }

    private void compare(LogProbabilities predicted, LogProbabilities expected, int following) {
      same += predicted.best() == expected.best() ? 1 : 0;
      divergence += expected.divergence(predicted);
      referenceLoss -= expected.of(following);
    }

    TextScore score() {
      if (tokens == 0 || bytes == 0) {
        throw new IllegalArgumentException("the text is too short: no token of it is predicted");
      }
      return new TextScore(
          tokens,
          bytes,
          loss,
          reference.map(any -> new Agreement(same, divergence, referenceLoss)));
    }
  }
}
