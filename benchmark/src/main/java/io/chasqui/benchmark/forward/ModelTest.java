package io.chasqui.benchmark.forward;

import io.chasqui.benchmark.results.Quantity;
import io.chasqui.kernel.KvLayout;
import java.nio.file.Path;
import java.util.Locale;

/**
 * What is measured at a time, in llama-bench's terms: a prompt of some tokens, then some tokens
 * generated one by one, both after {@code depth} tokens that are not timed.
 *
 * @param model a packed file
 * @param batch tokens of a prompt after which logits are computed
 * @param ubatch tokens of a step, at most
 * @param kvType how keys and values are stored
 * @param prompt 0 to generate only
 * @param generated 0 for a prompt only
 */
public record ModelTest(
    Path model,
    int batch,
    int ubatch,
    KvLayout.Type kvType,
    int threads,
    int depth,
    int prompt,
    int generated) {
  /** What measurements of all tests are grouped as. */
  static final String GROUP = "forward pass";

  /** Tokens that are timed. */
  int tokens() {
    return prompt + generated;
  }

  /** Positions that the sequence comes to have. */
  int positions() {
    return depth + tokens();
  }

  /** As llama-bench names it: {@code pp512}, {@code tg128}, {@code pp512+tg128 @ d2048}. */
  String name() {
    return name(prompt, generated, depth);
  }

  private static String name(int prompt, int generated, int depth) {
    String name = prompt > 0 ? "pp" + prompt : "";
    if (generated > 0) {
      name += (prompt > 0 ? "+" : "") + "tg" + generated;
    }
    return depth > 0 ? name + " @ d" + depth : name;
  }

  /** What it measures: its speed, by its name. */
  static Quantity quantity(int prompt, int generated, int depth) {
    return Quantity.higher(name(prompt, generated, depth), "tokens/s", 1);
  }

  /** What runs it, by all that tells it apart from what runs other tests. */
  String subject() {
    return "%s, %s, %d threads, batches of %d in steps of %d"
        .formatted(
            model.getFileName(), kvType.name().toLowerCase(Locale.ROOT), threads, batch, ubatch);
  }
}
