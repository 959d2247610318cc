package io.chasqui.benchmark.streams;

import io.chasqui.benchmark.results.Results;
import java.util.Map;
import java.util.TreeMap;

/** What is measured with streams of one server. */
public enum StreamScenario {
  /** Streams with a short prompt each, sent at once. */
  STREAMS_16("16x", 16),
  STREAMS_4("4x", 4),
  STREAMS_1("1x", 1),

  /** Streams that run when a long prompt comes. */
  PROMPT_BESIDE("prompt-beside", 4),

  /** A prompt, and then one that begins as it does. */
  PREFIX("prefix", 1);

  /** The group of streams that are sent at once; its scale is their number. */
  static final String AT_ONCE = "streams at once";

  private final String title;

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

  /** Adds what a subject's next round came to. */
  void add(Results.Builder results, String subject, Map<StreamQuantity, Double> numbers) {
    if (isBatch()) {
      addBatch(results, subject, streams, numbers);
    } else {
      StreamQuantity.add(results, title, subject, numbers);
    }
  }

  /** Adds what a subject's next round of so many streams at once came to. */
  static void addBatch(
      Results.Builder results, String subject, int streams, Map<StreamQuantity, Double> numbers) {
    new TreeMap<>(numbers)
        .forEach((each, number) -> results.add(AT_ONCE, each.quantity, subject, streams, number));
  }
}
