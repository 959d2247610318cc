package io.chasqui.benchmark.jmh;

import io.chasqui.sampling.LogitBias;
import io.chasqui.sampling.Sampler;
import io.chasqui.sampling.SamplingParameters;
import io.chasqui.sampling.TokenHistory;
import io.chasqui.sampling.TokenLogprobs;
import io.chasqui.sampling.TokenSet;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Choosing one token of a vocabulary of 128256, the way a request asks for it: what a decode step
 * pays for each of its sequences.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class SamplerBenchmark {
  private static final int VOCABULARY = 128_256;
  private static final int ROWS = 8;
  private static final int CONTEXT = 2_000;
  private static final int PEAKS = 100;

  /**
   * How the logits are distributed: {@code peaked} as a language model's, most of the probability
   * on a few tokens; {@code wide} as a normal distribution of deviation 3, on thousands; {@code
   * flat} of deviation 1, on nearly all, which no trained model has.
   */
  @Param({"peaked", "wide", "flat"})
  public String shape;

  private final SamplingParameters temperature =
      SamplingParameters.builder().temperature(0.8).seed(1).build();
  private final SamplingParameters topK =
      SamplingParameters.builder().temperature(0.8).topK(40).topP(0.95).seed(1).build();
  private final SamplingParameters topP =
      SamplingParameters.builder().temperature(0.8).topP(0.95).seed(1).build();
  private final SamplingParameters minP =
      SamplingParameters.builder().temperature(0.8).minP(0.05).seed(1).build();
  private final SamplingParameters typicalP =
      SamplingParameters.builder().temperature(0.8).typicalP(0.95).seed(1).build();
  private final SamplingParameters everything =
      SamplingParameters.builder()
          .temperature(0.8)
          .topK(40)
          .topP(0.95)
          .minP(0.01)
          .typicalP(0.95)
          .seed(1)
          .repetitionPenalty(1.1)
          .frequencyPenalty(0.2)
          .presencePenalty(0.2)
          .noRepeatNgramSize(3)
          .logitBias(LogitBias.of(Map.of(5, 1.0, 7, -100.0)))
          .minTokens(Integer.MAX_VALUE)
          .stopTokens(TokenSet.of(11, 12))
          .build();

  private Sampler sampler;
  private TokenHistory history;
  private float[][] rows;
  private int index;

  @Setup
  public void open() {
    Random random = new Random(1);
    rows = new float[ROWS][VOCABULARY];
    for (float[] row : rows) {
      for (int i = 0; i < VOCABULARY; i++) {
        row[i] = (float) ((shape.equals("flat") ? 1 : 3) * random.nextGaussian());
      }
      for (int i = 0; i < PEAKS && shape.equals("peaked"); i++) {
        row[random.nextInt(VOCABULARY)] = 12 + (float) (2.5 * random.nextExponential());
      }
    }
    sampler = new Sampler(VOCABULARY, TokenSet.of(128_001, 128_009));
    history = new TokenHistory(random.ints(CONTEXT / 2, 0, VOCABULARY).toArray());
    random.ints(CONTEXT / 2, 0, VOCABULARY).forEach(history::append);
  }

  private int next(SamplingParameters parameters) {
    index++;
    return sampler.next(rows[index % ROWS], parameters, history, index);
  }

  @Benchmark
  public int greedy() {
    return next(SamplingParameters.GREEDY);
  }

  @Benchmark
  public int temperature() {
    return next(temperature);
  }

  @Benchmark
  public int topKAndTopP() {
    return next(topK);
  }

  @Benchmark
  public int topPAlone() {
    return next(topP);
  }

  @Benchmark
  public int minPAlone() {
    return next(minP);
  }

  @Benchmark
  public int typicalPAlone() {
    return next(typicalP);
  }

  @Benchmark
  public int everything() {
    return next(everything);
  }

  @Benchmark
  public TokenLogprobs logprobs() {
    index++;
    return TokenLogprobs.of(rows[index % ROWS], 5, 20);
  }
}
