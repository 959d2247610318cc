package io.chasqui.benchmark.streams;

import io.chasqui.benchmark.servers.ConcurrentStreams;
import io.chasqui.benchmark.servers.OngoingStreams;
import io.chasqui.benchmark.servers.StreamRequest;
import io.chasqui.benchmark.servers.TokenSource;
import io.chasqui.benchmark.servers.TokenTimes;
import io.chasqui.tokenizer.Tokenizer;
import java.io.IOException;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * Measures one server with streams. Prompts are random token ids, so that none begins as another
 * does unless it is meant to.
 */
public final class StreamMeter {
  /** Tokens of the prompt of each stream that is one of several. */
  public static final int PROMPT = 128;

  /** Tokens of an answer where streams are sent at once. */
  public static final int ANSWER = 64;

  /** What an answer is made of. */
  public static final String TEXT = "a";

  /** Enough to last until the long prompt is computed. */
  private static final int LONG_ANSWER = 384;

  /** Tokens of each stream before the long prompt is sent. */
  private static final int BEFORE = 96;

  private static final int LONG_PROMPT = 2000;
  private static final int PREFIX_PROMPT = 1000;
  private static final int PREFIX_TAIL = 16;

  /** With 16 layers each operation of a layer is then called often enough for HotSpot's C2. */
  private static final int COMPILED_AFTER = 512;

  private final TokenSource server;
  private final int vocabulary;
  private final int token;

  /**
   * @param tokenizer of the model that the server serves
   */
  public StreamMeter(TokenSource server, Tokenizer tokenizer) {
    this(server, tokenizer.vocabularySize(), token(tokenizer.encodeOrdinary(TEXT)));
  }

  /**
   * @param vocabulary prompts are made of tokens below it
   * @param token that answers are made of: {@link StreamRequest}
   */
  public StreamMeter(TokenSource server, int vocabulary, int token) {
    this.server = server;
    this.vocabulary = vocabulary;
    this.token = token;
  }

  /**
   * The token that answers are made of.
   *
   * @param ids tokens of {@link #TEXT}
   */
  public static int token(int... ids) {
    if (ids.length != 1) {
      throw new IllegalArgumentException(
          "the model has no token for '%s': take one that has".formatted(TEXT));
    }
    return ids[0];
  }

  /** Generates until a JVM has compiled what a step of one token calls. */
  void warmUpCompilers(long seed) throws IOException, InterruptedException {
    run(request(new SplittableRandom(seed), PROMPT, COMPILED_AFTER));
  }

  /**
   * Measures once.
   *
   * @param seed of the prompts
   * @throws IOException if an answer is not what was asked for, or the server does not run as many
   */
  public Map<StreamQuantity, Double> measure(StreamScenario scenario, long seed)
      throws IOException, InterruptedException {
    var random = new SplittableRandom(seed);
    return switch (scenario) {
      case STREAMS_16, STREAMS_4, STREAMS_1 -> batch(scenario.streams, random);
      case PROMPT_BESIDE -> promptBeside(random, scenario.streams);
      case PREFIX -> prefix(random);
    };
  }

  /**
   * Sends the requests twice. The second time their prompts are cached but for the last tokens, so
   * that all streams generate together, whatever a server does first when many prompts come.
   */
  Map<StreamQuantity, Double> batch(int streams, SplittableRandom random)
      throws IOException, InterruptedException {
    List<StreamRequest> requests = requests(random, streams, ANSWER);
    Map<StreamQuantity, Double> numbers = new EnumMap<>(StreamQuantity.class);
    numbers.putAll(StreamStatistics.batch(ConcurrentStreams.run(server, requests)));
    numbers.putAll(StreamStatistics.decode(ConcurrentStreams.run(server, requests)));
    return numbers;
  }

  /**
   * Clients that send requests one after the other, with prompts and answers as those of a batch.
   */
  public OngoingStreams ongoing(int clients, SplittableRandom random) {
    return new OngoingStreams(
        server, Stream.generate(() -> endless(random.split())).limit(clients).toList());
  }

  private Supplier<StreamRequest> endless(SplittableRandom random) {
    return () -> request(random, PROMPT, ANSWER);
  }

  private Map<StreamQuantity, Double> promptBeside(SplittableRandom random, int count)
      throws IOException, InterruptedException {
    List<StreamRequest> requests = requests(random, count, LONG_ANSWER);
    StreamRequest prompt = request(random, LONG_PROMPT, 1);
    try (var streams = new ConcurrentStreams(server, requests, BEFORE)) {
      streams.awaitMark();
      TokenTimes beside = run(prompt);
      return StreamStatistics.promptBeside(streams.await(), beside);
    }
  }

  private Map<StreamQuantity, Double> prefix(SplittableRandom random)
      throws IOException, InterruptedException {
    StreamRequest fresh = request(random, PREFIX_PROMPT, 1);
    List<Integer> again = new ArrayList<>(fresh.prompt().subList(0, PREFIX_PROMPT - PREFIX_TAIL));
    again.addAll(StreamRequest.randomPrompt(random, PREFIX_TAIL, vocabulary));
    return StreamStatistics.prefix(run(fresh), run(new StreamRequest(again, 1, token)));
  }

  private List<StreamRequest> requests(SplittableRandom random, int count, int answer) {
    return Stream.generate(() -> request(random, PROMPT, answer)).limit(count).toList();
  }

  private StreamRequest request(SplittableRandom random, int prompt, int answer) {
    return new StreamRequest(StreamRequest.randomPrompt(random, prompt, vocabulary), answer, token);
  }

  private TokenTimes run(StreamRequest request) throws IOException, InterruptedException {
    return server.stream(request, tokens -> {});
  }
}
