package io.chasqui.model;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.chasqui.kernel.DType;
import io.chasqui.kernel.Kernels;
import io.chasqui.kernel.KvLayout;
import io.chasqui.kernel.Matrix;
import io.chasqui.kernel.NativeMemory;
import io.chasqui.kernel.QuantizedRows;
import io.chasqui.model.Batch.Span;
import io.chasqui.pack.ModelConfig;
import io.chasqui.pack.PackedModel;
import java.lang.foreign.MemorySegment;

/**
 * The forward pass of a Llama-like decoder over a ragged batch: RMS norm, rotary embedding,
 * grouped-query attention over KV blocks, gated feed-forward. All members of the thread team run
 * the same code on their share of rows; the result of a token depends neither on the batch that it
 * is in nor on the number of threads.
 *
 * <p>For one thread at a time, which is the team's first member.
 */
public final class Decoder implements AutoCloseable {
  /** Multiplications that take a member some microseconds. */
  private static final long CLAIMED_WORK = 1_000_000;

  /** Groups that C's kernels do one after the other without looking elsewhere. */
  private static final int MOST_GROUPS = 16;

  private final ModelConfig config;
  private final Kernels kernels;
  private final ThreadTeam team;
  private final KvCache cache;
  private final int maxTokens;
  private final int maxOutputs;

  private final Matrix embedding;
  private final Layer[] layers;
  private final MemorySegment outputNorm;
  private final Matrix output;
  private final int queryWidth;
  private final int kvWidth;
  private final int qkvWidth;

  private final NativeMemory memory = new NativeMemory();
  private final RotaryTable rotary;
  private final MemorySegment ids;
  private final MemorySegment positions;

  /** int32: of each sequence of the batch its blocks, in the order of their positions. */
  private final MemorySegment blockTables;

  private final long blockTableBytes;
  private final MemorySegment residual;
  private final MemorySegment hidden;
  private final MemorySegment qkv;
  private final MemorySegment attended;
  private final MemorySegment activated;
  private final MemorySegment quantized;
  private final MemorySegment logits;

  private Batch batch;

  /** Of each span, its first token. */
  private final int[] firstTokens;

  /** Of each output row, the token that it belongs to. */
  private final int[] outputTokens;

  /** The weights of one layer; the biases are null where the model has none. */
  private record Layer(
      MemorySegment inputNorm,
      Matrix qkv,
      MemorySegment qkvBias,
      Matrix o,
      MemorySegment oBias,
      MemorySegment postNorm,
      Matrix gate,
      Matrix up,
      Matrix down) {}

  /**
   * Prepares a decoder on a model, which must stay open as long as it is used.
   *
   * @param cache with the layout that {@link #kvLayout} says, and the model's layers
   * @param context the most positions of a sequence
   * @param maxTokens the most tokens of a step
   * @param maxOutputs the most rows of logits of a step
   */
  public Decoder(
      PackedModel model,
      Kernels kernels,
      ThreadTeam team,
      KvCache cache,
      int context,
      int maxTokens,
      int maxOutputs) {
    this.kernels = kernels;
    this.team = team;
    this.cache = cache;
    this.maxTokens = maxTokens;
    this.maxOutputs = maxOutputs;
    config = model.config();
    embedding = model.matrix("model.embed_tokens.weight");
    output = config.tiedEmbeddings() ? embedding : model.matrix("lm_head.weight");
    outputNorm = model.vector("model.norm.weight");
    layers = new Layer[config.layers()];
    for (int i = 0; i < layers.length; i++) {
      layers[i] = layer(model, "model.layers." + i + ".");
    }
    queryWidth = config.queryWidth();
    kvWidth = config.kvWidth();
    qkvWidth = layers[0].qkv().paddedRows();
    rotary = new RotaryTable(config, context, memory);
    ids = memory.allocate(4L * maxTokens);
    positions = memory.allocate(4L * maxTokens);
    blockTableBytes = 4L * KvLayout.blocks(context);
    blockTables = memory.allocate(maxTokens * blockTableBytes);
    residual = floats(maxTokens, config.hidden());
    hidden = floats(maxTokens, config.hidden());
    qkv = floats(maxTokens, qkvWidth);
    attended = floats(maxTokens, queryWidth);
    activated = floats(maxTokens, config.feedForward());
    int widest = Math.max(Math.max(config.hidden(), queryWidth), config.feedForward());
    quantized = memory.allocate(QuantizedRows.bytes(maxTokens, widest));
    logits = floats(maxOutputs, output.paddedRows());
    firstTokens = new int[maxTokens];
    outputTokens = new int[maxOutputs];
  }

