package io.chasqui.benchmark.forward;

import io.chasqui.benchmark.CompilerWarmUp;
import io.chasqui.kernel.Kernels;
import io.chasqui.kernel.KvLayout;
import io.chasqui.model.Batch;
import io.chasqui.model.Decoder;
import io.chasqui.model.KvBlocks;
import io.chasqui.model.KvCache;
import io.chasqui.model.Sequence;
import io.chasqui.model.ThreadTeam;
import io.chasqui.pack.PackedModel;
import java.util.SplittableRandom;

/**
 * A decoder set up for one test, which it runs again and again: random tokens through forward
 * passes, without tokenizer and sampler.
 */
public final class ModelRunner implements Repeatable {
  /** Of the tokens. */
  static final long SEED = 1;

  /** Calls after which C2 compiles a method, and some more; HotSpot's threshold is 5000. */
  private static final int CALLS_TO_COMPILE = 6000;

  private final ModelTest test;
  private final int vocabulary;
  private final int layers;
  private final ThreadTeam team;
  private final KvCache cache;
  private final Decoder decoder;
  private final Sequence sequence;
  private final SplittableRandom random;

  public ModelRunner(PackedModel model, ModelTest test) {
    this(model, test, SEED);
  }

  /**
   * Prepares it.
   *
   * @param seed of the tokens
   */
  public ModelRunner(PackedModel model, ModelTest test, long seed) {
    this.test = test;
    random = new SplittableRandom(seed);
    vocabulary = model.config().vocabulary();
    layers = model.config().layers();
    int positions = test.positions();
    team = new ThreadTeam(test.threads());
    cache =
        new KvCache(
            Decoder.kvLayout(model.config(), test.kvType()), layers, KvLayout.blocks(positions));
    decoder = new Decoder(model, Kernels.best(), team, cache, positions, test.ubatch(), 1);
    sequence = new Sequence(new KvBlocks(cache), positions);
  }

  /** Computes the tokens that are there before the test's own. */
  public void fillDepth() {
    prefill(test.depth());
  }

  /**
   * Runs the test's tokens once.
   *
   * @return how long it took, in nanoseconds
   */
  @Override
  public long run() {
    sequence.truncate(test.depth());
    long begin = System.nanoTime();
    prefill(test.prompt());
    generate(test.generated());
    return System.nanoTime() - begin;
  }

  /**
   * What llama-bench runs untimed before a test: the prompt, and one token if some are generated.
   */
  @Override
  public void warmUp() {
    sequence.truncate(test.depth());
    prefill(test.prompt());
    generate(Math.min(1, test.generated()));
  }

  /**
   * Runs steps of one token until HotSpot's compilers have nothing left to do: first as many as
   * make every operation of a layer due for C2.
   */
  public void warmUpCompilers() {
    int steps = Math.ceilDiv(CALLS_TO_COMPILE, layers * test.threads());
    CompilerWarmUp.run(steps, this::repeatStep);
  }

  private void repeatStep(int times) {
    for (int i = 0; i < times; i++) {
      sequence.truncate(test.depth());
      generate(1);
    }
  }

  private void prefill(int tokens) {
    for (int batch = 0; batch < tokens; batch += test.batch()) {
      int end = Math.min(batch + test.batch(), tokens);
      for (int from = batch; from < end; from += test.ubatch()) {
        int to = Math.min(from + test.ubatch(), end);
        forward(random.ints(to - from, 0, vocabulary).toArray(), to == end ? 1 : 0);
      }
    }
  }

  private void generate(int tokens) {
    for (int i = 0; i < tokens; i++) {
      forward(new int[] {random.nextInt(vocabulary)}, 1);
    }
  }

  private void forward(int[] tokens, int outputs) {
    sequence.reserve(tokens.length);
    Batch batch = new Batch();
    batch.add(sequence, tokens, outputs);
    decoder.forward(batch);
  }

  @Override
  public void close() {
    sequence.close();
    decoder.close();
    cache.close();
    team.close();
  }
}
