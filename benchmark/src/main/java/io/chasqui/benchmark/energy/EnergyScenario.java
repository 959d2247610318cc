package io.chasqui.benchmark.energy;

import io.chasqui.benchmark.servers.ConcurrentStreams;
import io.chasqui.benchmark.servers.StreamRequest;
import io.chasqui.benchmark.servers.TokenSource;
import io.chasqui.benchmark.streams.StreamMeter;
import io.chasqui.tokenizer.Tokenizer;
import java.io.IOException;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;

/** What servers are made to do while their energy is measured, for prefill and decode apart. */
final class EnergyScenario {
  private static final int PROMPT = StreamMeter.PROMPT;
  private static final int ANSWER = StreamMeter.ANSWER;

  private final int vocabulary;
  private final int token;
  private final long nanos;

  /**
   * @param tokenizer of the model that is served
   * @param seconds that each piece of work takes at least: processor time is counted in hundredths
   */
  EnergyScenario(Tokenizer tokenizer, double seconds) {
    this(
        tokenizer.vocabularySize(),
        StreamMeter.token(tokenizer.encodeOrdinary(StreamMeter.TEXT)),
        seconds);
  }

  EnergyScenario(int vocabulary, int token, double seconds) {
    this.vocabulary = vocabulary;
    this.token = token;
    nanos = (long) (seconds * 1e9);
  }

  /**
   * Prompts, as many at once as there are streams, new ones again and again; each has an answer of
   * one token.
   */
  EnergyMeter.Work prefill(TokenSource server, int streams, long seed) {
    var random = new SplittableRandom(seed);
    return () -> {
      long begin = System.nanoTime();
      long tokens = 0;
      do {
        ConcurrentStreams.run(server, requests(random, streams, 1));
        tokens += (long) streams * PROMPT;
      } while (System.nanoTime() - begin < nanos);
      return tokens;
    };
  }

  /**
   * Answers, as many at once as there are streams, again and again to the same prompts. These are
   * sent before for a token each, so that they are cached but for their last tokens.
   */
  EnergyMeter.Work decode(TokenSource server, int streams, long seed)
      throws IOException, InterruptedException {
    List<StreamRequest> requests = requests(new SplittableRandom(seed), streams, ANSWER);
    ConcurrentStreams.run(server, requests(new SplittableRandom(seed), streams, 1));
    return () -> {
      long begin = System.nanoTime();
      long tokens = 0;
      do {
        ConcurrentStreams.run(server, requests);
        tokens += (long) streams * ANSWER;
      } while (System.nanoTime() - begin < nanos);
      return tokens;
    };
  }

  private List<StreamRequest> requests(SplittableRandom random, int streams, int answer) {
    return Stream.generate(() ->
            new StreamRequest(
                StreamRequest.randomPrompt(random, PROMPT, vocabulary), answer, token))
        .limit(streams)
        .toList();
  }

  /** Nothing, for as long. */
  EnergyMeter.Work rest() {
    return () -> {
      Thread.sleep(nanos / 1_000_000);
      return 0;
    };
  }
}