  /**
   * Bytes of a decoder's own buffers; the parameters are those of the constructor.
   *
   * @throws IllegalArgumentException if the model is not of a shape that can be run
   */
  public static long bufferBytes(ModelConfig config, int context, int maxTokens, int maxOutputs) {
    int widest = Math.max(Math.max(config.hidden(), config.queryWidth()), config.feedForward());
    long floats =
        2L * config.hidden() + qkvWidth(config) + config.queryWidth() + config.feedForward();
    return maxTokens * (4 * floats + 8 + 4L * KvLayout.blocks(context))
        + QuantizedRows.bytes(maxTokens, widest)
        + 4L * maxOutputs * padded(config.vocabulary())
        + 4L * context * config.headSize();
  }

  /** Rows of the matrix of queries, keys and values. */
  private static int qkvWidth(ModelConfig config) {
    return padded(config.queryWidth()) + 2 * padded(config.kvWidth());
  }

  private static int padded(int rows) {
    return Math.ceilDiv(rows, DType.GROUP_ROWS) * DType.GROUP_ROWS;
  }

  /** How this model's KV blocks are laid out. */
  public static KvLayout kvLayout(ModelConfig config, KvLayout.Type type) {
    return config.kvLayout(type);
  }

  /** The most positions that a sequence of this model can have. */
  public static int maxContext(ModelConfig config) {
    // Attention to a window only is not implemented: no sequence outgrows it.
    return Math.min(config.context(), config.slidingWindow().orElse(Integer.MAX_VALUE));
  }

  private Layer layer(PackedModel model, String prefix) {
    String attention = prefix + "self_attn.";
    return new Layer(
        model.vector(prefix + "input_layernorm.weight"),
        model.matrix(attention + "qkv_proj.weight"),
        config.attentionBias() ? model.vector(attention + "qkv_proj.bias") : null,
        model.matrix(attention + "o_proj.weight"),
        config.attentionOutputBias() ? model.vector(attention + "o_proj.bias") : null,
        model.vector(prefix + "post_attention_layernorm.weight"),
        model.matrix(prefix + "mlp.gate_proj.weight"),
        model.matrix(prefix + "mlp.up_proj.weight"),
        model.matrix(prefix + "mlp.down_proj.weight"));
  }

  private MemorySegment floats(int rows, int columns) {
    return memory.allocate(4L * rows * columns);
  }

  /**
   * Computes a batch: appends its tokens to their sequences and leaves the logits of its outputs to
   * be read with {@link #copyLogits}.
   *
   * <p>If it throws, nothing has been computed.
   *
   * @throws IllegalArgumentException if the batch is larger than this decoder was made for, or a
   *     token is outside the vocabulary
   * @throws IllegalStateException if a sequence has not reserved the positions of its tokens
   */
  public void forward(Batch batch) {
    int tokens = batch.tokens();
    if (tokens == 0 || tokens > maxTokens || batch.outputs() > maxOutputs) {
      throw new IllegalArgumentException(
          "a step takes 1 to %d tokens and %d outputs, not %d and %d"
              .formatted(maxTokens, maxOutputs, tokens, batch.outputs()));
    }
    int[] tokenIds = new int[tokens];
    int[] tokenPositions = new int[tokens];
    int token = 0;
    int row = 0;
    for (int s = 0; s < batch.spans().size(); s++) {
      Span span = batch.spans().get(s);
      if (span.sequence().reserved() < span.tokens().length) {
        throw new IllegalStateException(
            "%d tokens come to a sequence that has reserved %d positions; reserve them before"
                .formatted(span.tokens().length, span.sequence().reserved()));
      }
      firstTokens[s] = token;
      span.sequence().copyBlocks(blockTable(s));
      rotary.extend(span.sequence().length() + span.tokens().length);
      for (int i = 0; i < span.tokens().length; i++, token++) {
        int id = span.tokens()[i];
        if (id < 0 || id >= config.vocabulary()) {
          throw new IllegalArgumentException("token id " + id + " is outside the vocabulary");
        }
        tokenIds[token] = id;
        tokenPositions[token] = span.sequence().length() + i;
        if (i >= span.tokens().length - span.outputs()) {
          outputTokens[row++] = token;
        }
      }
    }
    MemorySegment.copy(tokenIds, 0, ids, JAVA_INT, 0, tokens);
    MemorySegment.copy(tokenPositions, 0, positions, JAVA_INT, 0, tokens);
    this.batch = batch;
    team.run(this::pass);
    for (Span span : batch.spans()) {
      span.sequence().append(span.tokens());
    }
  }

