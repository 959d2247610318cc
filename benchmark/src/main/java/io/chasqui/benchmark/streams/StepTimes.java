package io.chasqui.benchmark.streams;

import io.chasqui.benchmark.Machine;
import io.chasqui.benchmark.autoscaling.ServiceTimes;
import io.chasqui.benchmark.results.Measurement;
import io.chasqui.benchmark.results.Results;
import io.chasqui.benchmark.results.Subject;
import io.chasqui.benchmark.servers.RunningServer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.function.Consumer;

/**
 * The times of a pod's steps from what streams have measured. Of streams that are sent at once, a
 * step takes their number divided by the tokens a second while all of them generate; and of one
 * stream, a step of its whole prompt takes as long as the first token.
 */
public final class StepTimes {
  private static final int[] STREAMS = {1, 2, 4, 8, 16};
  private static final int ROUNDS = 3;
  private static final double MILLIS = 1000;

  /** Tokens that every vocabulary has. */
  private static final int VOCABULARY = 256;

  private StepTimes() {}

  /**
   * Reads what {@code ./chasqui bench streams --record} or {@link #measure} has written; of several
   * servers the first.
   *
   * @throws IOException if there is nothing like it in the file
   */
  public static ServiceTimes read(Path file) throws IOException {
    Map<Integer, Double> millis = new TreeMap<>();
    for (Measurement each : Results.read(file).measurements()) {
      int streams = each.at().map(Double::intValue).orElse(0);
      if (!each.group().equals(StreamScenario.AT_ONCE) || !(each.median() > 0)) {
        continue;
      }
      if (each.quantity().equals(StreamQuantity.DECODE_TOKENS_PER_SECOND.quantity)) {
        millis.putIfAbsent(streams, MILLIS * streams / each.median());
      } else if (streams == 1
          && each.quantity().equals(StreamQuantity.LAST_FIRST_TOKEN_MS.quantity)) {
        millis.putIfAbsent(StreamMeter.PROMPT, each.median());
      }
    }
    if (!millis.containsKey(1) || !millis.containsKey(StreamMeter.PROMPT) || millis.size() < 3) {
      throw new IOException(
          file + " lacks the scenarios 1x and another one, as 16x: see ./chasqui bench streams");
    }
    return new ServiceTimes(millis);
  }

  /**
   * Measures a server that runs, in a few rounds after one that does not count.
   *
   * @param progress is told what is measured
   * @return what {@link #read} looks for
   * @throws IOException if it does not answer as asked, or does not run 16 streams at once
   */
  public static Results measure(RunningServer server, long seed, Consumer<String> progress)
      throws IOException, InterruptedException {
    int token = StreamMeter.token(server.tokens(StreamMeter.TEXT));
    var meter = new StreamMeter(server, VOCABULARY, token);
    var random = new SplittableRandom(seed);
    Results.Builder results =
        Results.begin("streams", seed, Machine.environment())
            .subject(Subject.of(server.model(), server.model()));
    for (int round = 0; round <= ROUNDS; round++) {
      for (int streams : STREAMS) {
        progress.accept("round %d of %d: %d streams".formatted(round, ROUNDS, streams));
        Map<StreamQuantity, Double> numbers = meter.batch(streams, random);
        if (round > 0) {
          StreamScenario.addBatch(results, server.model(), streams, numbers);
        }
      }
    }
    return results.build();
  }
}
