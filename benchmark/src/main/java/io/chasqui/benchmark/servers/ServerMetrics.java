package io.chasqui.benchmark.servers;

import java.io.IOException;
import java.util.List;
import java.util.OptionalDouble;

/**
 * What a server of Chasqui tells of itself at {@code /metrics}.
 *
 * @param text Prometheus' format
 */
public record ServerMetrics(String text) {
  private static final String KV_USAGE = "vllm:kv_cache_usage_perc";
  private static final String HEAP = "jvm_memory_used_bytes{area=\"heap\"";

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
    List<Double> pools = values(HEAP);
    return pools.isEmpty()
        ? OptionalDouble.empty()
        : OptionalDouble.of(pools.stream().mapToDouble(each -> each).sum());
  }

  private double one(String name) throws IOException {
    return values(name).stream()
        .findFirst()
        .orElseThrow(() -> new IOException("the server's metrics have no " + name));
  }

  private List<Double> values(String series) {
    return text.lines()
        .filter(line -> line.startsWith(series))
        .map(line -> Double.valueOf(line.substring(line.lastIndexOf(' ') + 1)))
        .toList();
  }
}
