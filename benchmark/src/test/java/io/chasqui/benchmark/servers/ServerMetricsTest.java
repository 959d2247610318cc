package io.chasqui.benchmark.servers;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import org.junit.jupiter.api.Test;

class ServerMetricsTest {
  private static final ServerMetrics METRICS =
      new ServerMetrics(
          """
          # TYPE vllm:kv_cache_usage_perc gauge
          vllm:kv_cache_usage_perc 0.125
          jvm_memory_used_bytes{area="heap",id="Tenured Gen"} 1.2E7
          jvm_memory_used_bytes{area="nonheap",id="Metaspace"} 4.7E7
          jvm_memory_used_bytes{area="heap",id="Eden Space"} 500000.0
          chasqui_context_tokens 512.0
          """);

  @Test
  void aSeriesIsFoundByItsName() throws IOException {
    assertEquals(0.125, METRICS.kvUsage());
    assertEquals(512, METRICS.context());
  }

  @Test
  void theHeapIsTheSumOfItsPools() {
    assertEquals(1.25e7, METRICS.heap().orElseThrow());
    assertTrue(new ServerMetrics("").heap().isEmpty());
  }

  @Test
  void whatIsMissingIsNamed() {
    var failure = assertThrows(IOException.class, METRICS::sequences);
    assertTrue(failure.getMessage().contains("chasqui_sequences"), failure.getMessage());
  }
}
