package io.chasqui.benchmark.quality;

import io.chasqui.benchmark.quality.Task.Item;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * How a model does a task.
 *
 * <p>Of choices it takes the one with the largest sum of ln p of its tokens after the prompt, or of
 * that sum by the bytes of the choice, because a sum favours short choices; of equal ones the
 * first. What has no choices it answers greedily, and the answer must be the expected text but for
 * space around it. An answer that goes on much longer is broken off and wrong.
 *
 * @param chosen questions with choices
 * @param rightBySum of these, those answered right by the sum
 * @param rightByLength of these, those answered right by the sum by bytes
 * @param margin the sum over them of how much the answer's ln p is above the best of the others',
 *     in nats; it moves before an answer does
 * @param written questions without choices
 * @param exact of these, those answered right
 */
public record TaskScore(
    int chosen, int rightBySum, int rightByLength, double margin, int written, int exact) {
  /** Tokens that an answer may have more than the expected one. */
  private static final int SPARE_TOKENS = 8;

  private static final TaskScore NOTHING = new TaskScore(0, 0, 0, 0, 0, 0);

  /** The share of {@link #chosen} that the sum answers right; 0 to 1. */
  public double shareBySum() {
    return (double) rightBySum / chosen;
  }

  /** The share of {@link #chosen} that the sum by bytes answers right; 0 to 1. */
  public double shareByLength() {
    return (double) rightByLength / chosen;
  }

  /** In nats a question with choices. */
  public double meanMargin() {
    return margin / chosen;
  }

  /** The share of {@link #written} that is answered word for word; 0 to 1. */
  public double shareExact() {
    return (double) exact / written;
  }

  /** Both together. */
  public TaskScore plus(TaskScore other) {
    return new TaskScore(
        chosen + other.chosen,
        rightBySum + other.rightBySum,
        rightByLength + other.rightByLength,
        margin + other.margin,
        written + other.written,
        exact + other.exact);
  }

  /**
   * Asks a model all of it.
   *
   * @throws IllegalArgumentException if it cannot be asked something, by file and line
   */
  public static TaskScore of(Scorer model, Task task) {
    return task.items().stream().map(item -> of(model, item)).reduce(NOTHING, TaskScore::plus);
  }

  private static TaskScore of(Scorer model, Item item) {
    try {
      String prompt = item.prompt().orElseGet(() -> model.render(item.messages()));
      return item.hasChoices() ? choose(model, item, prompt) : write(model, item, prompt);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(item.where() + ": " + e.getMessage(), e);
    }
  }

  private static TaskScore choose(Scorer model, Item item, String prompt) {
    List<Double> sums = new ArrayList<>();
    List<Double> byLength = new ArrayList<>();
    for (String choice : item.choices()) {
      double sum = logProbability(model, prompt, choice);
      sums.add(sum);
      byLength.add(sum / choice.getBytes(StandardCharsets.UTF_8).length);
    }
    double answer = sums.get(item.answer());
    double other = Double.NEGATIVE_INFINITY;
    for (int i = 0; i < sums.size(); i++) {
      other = i == item.answer() ? other : Math.max(other, sums.get(i));
    }
    return new TaskScore(
        1,
        best(sums) == item.answer() ? 1 : 0,
        best(byLength) == item.answer() ? 1 : 0,
        answer - other,
        0,
        0);
  }

  private static int best(List<Double> values) {
    int best = 0;
    for (int i = 1; i < values.size(); i++) {
      best = values.get(i) > values.get(best) ? i : best;
    }
    return best;
  }

  /**
   * The sum of ln p of a choice's tokens. They are those of prompt and choice written together from
   * where the prompt's own tokens end: a tokenizer may join what is at the border.
   */
  static double logProbability(Scorer model, String prompt, String choice) {
    int[] alone = model.encode(prompt);
    int[] together = model.encode(prompt + choice);
    requireFits(model, together.length);
    int common = Arrays.mismatch(alone, together);
    if (common < 1) {
      throw new IllegalArgumentException(
          "the prompt has no token, or the choice '%s' has none".formatted(choice));
    }
    model.read(Arrays.copyOf(together, common - 1));
    double sum = 0;
    for (int from = common - 1; from < together.length - 1; from += Scorer.STEP) {
      int end = Math.min(from + Scorer.STEP, together.length - 1);
      float[][] logits = model.append(Arrays.copyOfRange(together, from, end));
      for (int i = 0; i < logits.length; i++) {
        sum += LogProbabilities.of(logits[i]).of(together[from + i + 1]);
      }
    }
    return sum;
  }

  private static TaskScore write(Scorer model, Item item, String prompt) {
    int[] ids = model.encode(prompt);
    if (ids.length == 0) {
      throw new IllegalArgumentException("the prompt has no token");
    }
    int most = model.tokenizer().encodeOrdinary(item.text()).length + SPARE_TOKENS;
    requireFits(model, ids.length + most);
    boolean isRight = answer(model, ids, most).strip().equals(item.text().strip());
    return new TaskScore(0, 0, 0, 0, 1, isRight ? 1 : 0);
  }

  /** The greedy answer, without the token that ends it. */
  private static String answer(Scorer model, int[] prompt, int most) {
    model.read(Arrays.copyOf(prompt, prompt.length - 1));
    int[] answer = new int[most];
    int token = prompt[prompt.length - 1];
    int length = 0;
    while (length < most) {
      token = LogProbabilities.of(model.append(token)[0]).best();
      if (model.endsTurn(token)) {
        break;
      }
      answer[length++] = token;
    }
    return model.tokenizer().decode(Arrays.copyOf(answer, length), true);
  }

  private static void requireFits(Scorer model, int tokens) {
    if (tokens > model.context()) {
      throw new IllegalArgumentException(
          "with its answer it has %d tokens, and the model's context is %d"
              .formatted(tokens, model.context()));
    }
  }
}
