package io.chasqui.benchmark.streams;

import io.chasqui.benchmark.results.Quantity;
import io.chasqui.benchmark.results.Results;
import java.util.Map;
import java.util.TreeMap;

/** What streams are measured by. ITL is the inter-token latency, the gap between two tokens. */
public enum StreamQuantity {
  TOKENS_PER_SECOND(Quantity.higher("speed, first request to last token", "tokens/s", 1)),
  DECODE_TOKENS_PER_SECOND(Quantity.higher("speed while all streams generate", "tokens/s", 1)),
  LAST_FIRST_TOKEN_MS(Quantity.lower("first token of the last stream", "ms", 0)),

  ITL_P50_ALONE_MS(Quantity.lower("ITL before the prompt, median", "ms", 1)),
  ITL_P99_ALONE_MS(Quantity.lower("ITL before the prompt, 99th percentile", "ms", 1)),
  ITL_P50_BESIDE_MS(Quantity.lower("ITL beside the prompt, median", "ms", 1)),
  ITL_P99_BESIDE_MS(Quantity.lower("ITL beside the prompt, 99th percentile", "ms", 1)),
  ITL_STALL(Quantity.lower("99th percentile beside ÷ median before", "", 2)),
  PROMPT_FIRST_TOKEN_MS(Quantity.lower("first token of the prompt", "ms", 0)),

  NEW_FIRST_TOKEN_MS(Quantity.lower("first token, new prompt", "ms", 0)),
  AGAIN_FIRST_TOKEN_MS(Quantity.lower("first token, same beginning", "ms", 0)),
  AGAIN_TO_NEW(Quantity.lower("same beginning ÷ new", "", 3)),

  FIRST_TOKEN_P50_MS(Quantity.lower("first token, median", "ms", 1)),
  FIRST_TOKEN_P99_MS(Quantity.lower("first token, 99th percentile", "ms", 1)),
  ITL_P50_MS(Quantity.lower("ITL, median", "ms", 2)),
  ITL_P99_MS(Quantity.lower("ITL, 99th percentile", "ms", 2)),
  ITL_SPREAD(Quantity.lower("ITL, 99th percentile ÷ median", "", 2)),
  STREAMS(Quantity.higher("streams", "", 0));

  final Quantity quantity;

  StreamQuantity(Quantity quantity) {
    this.quantity = quantity;
  }

  /** Adds what a subject's next round came to. */
  public static void add(
      Results.Builder results, String group, String subject, Map<StreamQuantity, Double> numbers) {
    new TreeMap<>(numbers)
        .forEach((each, number) -> results.add(group, each.quantity, subject, number));
  }
}
