package io.chasqui.benchmark.servers;

import java.io.IOException;
import java.util.OptionalDouble;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a server tells of itself at {@code /metrics}.
 *
 * @param text Prometheus' format
 */
public record ServerMetrics(String text) {
  private static final String KV_USAGE = "vllm:kv_cache_usage_perc";
  private static final String HEAP = "jvm_memory_used_bytes";
  private static final String OF_HEAP = "area=\"heap\"";

  public static ServerMetrics of(Server server) throws IOException, InterruptedException {
    return new ServerMetrics(server.get("/metrics"));
  }

  /**
   * The part of the KV blocks that sequences use, from 0 to 1. Blocks that are only cached are free
   * for whoever needs them, and are not among them.
   */
  public double kvUsage() throws IOException {
    return one(KV_USAGE);
  }

  /** Positions of a sequence. */
  public int context() throws IOException {
    return (int) one("chasqui_context_tokens");
  }

  /** Sequences that run at once. */
  public int sequences() throws IOException {
    return (int) one("chasqui_sequences");
  }

  /** Bytes of the heap that are in use, garbage among them; empty where there is no JVM. */
  public OptionalDouble heap() {
    return sum(HEAP, OF_HEAP);
  }

  private double one(String name) throws IOException {
    return sum(name).orElseThrow(() -> new IOException("the server's metrics have no " + name));
  }

  /** What the samples of a name add up to, whatever their labels; empty if there are none. */
  public OptionalDouble sum(String name) {
    return sum(name, "");
  }

  /**
   * Of the samples that have a label.
   *
   * @param label as it stands in the text; empty for all samples
   */
  private OptionalDouble sum(String name, String label) {
    Pattern sample = Pattern.compile(Pattern.quote(name) + "((?:\\{.*})?) +(\\S+).*");
    return text.lines()
        .map(sample::matcher)
        .filter(Matcher::matches)
        .filter(line -> line.group(1).contains(label))
        .mapToDouble(line -> Double.parseDouble(line.group(2)))
        .reduce(Double::sum);
  }
}
