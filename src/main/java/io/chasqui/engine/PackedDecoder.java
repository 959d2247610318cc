package io.chasqui.engine;

import io.chasqui.kernel.Kernels;
import io.chasqui.kernel.KvLayout;
import io.chasqui.model.Batch;
import io.chasqui.model.CpuLimit;
import io.chasqui.model.Decoder;
import io.chasqui.model.KvBlocks;
import io.chasqui.model.KvCache;
import io.chasqui.model.ThreadTeam;
import io.chasqui.pack.PackedModel;
import io.chasqui.pack.PackedPrefix;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Our own forward pass, on a packed model. */
final class PackedDecoder implements TokenDecoder {
  /** More do not make a prompt quicker, and the buffers of a step grow with them. */
  static final int MAX_TOKENS = 128;

  /** Choosing the tokens of a step takes little time, and scratch memory of each member. */
  static final int MAX_MEMBERS = 8;

  private static final System.Logger LOG = System.getLogger(PackedDecoder.class.getName());

  private final PackedModel model;
  private final int context;
  private final int maxOutputs;
  private final Kernels kernels;
  private final ThreadTeam team;
  private final KvCache cache;
  private final KvBlocks blocks;
  private final Decoder decoder;

  /**
   * Prepares a decoder.
   *
   * @param model closed together with this
   * @param kv how the model's keys and values are stored
   * @param blockCount blocks of keys and values
   * @param context the most positions of a sequence
   * @param sequences that a step has at most
   */
  PackedDecoder(PackedModel model, KvLayout kv, int blockCount, int context, int sequences) {
    this.model = model;
    this.context = context;
    maxOutputs = maxOutputs(sequences);
    kernels = Kernels.best(); // before there is a thread or memory to give back
    team = new ThreadTeam(CpuLimit.processors());
    cache = new KvCache(kv, model.config().layers(), blockCount);
    blocks = new KvBlocks(cache, usablePrefixes(model, kv.type()));
    decoder = new Decoder(model, kernels, team, cache, context, MAX_TOKENS, maxOutputs);
  }

  /** Rows of logits of a step at most: of each sequence one, and a draft. */
  static int maxOutputs(int sequences) {
    return sequences + PromptLookup.MAX_DRAFT;
  }

  /** Those that are stored as the keys and values here are; the log tells of others. */
  private static List<PackedPrefix> usablePrefixes(PackedModel model, KvLayout.Type type) {
    var usable = new ArrayList<PackedPrefix>();
    for (PackedPrefix prefix : model.prefixes()) {
      if (prefix.type() == type) {
        usable.add(prefix);
      } else {
        LOG.log(
            Level.WARNING,
            "A prefix of {0} tokens that is packed with {1} is not used: it is stored as {2}, and keys and values are {3} here. Pack it with --prefix-kv {3}, or set chasqui.kv-cache.dtype to {2}",
            prefix.tokens().length,
            model.name(),
            lowerCase(prefix.type()),
            lowerCase(type));
      }
    }
    return usable;
  }

  private static String lowerCase(KvLayout.Type type) {
    return type.name().toLowerCase(Locale.ROOT);
  }

  @Override
  public String kernels() {
    return kernels.name();
  }

  @Override
  public int maxSequences() {
    return Integer.MAX_VALUE;
  }

  @Override
  public int maxTokens() {
    return MAX_TOKENS;
  }

  @Override
  public int maxOutputs() {
    return maxOutputs;
  }

  @Override
  public boolean verifiesDrafts() {
    return true;
  }

  @Override
  public boolean hasRoom(int positions) {
    return blocks.available() >= KvLayout.blocks(positions);
  }

  @Override
  public long maxPositions() {
    return (long) blocks.blocks() * KvLayout.BLOCK_POSITIONS;
  }

  @Override
  public double usage() {
    return (double) blocks.used() / blocks.blocks();
  }

  @Override
  public TokenDecoder.Sequence newSequence() {
    return new Positions(new io.chasqui.model.Sequence(blocks, context));
  }

  private record Positions(io.chasqui.model.Sequence of) implements TokenDecoder.Sequence {
    @Override
    public int length() {
      return of.length();
    }

    @Override
    public int adopt(int[] tokens, long salt) {
      return of.adopt(tokens, salt);
    }

    @Override
    public TokenDecoder.Sequence fork() {
      return new Positions(of.fork());
    }

    @Override
    public boolean reserve(int positions) {
      of.publish(); // drafts that were wrong are gone by now
      return of.tryReserve(positions);
    }

    @Override
    public void truncate(int length) {
      of.truncate(length);
    }

    @Override
    public void close() {
      of.publish();
      of.close();
    }
  }

  @Override
  public void forward(List<Run> step) {
    // An error that names the file, where the system would end the process without one.
    model.requireWhole();
    Batch batch = new Batch();
    for (Run run : step) {
      batch.add(((Positions) run.sequence()).of(), run.tokens(), run.outputs());
    }
    decoder.forward(batch);
  }

  @Override
  public int members() {
    return Math.min(team.size(), MAX_MEMBERS);
  }

  @Override
  public void share(int pieces, SharedWork work) {
    int members = Math.min(members(), pieces);
    if (members <= 1) {
      TokenDecoder.inTurn(pieces, work);
      return;
    }
    team.run((member, size) -> {
      for (int piece = member; member < members && piece < pieces; piece += members) {
        work.run(piece, member);
      }
    });
  }

  @Override
  public void logits(int row, float[] into) {
    decoder.copyLogits(row, into);
  }

  @Override
  public void close() {
    decoder.close();
    cache.close();
    team.close();
    model.close();
  }
}
