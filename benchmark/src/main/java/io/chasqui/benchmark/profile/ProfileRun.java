package io.chasqui.benchmark.profile;

import io.chasqui.kernel.Kernels;
import io.chasqui.kernel.KvLayout;
import io.chasqui.model.Batch;
import io.chasqui.model.Decoder;
import io.chasqui.model.KvBlocks;
import io.chasqui.model.KvCache;
import io.chasqui.model.Sequence;
import io.chasqui.model.ThreadTeam;
import io.chasqui.pack.PackedModel;
import io.chasqui.sampling.Sampler;
import io.chasqui.sampling.SamplingParameters;
import io.chasqui.sampling.TokenHistory;
import io.chasqui.sampling.TokenSet;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Some sequences that share each step, from random prompts on: forward passes and sampling, for
 * which each thread takes a part of the sequences, as a server does it.
 */
final class ProfileRun implements AutoCloseable {
  /** Tokens of a prompt in one step. */
  private static final int STEP = 512;

  private final int vocabulary;
  private final int prompt;
  private final ThreadTeam team;
  private final KvCache cache;
  private final Decoder decoder;
  private final SamplingParameters parameters;

  /** Of each thread, as is a row of logits. */
  private final Sampler[] samplers;

  private final float[][] logits;
  private final long[] samplerNanos;
  private final List<Sequence> sequences = new ArrayList<>();
  private final List<TokenHistory> histories = new ArrayList<>();
  private final SplittableRandom random;
  private final int[] last;
  private long forwardNanos;
  private long samplingNanos;

  /**
   * @param sequences that share each step
   * @param prompt tokens of each
   * @param answer most tokens of each
   */
  ProfileRun(
      PackedModel model,
      Kernels kernels,
      int threads,
      int sequences,
      int prompt,
      int answer,
      long seed) {
    this.prompt = prompt;
    vocabulary = model.config().vocabulary();
    int positions = prompt + answer;
    team = new ThreadTeam(threads);
    cache =
        new KvCache(
            Decoder.kvLayout(model.config(), KvLayout.Type.F16),
            model.config().layers(),
            sequences * KvLayout.blocks(positions));
    decoder =
        new Decoder(model, kernels, team, cache, positions, Math.max(STEP, sequences), sequences);
    parameters = SamplingParameters.builder().temperature(0.8).topP(0.95).seed(seed).build();
    samplers = new Sampler[threads];
    Arrays.setAll(samplers, member -> new Sampler(vocabulary, TokenSet.of()));
    logits = new float[threads][vocabulary];
    samplerNanos = new long[threads];
    random = new SplittableRandom(seed);
    last = new int[sequences];
    var blocks = new KvBlocks(cache);
    for (int i = 0; i < sequences; i++) {
      this.sequences.add(new Sequence(blocks, positions));
      histories.add(new TokenHistory(new int[] {0}));
    }
  }

  /** Empties all sequences and computes new prompts, one after the other. */
  void prefill() {
    for (int s = 0; s < sequences.size(); s++) {
      Sequence sequence = sequences.get(s);
      sequence.truncate(0);
      for (int from = 0; from < prompt; from += STEP) {
        int to = Math.min(from + STEP, prompt);
        var batch = new Batch();
        sequence.reserve(to - from);
        batch.add(sequence, random.ints(to - from, 0, vocabulary).toArray(), to == prompt ? 1 : 0);
        forward(batch);
      }
      sample(s, 1, 0);
    }
  }

  /** Generates tokens with all sequences, from their prompts on. */
  void decode(int tokens) {
    sequences.forEach(each -> each.truncate(prompt));
    for (int i = 1; i <= tokens; i++) {
      var batch = new Batch();
      for (int s = 0; s < sequences.size(); s++) {
        sequences.get(s).reserve(1);
        batch.add(sequences.get(s), new int[] {last[s]}, 1);
      }
      forward(batch);
      sample(0, sequences.size(), i);
    }
  }

  private void forward(Batch batch) {
    long begin = System.nanoTime();
    decoder.forward(batch);
    forwardNanos += System.nanoTime() - begin;
  }

  /** Samples a token for each of some sequences, whose logits are the rows of the last step. */
  private void sample(int first, int count, int index) {
    long begin = System.nanoTime();
    if (count == 1) {
      sample(0, 0, first, index);
    } else {
      team.run((member, size) -> {
        for (int row = member; row < count; row += size) {
          sample(member, row, first + row, index);
        }
      });
    }
    samplingNanos += System.nanoTime() - begin;
  }

  private void sample(int member, int row, int sequence, int index) {
    long begin = System.nanoTime();
    decoder.copyLogits(row, logits[member]);
    last[sequence] =
        samplers[member].next(logits[member], parameters, histories.get(sequence), index);
    samplerNanos[member] += System.nanoTime() - begin;
  }

  void reset() {
    forwardNanos = 0;
    samplingNanos = 0;
    Arrays.fill(samplerNanos, 0);
  }

  /** Time of the forward passes since the last reset. */
  long forwardNanos() {
    return forwardNanos;
  }

  /** Time of the sampling since the last reset. */
  long samplingNanos() {
    return samplingNanos;
  }

  /** What all threads have spent in it. */
  long samplerNanos() {
    return Arrays.stream(samplerNanos).sum();
  }

  @Override
  public void close() {
    sequences.forEach(Sequence::close);
    decoder.close();
    cache.close();
    team.close();
  }
}
