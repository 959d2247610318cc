package io.chasqui.benchmark.quantizations;

import io.chasqui.benchmark.forward.Repeatable;
import io.chasqui.kernel.Kernels;
import io.chasqui.kernel.KvLayout;
import io.chasqui.model.Batch;
import io.chasqui.model.Decoder;
import io.chasqui.model.KvBlocks;
import io.chasqui.model.KvCache;
import io.chasqui.model.Sequence;
import io.chasqui.model.ThreadTeam;
import io.chasqui.pack.PackedModel;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;

/**
 * Several sequences that a decoder generates at once, a random token of each in a step, without
 * tokenizer and sampler.
 */
final class BatchRunner implements Repeatable {
  private final int vocabulary;
  private final int tokens;
  private final ThreadTeam team;
  private final KvCache cache;
  private final Decoder decoder;
  private final List<Sequence> sequences;
  private final SplittableRandom random;

  /**
   * Prepares them.
   *
   * @param count of the sequences
   * @param tokens that each of them gets in a run, from its first on
   */
  BatchRunner(
      PackedModel model, KvLayout.Type kvType, int threads, int count, int tokens, long seed) {
    this.tokens = tokens;
    vocabulary = model.config().vocabulary();
    team = new ThreadTeam(threads);
    cache =
        new KvCache(
            Decoder.kvLayout(model.config(), kvType),
            model.config().layers(),
            count * KvLayout.blocks(tokens));
    decoder = new Decoder(model, Kernels.best(), team, cache, tokens, count, count);
    var blocks = new KvBlocks(cache);
    sequences = Stream.generate(() -> new Sequence(blocks, tokens)).limit(count).toList();
    random = new SplittableRandom(seed);
  }

  /** Generates all tokens of all sequences once. */
  @Override
  public long run() {
    sequences.forEach(sequence -> sequence.truncate(0));
    long begin = System.nanoTime();
    for (int i = 0; i < tokens; i++) {
      step();
    }
    return System.nanoTime() - begin;
  }

  /** A step. */
  @Override
  public void warmUp() {
    sequences.forEach(sequence -> sequence.truncate(0));
    step();
  }

  private void step() {
    var batch = new Batch();
    for (Sequence sequence : sequences) {
      sequence.reserve(1);
      batch.add(sequence, new int[] {random.nextInt(vocabulary)}, 1);
    }
    decoder.forward(batch);
  }

  @Override
  public void close() {
    sequences.forEach(Sequence::close);
    decoder.close();
    cache.close();
    team.close();
  }
}
