package io.chasqui.benchmark;

import io.chasqui.benchmark.Comparison.Row;
import java.util.List;

/** What is measured with streams of one server. */
enum StreamScenario {
  /** Streams with a short prompt each, sent at once. */
  STREAMS_16("16x", 16),
  STREAMS_4("4x", 4),
  STREAMS_1("1x", 1),

  /** Streams that run when a long prompt comes. */
  PROMPT_BESIDE("prompt-beside", 4),

  /** A prompt, and then one that begins as it does. */
  PREFIX("prefix", 1);

  final String title;

  /** How many run at once. */
  final int streams;

  StreamScenario(String title, int streams) {
    this.title = title;
    this.streams = streams;
  }

  @Override
  public String toString() {
    return title;
  }

  /** Whether streams are sent at once, which is what llama-batched-bench measures. */
  boolean isBatch() {
    return switch (this) {
      case STREAMS_16, STREAMS_4, STREAMS_1 -> true;
      case PROMPT_BESIDE, PREFIX -> false;
    };
  }

  /** What it comes to. */
  List<StreamQuantity> quantities() {
    return switch (this) {
      case STREAMS_16, STREAMS_4, STREAMS_1 ->
          List.of(
              StreamQuantity.TOKENS_PER_SECOND,
              StreamQuantity.DECODE_TOKENS_PER_SECOND,
              StreamQuantity.LAST_FIRST_TOKEN_MS);
      case PROMPT_BESIDE ->
          List.of(
              StreamQuantity.ITL_P50_ALONE_MS,
              StreamQuantity.ITL_P99_ALONE_MS,
              StreamQuantity.ITL_P50_BESIDE_MS,
              StreamQuantity.ITL_P99_BESIDE_MS,
              StreamQuantity.ITL_STALL,
              StreamQuantity.PROMPT_FIRST_TOKEN_MS);
      case PREFIX ->
          List.of(
              StreamQuantity.NEW_FIRST_TOKEN_MS,
              StreamQuantity.AGAIN_FIRST_TOKEN_MS,
              StreamQuantity.AGAIN_TO_NEW);
    };
  }

  /** The name of a quantity among those of all scenarios. */
  String test(StreamQuantity quantity) {
    return title + " " + quantity;
  }

  /** The lines of its table. */
  List<Row> rows() {
    return quantities().stream()
        .map(quantity -> new Row(quantity.title, test(quantity), quantity.format))
        .toList();
  }
}
