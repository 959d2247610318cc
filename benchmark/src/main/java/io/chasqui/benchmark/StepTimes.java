package io.chasqui.benchmark;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.chasqui.benchmark.Comparison.Engine;
import io.chasqui.benchmark.autoscaling.ServiceTimes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The times of a pod's steps from what streams have measured. Of streams that are sent at once, a
 * step takes their number divided by the tokens a second while all of them generate; and of one
 * stream, a step of its whole prompt takes as long as the first token.
 */
final class StepTimes {
  private static final Pattern BATCH = Pattern.compile("([0-9]+)x");
  private static final int[] STREAMS = {1, 2, 4, 8, 16};
  private static final int ROUNDS = 3;
  private static final List<StreamQuantity> QUANTITIES =
      List.of(StreamQuantity.DECODE_TOKENS_PER_SECOND, StreamQuantity.LAST_FIRST_TOKEN_MS);
  private static final double MILLIS = 1000;

  /** Tokens that every vocabulary has. */
  private static final int VOCABULARY = 256;

  private StepTimes() {}

  /**
   * Reads what {@code ./chasqui bench streams -o json} or {@link #measure} has written; of several
   * servers the first.
   *
   * @throws IOException if there is nothing like it in the file
   */
  static ServiceTimes read(Path file) throws IOException {
    Map<Integer, Double> millis = new TreeMap<>();
    for (JsonNode result : json(file)) {
      Matcher batch = BATCH.matcher(result.path("scenario").asText());
      if (batch.matches()) {
        int streams = Integer.parseInt(batch.group(1));
        double speed = median(result, StreamQuantity.DECODE_TOKENS_PER_SECOND);
        millis.putIfAbsent(streams, MILLIS * streams / speed);
        if (streams == 1) {
          millis.putIfAbsent(
              StreamMeter.PROMPT, median(result, StreamQuantity.LAST_FIRST_TOKEN_MS));
        }
      }
    }
    if (!millis.containsKey(1) || millis.size() < 3) {
      throw new IOException(
          file + " lacks the scenarios 1x and another one, as 16x: see ./chasqui bench streams");
    }
    return new ServiceTimes(millis);
  }

  private static JsonNode json(Path file) throws IOException {
    try {
      return new JsonMapper().readTree(Files.readString(file));
    } catch (JsonProcessingException e) {
      throw new IOException("%s is no JSON: %s".formatted(file, e.getOriginalMessage()), e);
    }
  }

  private static double median(JsonNode result, StreamQuantity quantity) throws IOException {
    double median = result.path(quantity.toString()).path("median").asDouble();
    if (!(median > 0)) {
      throw new IOException(
          "the scenario %s has no %s".formatted(result.path("scenario").asText(), quantity));
    }
    return median;
  }

  /**
   * Measures a server that runs, in a few rounds after one that does not count.
   *
   * @param progress is told what is measured
   * @return what {@link #read} looks for: a result for each number of streams
   * @throws IOException if it does not answer as asked, or does not run 16 streams at once
   */
  static List<Map<String, Object>> measure(
      RunningServer server, long seed, Consumer<String> progress)
      throws IOException, InterruptedException {
    int token = StreamMeter.token(server.tokens(StreamMeter.TEXT));
    var meter = new StreamMeter(server, VOCABULARY, token);
    var random = new SplittableRandom(seed);
    var engine = new Engine(server.model(), server.model());
    var rounds = new Rounds();
    for (int round = 0; round <= ROUNDS; round++) {
      for (int streams : STREAMS) {
        progress.accept("round %d of %d: %d streams".formatted(round, ROUNDS, streams));
        Map<StreamQuantity, Double> numbers = meter.batch(streams, random);
        if (round > 0) {
          numbers.forEach(
              (quantity, number) -> rounds.add(test(streams, quantity), engine.name(), number));
        }
      }
    }
    var results = new Comparison(rounds, List.of(engine), List.of());
    return Arrays.stream(STREAMS).mapToObj(streams -> fields(streams, results)).toList();
  }

  private static Map<String, Object> fields(int streams, Comparison results) {
    Engine engine = results.engines().getFirst();
    var fields = new LinkedHashMap<String, Object>();
    fields.put("scenario", streams + "x");
    fields.put("variant", engine.name());
    for (StreamQuantity quantity : QUANTITIES) {
      fields.put(quantity.toString(), results.fields(test(streams, quantity), engine));
    }
    return fields;
  }

  private static String test(int streams, StreamQuantity quantity) {
    return streams + "x " + quantity;
  }
}
