package io.chasqui.benchmark.jmh;

import io.chasqui.engine.PromptLookup;
import io.chasqui.kernel.Kernels;
import io.chasqui.kernel.KvLayout;
import io.chasqui.model.Batch;
import io.chasqui.model.CpuLimit;
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
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;

/**
 * Decoding a text that stands in the prompt, with and without prompt lookup, in turn: tokens a
 * second, the best and the median of the rounds.
 *
 * <p>A model with random weights copies nothing. So all is computed that a model would compute, the
 * logits of each token and the choice among them included, but then the next token is taken from
 * the text: this is the speed of a model of this shape whose answer is that text. The second task
 * changes a token in every 25, as a corrected text would; what is drafted there is wrong.
 *
 * <p>Arguments: a packed model, a text file, the number of rounds (5).
 */
public final class CopyTaskBenchmark {
  private static final int TOKENS = 256;
  private static final int CHUNK = 64;
  private static final int CHANGED_EVERY = 25;

  private final Decoder decoder;
  private final Sequence sequence;
  private final Sampler sampler;
  private final float[] logits;
  private final int[] prompt;

  /** What one decoding took. */
  private record Run(double tokensPerSecond, int passes, int drafted, int accepted) {}

  private CopyTaskBenchmark(Decoder decoder, Sequence sequence, int vocabulary, int[] prompt) {
    this.decoder = decoder;
    this.sequence = sequence;
    this.prompt = prompt;
    sampler = new Sampler(vocabulary, TokenSet.EMPTY);
    logits = new float[vocabulary];
  }

  public static void main(String[] args) throws IOException {
    int rounds = args.length > 2 ? Integer.parseInt(args[2]) : 5;
    String text = Files.readString(Path.of(args[1]));
    try (PackedModel model = PackedModel.open(Path.of(args[0]));
        ThreadTeam team = new ThreadTeam(CpuLimit.processors());
        KvCache cache =
            new KvCache(
                Decoder.kvLayout(model.config(), KvLayout.Type.F16),
                model.config().layers(),
                KvLayout.blocks(2 * TOKENS));
        Decoder decoder =
            new Decoder(
                model, Kernels.best(), team, cache, 2 * TOKENS, CHUNK, 1 + PromptLookup.MAX_DRAFT);
        Sequence sequence = new Sequence(new KvBlocks(cache), 2 * TOKENS)) {
      int[] copy = Arrays.copyOf(model.tokenizer().encodeOrdinary(text), TOKENS);
      int[] corrected = copy.clone();
      for (int i = CHANGED_EVERY - 1; i < TOKENS; i += CHANGED_EVERY) {
        corrected[i] = (corrected[i] + 1) % model.config().vocabulary();
      }
      var benchmark = new CopyTaskBenchmark(decoder, sequence, model.config().vocabulary(), copy);
      System.out.printf(
          "%s, %s, %d threads, %d tokens after a prompt of %d%n%n",
          model.name(), Kernels.best().name(), team.size(), TOKENS - 1, TOKENS);
      System.out.println(
          "task | speculation | tokens/s best | median | passes | drafted | accepted");
      System.out.println("---|---|---|---|---|---|---");
      benchmark.readPrompt();
      benchmark.compare("copy", copy, rounds);
      benchmark.compare("correct", corrected, rounds);
    }
  }

  private void readPrompt() {
    for (int from = 0; from < prompt.length; from += CHUNK) {
      compute(Arrays.copyOfRange(prompt, from, from + CHUNK), 0);
    }
  }

  private void compare(String task, int[] answer, int rounds) {
    Run[] without = new Run[rounds];
    Run[] with = new Run[rounds];
    for (int i = 0; i < rounds; i++) {
      without[i] = decode(answer, false);
      with[i] = decode(answer, true);
    }
    print(task, "off", without);
    print(task, "prompt-lookup", with);
  }

  private static void print(String task, String speculation, Run[] runs) {
    double[] speeds = Arrays.stream(runs).mapToDouble(Run::tokensPerSecond).sorted().toArray();
    Run any = runs[0];
    System.out.printf(
        Locale.ROOT,
        "%s | %s | %.1f | %.1f | %d | %d | %d%n",
        task,
        speculation,
        speeds[speeds.length - 1],
        speeds[speeds.length / 2],
        any.passes(),
        any.drafted(),
        any.accepted());
  }

  /** From the first token of the answer, which the prompt's pass would give, to the last. */
  private Run decode(int[] answer, boolean speculate) {
    sequence.truncate(prompt.length);
    var history = new TokenHistory(prompt);
    var lookup = new PromptLookup();
    lookup.append(prompt);
    lookup.append(answer[0]);
    int passes = 0;
    int drafted = 0;
    int accepted = 0;
    int produced = 1;
    long begin = System.nanoTime();
    while (produced < answer.length) {
      sequence.truncate(prompt.length + produced - 1);
      int[] step = lookup.step(speculate ? answer.length - produced : 1);
      compute(step, step.length);
      int chosen = 0;
      boolean guessed;
      do {
        decoder.copyLogits(chosen++, logits);
        sampler.next(logits, SamplingParameters.GREEDY, history, produced);
        int token = answer[produced++];
        lookup.append(token);
        guessed = chosen < step.length && step[chosen] == token;
      } while (guessed);
      if (step.length > 1) {
        lookup.verified(step.length - 1, chosen - 1);
      }
      passes++;
      drafted += step.length - 1;
      accepted += chosen - 1;
    }
    double seconds = (System.nanoTime() - begin) / 1e9;
    return new Run((answer.length - 1) / seconds, passes, drafted, accepted);
  }

  private void compute(int[] tokens, int outputs) {
    sequence.reserve(tokens.length);
    Batch batch = new Batch();
    batch.add(sequence, tokens, outputs);
    decoder.forward(batch);
  }
}
