package io.chasqui.benchmark.quality;

import io.chasqui.chat.ChatMessage;
import io.chasqui.chat.ChatTemplate;
import io.chasqui.kernel.Kernels;
import io.chasqui.kernel.KvLayout;
import io.chasqui.model.Batch;
import io.chasqui.model.Decoder;
import io.chasqui.model.KvBlocks;
import io.chasqui.model.KvCache;
import io.chasqui.model.Sequence;
import io.chasqui.model.ThreadTeam;
import io.chasqui.pack.ModelSettings;
import io.chasqui.pack.PackedModel;
import io.chasqui.tokenizer.Tokenizer;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** Reads tokens with a model and tells what it thinks comes next. For one thread at a time. */
public final class Scorer implements AutoCloseable {
  /** Tokens of a step, and rows of logits that are in memory at a time. */
  static final int STEP = 32;

  private final PackedModel model;
  private final Optional<ChatTemplate> template;
  private final int context;
  private final ThreadTeam team;
  private final KvCache cache;
  private final Decoder decoder;
  private final Sequence sequence;

  /** What the sequence has computed, as far as it is long. */
  private final int[] read;

  /** With a model, which must stay open as long as this is used. */
  public Scorer(PackedModel model, KvLayout.Type kvType, int threads) {
    this.model = model;
    ModelSettings settings = model.settings();
    template =
        settings
            .chatTemplate()
            .map(source -> new ChatTemplate(source, settings.bosToken(), settings.eosToken()));
    context = Decoder.maxContext(model.config());
    team = new ThreadTeam(threads);
    cache =
        new KvCache(
            Decoder.kvLayout(model.config(), kvType),
            model.config().layers(),
            KvLayout.blocks(context));
    decoder = new Decoder(model, Kernels.best(), team, cache, context, STEP, STEP);
    sequence = new Sequence(new KvBlocks(cache), context);
    read = new int[context];
  }

  Tokenizer tokenizer() {
    return model.tokenizer();
  }

  /** The most tokens that it reads. */
  int context() {
    return context;
  }

  boolean endsTurn(int token) {
    return model.settings().eosTokenIds().contains(token);
  }

  /** Whether it can be asked for the next turn of a conversation. */
  public boolean hasChatTemplate() {
    return template.isPresent();
  }

  /**
   * The text of a prompt that asks for the next turn.
   *
   * @throws IllegalArgumentException if the model has no chat template, or it refuses
   */
  String render(List<ChatMessage> messages) {
    return template
        .orElseThrow(() ->
            new IllegalArgumentException(
                model.name() + " has no chat template for 'messages': give a 'prompt'"))
        .render(messages);
  }

  /** The tokens of a prompt, which may begin with the token that begins a text. */
  int[] encode(String prompt) {
    String bos = model.settings().bosToken();
    boolean begun = !bos.isEmpty() && prompt.startsWith(bos);
    return tokenizer().encode(prompt, !begun);
  }

  /**
   * Makes sure that a text has been read, and no more. What it has in common with the one before is
   * not computed again, and gives the same bits.
   *
   * @param tokens at most {@link #context}
   */
  void read(int... tokens) {
    int common = Arrays.mismatch(tokens, 0, tokens.length, read, 0, sequence.length());
    sequence.truncate(common < 0 ? tokens.length : common);
    for (int from = sequence.length(); from < tokens.length; from = sequence.length()) {
      append(Arrays.copyOfRange(tokens, from, Math.min(from + STEP, tokens.length)), 0);
    }
  }

  /**
   * Reads on.
   *
   * @param tokens at most {@link #STEP}
   * @return of each of them the logits of what follows it, {@code [tokens, vocabulary]}
   */
  float[][] append(int... tokens) {
    return append(tokens, tokens.length);
  }

  private float[][] append(int[] tokens, int outputs) {
    int length = sequence.length();
    sequence.reserve(tokens.length);
    var batch = new Batch();
    batch.add(sequence, tokens, outputs);
    decoder.forward(batch);
    System.arraycopy(tokens, 0, read, length, tokens.length);
    float[][] logits = new float[outputs][model.config().vocabulary()];
    for (int row = 0; row < outputs; row++) {
      decoder.copyLogits(row, logits[row]);
    }
    return logits;
  }

  @Override
  public void close() {
    sequence.close();
    decoder.close();
    cache.close();
    team.close();
  }
}
