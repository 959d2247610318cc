package io.chasqui.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.chasqui.http.Api;
import io.chasqui.tracing.FakeCollector;
import io.chasqui.tracing.FakeCollector.Received;
import java.net.http.HttpRequest;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The built program sends its spans where OpenTelemetry's variables say. */
class TracingIT {
  private static final String TRACE = "0af7651916cd43dd8448eb211c80319c";

  @TempDir Path directory;

  @Test
  void whatIsNotSentYetIsSentAtTheEnd() throws Exception {
    try (var collector = new FakeCollector();
        var server =
            new BuiltServer(
                "demo",
                directory.resolve("log"),
                Map.of(
                    "OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint(),
                    "OTEL_RESOURCE_ATTRIBUTES", "k8s.pod.name=chasqui-1",
                    "OTEL_BSP_SCHEDULE_DELAY", "600000"))) {
      Api.send(
          Api.request(server.uri(), Api.CHAT)
              .header("Content-Type", "application/json")
              .header("traceparent", "00-" + TRACE + "-b7ad6b7169203331-01")
              .POST(HttpRequest.BodyPublishers.ofString(Api.chat("Hello", "max_tokens", 2))));
      server.terminate();
      assertEquals(0, server.exitCode());

      List<Received> spans = collector.trace(TRACE, "POST " + Api.CHAT);
      assertEquals(
          List.of("POST " + Api.CHAT, "chat demo", "decode", "prefill", "queue"),
          List.copyOf(
              spans.stream().map(Received::name).collect(Collectors.toCollection(TreeSet::new))));
      Map<String, Object> process = spans.getFirst().resource();
      assertEquals("chasqui", process.get("service.name"));
      assertEquals("chasqui-1", process.get("k8s.pod.name"));
      assertFalse(String.valueOf(process.get("service.version")).isBlank());
    }
  }
}