  /**
   * Copies a row of the last step's logits.
   *
   * @param row as {@link Batch#add} has returned it
   * @param into {@code [vocabulary]}
   */
  public void copyLogits(int row, float[] into) {
    MemorySegment.copy(
        logits, JAVA_FLOAT, 4L * row * output.paddedRows(), into, 0, config.vocabulary());
    if (config.logitsScaling() != 1) {
      for (int i = 0; i < into.length; i++) {
        into[i] /= config.logitsScaling();
      }
    }
  }

  /** What one member of the team does of a step. */
  private void pass(int member, int size) {
    int tokens = batch.tokens();
    Share own = Share.of(tokens, member, size);
    if (own.count() > 0) {
      kernels.embed(embedding, own.of(ids, 4), own.count(), own.of(residual, 4L * config.hidden()));
    }
    scale(residual, own, config.embeddingMultiplier());
    for (int i = 0; i < layers.length; i++) {
      attention(layers[i], cache.layer(i), member, size, own, tokens);
      feedForward(layers[i], own, tokens);
    }
    logits(member, size);
  }

  private void attention(
      Layer layer, MemorySegment kv, int member, int size, Share own, int tokens) {
    norm(residual, layer.inputNorm(), own);
    MemorySegment x = input(hidden, config.hidden(), own, layer.qkv());
    team.barrier();
    matmul(layer.qkv(), x, tokens, qkv);
    team.barrier();
    if (own.count() > 0) {
      addBias(qkv, layer.qkvBias(), qkvWidth, own);
      rope(0, config.heads(), own);
      rope(queryWidth, config.kvHeads(), own);
    }
    team.barrier();
    // A block is written by one member only, for positions share its cache lines.
    for (int s = member; s < batch.spans().size(); s += size) {
      Span span = batch.spans().get(s);
      kernels.storeKv(
          cache.layout(),
          kv,
          blockTable(s),
          span.sequence().length(),
          qkvPart(firstTokens[s], queryWidth),
          qkvPart(firstTokens[s], queryWidth + kvWidth),
          qkvWidth,
          span.tokens().length);
    }
    team.barrier();
    attend(kv);
    team.barrier();
    x = input(attended, queryWidth, own, layer.o());
    team.barrier();
    matmul(layer.o(), x, tokens, hidden);
    team.barrier();
    addResidual(layer.oBias(), own);
  }

  private MemorySegment blockTable(int span) {
    return blockTables.asSlice(span * blockTableBytes, blockTableBytes);
  }

  private MemorySegment qkvPart(int token, int offset) {
    return qkv.asSlice(4L * ((long) token * qkvWidth + offset));
  }

  private void rope(int offset, int heads, Share own) {
    kernels.rope(
        qkvPart(own.from(), offset),
        qkvWidth,
        own.count(),
        heads,
        config.headSize(),
        own.of(positions, 4),
        rotary.rows());
  }

  /**
   * Members claim one sequence after another, which have many lengths; of few sequences one KV head
   * after another.
   */
  private void attend(MemorySegment kv) {
    int kvHeads = config.kvHeads();
    int heads = batch.spans().size() < 4 * team.size() ? 1 : kvHeads;
    int all = batch.spans().size() * kvHeads;
    for (int from = team.claim(heads); from < all; from = team.claim(heads)) {
      int s = from / kvHeads;
      int head = from % kvHeads;
      int first = firstTokens[s];
      Span span = batch.spans().get(s);
      kernels.attention(
          cache.layout(),
          kv,
          blockTable(s),
          span.sequence().length(),
          qkvPart(first, 0),
          qkvWidth,
          span.tokens().length,
          config.heads(),
          config.attentionMultiplier(),
          attended.asSlice(4L * first * queryWidth),
          queryWidth,
          head,
          head + heads);
    }
  }

  private void feedForward(Layer layer, Share own, int tokens) {
    norm(residual, layer.postNorm(), own);
    MemorySegment x = input(hidden, config.hidden(), own, layer.gate());
    team.barrier();
    int groups = layer.gate().groups();
    int part = part(layer.gate(), tokens);
    for (int from = team.claim(part); from < groups; from = team.claim(part)) {
      int to = Math.min(from + part, groups);
      kernels.gateUp(
          layer.gate(), layer.up(), x, tokens, activated, config.feedForward(), from, to);
    }
    team.barrier();
    x = input(activated, config.feedForward(), own, layer.down());
    team.barrier();
    matmul(layer.down(), x, tokens, hidden);
    team.barrier();
    addResidual(null, own);
  }

