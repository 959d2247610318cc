package io.chasqui.benchmark.serve;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Makes requests of prompts, but for those that do not fit a model's context with their answers.
 *
 * @param asIds whether token ids are sent
 * @param maxTokens of all answers, instead of what the data says
 * @param defaultMaxTokens where neither says anything
 */
record ServePrompts(boolean asIds, Optional<Integer> maxTokens, int defaultMaxTokens) {
  /** Knows the tokens of prompts. */
  interface Tokens {
    /** Those of a prompt; none if nobody can tell. */
    Optional<int[]> of(Prompt prompt) throws IOException, InterruptedException;
  }

  /**
   * @param prompts that fit
   * @param requests of these
   * @param notes what was left out
   */
  record Prepared(List<Prompt> prompts, List<Request> requests, List<String> notes) {}

  /** The same prompts, for a model without a chat template. */
  static PromptData asText(PromptData data) {
    return new PromptData(data.prompts().stream().map(Prompt::asText).toList(), data.leftOut());
  }

  /**
   * Makes the requests.
   *
   * @param context tokens that prompt and answer may have together; unknown if empty
   * @throws IOException if no prompt fits, or ids are wanted and nobody can tell them
   */
  Prepared prepare(PromptData data, Tokens tokens, OptionalInt context, RequestWriter writer)
      throws IOException, InterruptedException {
    List<Prompt> fitting = new ArrayList<>();
    List<Request> requests = new ArrayList<>();
    boolean isKnown = asIds || context.isPresent();
    for (Prompt prompt : data.prompts()) {
      int answer = maxTokens.orElse(prompt.maxTokens().orElse(defaultMaxTokens));
      Optional<int[]> ids = isKnown ? tokens.of(prompt) : Optional.empty();
      if (asIds && ids.isEmpty()) {
        throw new IOException(
            "the server has no /tokenize that tells ids: send the prompts as text");
      }
      isKnown = ids.isPresent(); // a server that cannot tell the first is not asked again
      if (fits(ids, answer, context)) {
        fitting.add(prompt);
        requests.add(asIds ? writer.ids(ids.get(), answer) : writer.text(prompt, answer));
      }
    }
    int tooLong = data.prompts().size() - fitting.size();
    if (fitting.isEmpty()) {
      throw new IOException(
          "no prompt fits the context of %d tokens with its answer: take other --data, or less"
                  .formatted(context.orElseThrow())
              + " --max-tokens");
    }
    return new Prepared(fitting, requests, notes(fitting.size(), tooLong, data.leftOut()));
  }

  private static boolean fits(Optional<int[]> ids, int answer, OptionalInt context) {
    return ids.isEmpty() || context.isEmpty() || ids.get().length + answer <= context.getAsInt();
  }

  private static List<String> notes(int prompts, int tooLong, int leftOut) {
    List<String> notes = new ArrayList<>();
    notes.add("Each request has one of %d prompts, chosen at random.".formatted(prompts));
    if (tooLong > 0) {
      notes.add(
          "%d of %d prompts are left out: with their answers they do not fit the model's context."
              .formatted(tooLong, prompts + tooLong));
    }
    if (leftOut > 0) {
      notes.add(
          "%d conversations are left out: they do not begin with a question.".formatted(leftOut));
    }
    return notes;
  }
}
