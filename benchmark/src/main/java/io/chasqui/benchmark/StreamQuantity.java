package io.chasqui.benchmark;

import java.util.Locale;

/** What streams are measured by. ITL is the inter-token latency, the gap between two tokens. */
enum StreamQuantity {
  TOKENS_PER_SECOND("tokens/s, first request to last token", "%.1f"),
  DECODE_TOKENS_PER_SECOND("tokens/s while all streams generate", "%.1f"),
  LAST_FIRST_TOKEN_MS("first token of the last stream, ms", "%.0f"),

  ITL_P50_ALONE_MS("ITL before the prompt, median, ms", "%.1f"),
  ITL_P99_ALONE_MS("ITL before the prompt, 99th percentile, ms", "%.1f"),
  ITL_P50_BESIDE_MS("ITL beside the prompt, median, ms", "%.1f"),
  ITL_P99_BESIDE_MS("ITL beside the prompt, 99th percentile, ms", "%.1f"),
  ITL_STALL("99th percentile beside ÷ median before", "%.2f"),
  PROMPT_FIRST_TOKEN_MS("first token of the prompt, ms", "%.0f"),

  NEW_FIRST_TOKEN_MS("first token, new prompt, ms", "%.0f"),
  AGAIN_FIRST_TOKEN_MS("first token, same beginning, ms", "%.0f"),
  AGAIN_TO_NEW("same beginning ÷ new", "%.3f"),

  STREAMS("streams", "%.0f"),
  FIRST_TOKEN_P50_MS("first token, median, ms", "%.1f"),
  FIRST_TOKEN_P99_MS("first token, 99th percentile, ms", "%.1f"),
  ITL_P50_MS("ITL, median, ms", "%.2f"),
  ITL_P99_MS("ITL, 99th percentile, ms", "%.2f");

  final String title;

  /** Of a number in a table. */
  final String format;

  StreamQuantity(String title, String format) {
    this.title = title;
    this.format = format;
  }

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
