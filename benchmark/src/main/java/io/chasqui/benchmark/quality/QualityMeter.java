package io.chasqui.benchmark.quality;

import io.chasqui.benchmark.results.Quantity;
import io.chasqui.benchmark.results.Results;
import java.util.List;
import java.util.Optional;

/**
 * Measures the quality of models with the same texts and tasks.
 *
 * @param most tokens of the texts to predict
 * @param tasksAreOurs whether nobody has asked for these tasks, so that a model without a chat
 *     template goes without them
 */
public record QualityMeter(
    List<Document> texts, long most, List<Task> tasks, boolean tasksAreOurs) {
  private static final Quantity TOKENS = Quantity.count("predicted tokens");
  private static final Quantity PERPLEXITY = Quantity.lower("perplexity", "", 4);
  private static final Quantity BITS_PER_TOKEN = Quantity.lower("loss", "bits/token", 5);
  private static final Quantity BITS_PER_BYTE = Quantity.lower("loss", "bits/byte", 5);
  private static final Quantity LOSS = Quantity.lower("loss above the reference's", "%", 3);
  private static final Quantity AGREEMENT = Quantity.higher("same choice as the reference", "%", 3);
  private static final Quantity DIVERGENCE =
      Quantity.lower("divergence from the reference", "nats/token", 7);

  /**
   * Adds what a model comes to.
   *
   * @param reference reads the same text; empty if there is none
   * @param group of the results
   * @param subject by its id
   */
  public void measure(
      Scorer model,
      Optional<Scorer> reference,
      Results.Builder results,
      String group,
      String subject) {
    TextScore text = TextScore.of(model, reference, texts, most);
    results.add(group, TOKENS, subject, text.tokens());
    results.add(group, PERPLEXITY, subject, text.perplexity());
    results.add(group, BITS_PER_TOKEN, subject, text.bitsPerToken());
    results.add(group, BITS_PER_BYTE, subject, text.bitsPerByte());
    if (text.agreement().isPresent()) {
      results.add(group, LOSS, subject, percent(text.lossMoreThanReference()));
      results.add(group, AGREEMENT, subject, percent(text.sameChoices()));
      results.add(group, DIVERGENCE, subject, text.divergence());
    }
    if (asks(model)) {
      answers(model, results, group, subject);
    }
  }

  /** Whether the model is given the tasks. */
  public boolean asks(Scorer model) {
    return model.hasChatTemplate()
        || !tasksAreOurs
        || tasks.stream().noneMatch(Task::needsChatTemplate);
  }

  private void answers(Scorer model, Results.Builder results, String group, String subject) {
    for (Task task : tasks) {
      TaskScore score = TaskScore.of(model, task);
      if (score.chosen() > 0) {
        String name = "%s, of %d choices right".formatted(task.name(), score.chosen());
        results.add(group, share(name + " by sum"), subject, percent(score.shareBySum()));
        results.add(group, share(name + " by length"), subject, percent(score.shareByLength()));
        results.add(
            group,
            Quantity.higher(task.name() + ", mean margin", "nats", 4),
            subject,
            score.meanMargin());
      }
      if (score.written() > 0) {
        String name = "%s, of %d answers exact".formatted(task.name(), score.written());
        results.add(group, share(name), subject, percent(score.shareExact()));
      }
    }
  }

  private static Quantity share(String name) {
    return Quantity.higher(name, "%", 1);
  }

  private static double percent(double share) {
    return 100 * share;
  }
}