  private void logits(int member, int size) {
    int outputs = batch.outputs();
    if (outputs == 0) {
      return;
    }
    team.barrier(); // outputs are other members' tokens
    Share own = Share.of(outputs, member, size);
    long rowBytes = 4L * config.hidden();
    for (int row = own.from(); row < own.to(); row++) {
      kernels.rmsNorm(
          residual.asSlice(outputTokens[row] * rowBytes),
          outputNorm,
          config.rmsNormEps(),
          1,
          config.hidden(),
          hidden.asSlice(row * rowBytes));
    }
    MemorySegment x = input(hidden, config.hidden(), own, output);
    team.barrier();
    matmul(output, x, outputs, logits);
  }

  private void norm(MemorySegment from, MemorySegment weight, Share own) {
    if (own.count() > 0) {
      long rowBytes = 4L * config.hidden();
      kernels.rmsNorm(
          own.of(from, rowBytes),
          weight,
          config.rmsNormEps(),
          own.count(),
          config.hidden(),
          own.of(hidden, rowBytes));
    }
  }

  /** Own rows in the form that the matrix multiplies with: all rows are there after a barrier. */
  private MemorySegment input(MemorySegment x, int columns, Share own, Matrix w) {
    if (!w.dtype().quantized()) {
      return x;
    }
    if (own.count() > 0) {
      kernels.quantize(
          own.of(x, 4L * columns),
          own.count(),
          columns,
          own.of(quantized, QuantizedRows.stride(columns)));
    }
    return quantized;
  }

  private void matmul(Matrix w, MemorySegment x, int tokens, MemorySegment out) {
    int part = part(w, tokens);
    for (int from = team.claim(part); from < w.groups(); from = team.claim(part)) {
      int to = Math.min(from + part, w.groups());
      kernels.matmul(w, x, tokens, out, w.paddedRows(), from, to);
    }
  }

  /**
   * Groups of a matrix that a member claims at once: few enough that members end at about the same
   * time, as many as the kernels do together, an even number for kernels that take two, and enough
   * work that a claim and a call cost nothing beside it. To read a weight from memory takes about
   * as long as six multiplications.
   */
  private int part(Matrix w, int tokens) {
    int share = Math.ceilDiv(w.groups(), team.size());
    long groupWork = (long) DType.GROUP_ROWS * w.columns() * (tokens + 6);
    long least = Math.ceilDiv(CLAIMED_WORK, groupWork);
    long even = Math.max(least, Math.min(share / 8, MOST_GROUPS)) + 1 & ~1L;
    return (int) Math.min(even, share);
  }

  private void addBias(MemorySegment x, MemorySegment bias, int width, Share own) {
    if (bias != null) {
      for (int token = own.from(); token < own.to(); token++) {
        kernels.add(x.asSlice(4L * token * width), bias, width);
      }
    }
  }

  /** Adds what {@link #hidden} has to the residual stream. */
  private void addResidual(MemorySegment bias, Share own) {
    addBias(hidden, bias, config.hidden(), own);
    scale(hidden, own, config.residualMultiplier());
    if (own.count() > 0) {
      long rowBytes = 4L * config.hidden();
      kernels.add(
          own.of(residual, rowBytes), own.of(hidden, rowBytes), own.count() * config.hidden());
    }
  }

  private void scale(MemorySegment x, Share own, float factor) {
    if (factor != 1 && own.count() > 0) {
      kernels.scale(own.of(x, 4L * config.hidden()), factor, own.count() * config.hidden());
    }
  }

  /** A run of rows that is one member's. */
  private record Share(int from, int to) {
    static Share of(int all, int member, int size) {
      return new Share(
          (int) ((long) all * member / size), (int) ((long) all * (member + 1) / size));
    }

    int count() {
      return to - from;
    }

    MemorySegment of(MemorySegment rows, long rowBytes) {
      return rows.asSlice(from * rowBytes);
    }
  }

  /** Bytes that its own buffers have. */
  long bufferBytes() {
    return memory.bytes();
  }

  /** Frees the decoder's own buffers; the model, the team and the cache belong to the caller. */
  @Override
  public void close() {
    memory.close();
  }
}
