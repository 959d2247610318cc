package io.chasqui.engine;

import io.chasqui.chat.ChatTemplate;
import io.chasqui.kernel.Kernels;
import io.chasqui.kernel.KvLayout;
import io.chasqui.kernel.NativeMemory;
import io.chasqui.model.CpuLimit;
import io.chasqui.model.Decoder;
import io.chasqui.model.PrefixComputer;
import io.chasqui.model.ThreadTeam;
import io.chasqui.pack.PackedModel;
import io.chasqui.pack.PackedPrefix;
import io.chasqui.pack.PrefixWriter;
import io.chasqui.pack.Progress;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** Packs what a model computes of system prompts with the model, so that no process has to. */
public final class PrefixPacker {
  private PrefixPacker() {}

  /**
   * Copies a packed model and gives the copy prefixes; those that the model had are left out. An
   * engine whose keys and values have that type finds them, whoever asks.
   *
   * @param type how keys and values are stored
   * @param target appears when it is complete; what is there is replaced, also if it is the model
   * @return sentences for people: how many tokens of each prompt are packed, and what is wrong with
   *     that
   * @throws io.chasqui.pack.ModelFormatException if the model cannot be used
   * @throws IllegalArgumentException if a prompt is too short or too long, if the model's chat
   *     template refuses it, or if the target cannot be a file
   * @throws IOException if reading or writing fails
   */
  public static List<String> pack(
      Path packed, List<SystemPrompt> prompts, KvLayout.Type type, Path target, Progress progress)
      throws IOException {
    var notes = new ArrayList<String>();
    try (NativeMemory memory = new NativeMemory()) {
      PrefixWriter.write(packed, compute(packed, prompts, type, memory, notes), target, progress);
    }
    return notes;
  }

  private static List<PackedPrefix> compute(
      Path packed,
      List<SystemPrompt> prompts,
      KvLayout.Type type,
      NativeMemory memory,
      List<String> notes) {
    try (PackedModel model = PackedModel.open(packed)) {
      // All of them before the first is computed, which may take long.
      List<int[]> tokens = prompts.stream().map(prompt -> tokens(prompt, model, notes)).toList();
      Kernels kernels = Kernels.best();
      var prefixes = new ArrayList<PackedPrefix>();
      try (ThreadTeam team = new ThreadTeam(CpuLimit.processors())) {
        for (int[] prefix : tokens) {
          prefixes.add(PrefixComputer.compute(model, kernels, team, prefix, type, memory));
        }
      }
      return prefixes;
    }
  }

  /** The tokens to compute, which are full blocks. */
  private static int[] tokens(SystemPrompt prompt, PackedModel model, List<String> notes) {
    Optional<ChatTemplate> template = Prompts.template(model.settings());
    int[] tokens = prompt.tokens(model.tokenizer(), template);
    int full = tokens.length / KvLayout.BLOCK_POSITIONS * KvLayout.BLOCK_POSITIONS;
    if (full == 0) {
      throw new IllegalArgumentException(
          "The prompt in %s is too short to be packed: prompts that begin with it have %d tokens in common, and %d are stored together."
              .formatted(prompt.name(), tokens.length, KvLayout.BLOCK_POSITIONS));
    }
    int context = Decoder.maxContext(model.config());
    if (tokens.length >= context) {
      throw new IllegalArgumentException(
          "The prompt in %s is too long: it has %d tokens, which leaves no room in the model's context of %d."
              .formatted(prompt.name(), tokens.length, context));
    }
    notes.add("%d of %d tokens of %s are packed".formatted(full, tokens.length, prompt.name()));
    if (template.isPresent() && template.get().writesTheDate()) {
      notes.add(
          "the chat template of %s writes the date into prompts: if it stands before the system message, the packed tokens are of use today only"
              .formatted(model.name()));
    }
    return Arrays.copyOf(tokens, full);
  }
}
