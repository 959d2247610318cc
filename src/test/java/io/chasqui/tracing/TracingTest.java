package io.chasqui.tracing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.chasqui.http.Api;
import io.chasqui.tracing.FakeCollector.Received;
import io.opentelemetry.proto.trace.v1.Span.SpanKind;
import io.opentelemetry.proto.trace.v1.Status.StatusCode;
import io.quarkus.runtime.configuration.ConfigurationException;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.QuarkusTestProfile;
import io.quarkus.test.junit.TestProfile;
import io.smallrye.config.PropertiesConfigSource;
import io.smallrye.config.SmallRyeConfigBuilder;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import org.eclipse.microprofile.config.Config;
import org.junit.jupiter.api.Test;

/** Who configures a collector is told of each request, in the words that dashboards know. */
@QuarkusTest
@TestProfile(TracingTest.Traced.class)
class TracingTest {
  private static final FakeCollector COLLECTOR = new FakeCollector();
  private static final String KEPT = "01";
  private static final String LEFT_OUT = "00";

  public static final class Traced implements QuarkusTestProfile {
    @Override
    public Map<String, String> getConfigOverrides() {
      return Map.of(
          "otel.exporter.otlp.endpoint", COLLECTOR.endpoint(), "otel.bsp.schedule.delay", "20");
    }
  }

  @TestHTTPResource("/")
  URI server;

  /** A request of a caller that has a trace of its own already. */
  private final class Caller {
    final String trace =
        HexFormat.of().toHexDigits(random()) + HexFormat.of().toHexDigits(random());
    final String span = HexFormat.of().toHexDigits(random());

    private static long random() {
      return ThreadLocalRandom.current().nextLong(1, Long.MAX_VALUE);
    }

    HttpResponse<String> ask(String path, String body, String flags) {
      return Api.send(
          Api.request(server, path)
              .header("Content-Type", "application/json")
              .header("traceparent", "00-%s-%s-%s".formatted(trace, span, flags))
              .POST(HttpRequest.BodyPublishers.ofString(body)));
    }

    /** The spans of the request, which ends after all others. */
    List<Received> spans(String ofRequest) {
      return COLLECTOR.trace(trace, ofRequest);
    }
  }

  private static Received span(List<Received> spans, String name) {
    return spans.stream().filter(each -> each.name().equals(name)).findAny().orElseThrow();
  }

  @Test
  void aMethodThatIsMadeUpNamesNoSpan() {
    var caller = new Caller();
    Api.send(
        Api.request(server, "/v1/models")
            .header("traceparent", "00-%s-%s-%s".formatted(caller.trace, caller.span, KEPT))
            .method("BREW", HttpRequest.BodyPublishers.noBody()));

    Map<String, Object> told = span(caller.spans("HTTP"), "HTTP").attributes();

    assertEquals("_OTHER", told.get("http.request.method"));
    assertEquals("BREW", told.get("http.request.method_original"));
  }

  @Test
  void aTraceTellsTheWayOfAnAnswer() {
    var caller = new Caller();
    HttpResponse<String> response =
        caller.ask(
            Api.CHAT,
            Api.chat("Tell me of a hen", "max_tokens", 5, "seed", 7, "top_p", 0.5, "top_k", 3),
            KEPT);
    assertEquals(200, response.statusCode(), response.body());
    JsonNode answer = Api.parse(response.body());
    List<Received> spans = caller.spans("POST " + Api.CHAT);

    Received request = span(spans, "POST " + Api.CHAT);
    assertEquals(caller.span, request.parent());
    assertEquals(SpanKind.SPAN_KIND_SERVER, request.span().getKind());
    assertEquals(
        Map.of(
            "http.request.method",
            "POST",
            "url.path",
            Api.CHAT,
            "http.response.status_code",
            200L,
            "http.response.header.x-request-id",
            List.of(response.headers().firstValue("X-Request-Id").orElseThrow())),
        request.attributes());
    assertEquals("chasqui", request.resource().get("service.name"));

    Received inference = span(spans, "chat demo");
    assertEquals(request.id(), inference.parent());
    assertEquals(SpanKind.SPAN_KIND_INTERNAL, inference.span().getKind());
    Map<String, Object> expected =
        Map.ofEntries(
            Map.entry("gen_ai.operation.name", "chat"),
            Map.entry("gen_ai.provider.name", "chasqui"),
            Map.entry("gen_ai.request.model", "demo"),
            Map.entry("gen_ai.request.stream", false),
            Map.entry("gen_ai.request.max_tokens", 5L),
            Map.entry("gen_ai.request.seed", 7L),
            Map.entry("gen_ai.request.temperature", 0.0),
            Map.entry("gen_ai.request.top_p", 0.5),
            Map.entry("gen_ai.request.top_k", 3.0),
            Map.entry("gen_ai.request.frequency_penalty", 0.0),
            Map.entry("gen_ai.request.presence_penalty", 0.0),
            Map.entry("gen_ai.response.id", answer.get("id").textValue()),
            Map.entry("gen_ai.response.model", "demo"),
            Map.entry("gen_ai.response.finish_reasons", List.of("length")),
            Map.entry("gen_ai.usage.input_tokens", answer.at("/usage/prompt_tokens").longValue()),
            Map.entry(
                "gen_ai.usage.cache_read.input_tokens",
                answer.at("/usage/prompt_tokens_details/cached_tokens").longValue()),
            Map.entry("gen_ai.usage.output_tokens", 5L));
    assertEquals(expected, inference.attributes());

    long end = inference.span().getStartTimeUnixNano();
    for (String name : List.of("queue", "prefill", "decode")) {
      Received phase = span(spans, name);
      assertEquals(inference.id(), phase.parent());
      assertEquals(end, phase.span().getStartTimeUnixNano(), name + " begins when the last ends");
      end = phase.span().getEndTimeUnixNano();
    }
    assertTrue(span(spans, "prefill").seconds() > 0 && span(spans, "decode").seconds() > 0);
    assertEquals(5, spans.size());
  }

  @Test
  void aStreamTellsItsFirstChunkAndEachChoiceItsEnd() {
    var caller = new Caller();
    HttpResponse<String> response =
        caller.ask(
            Api.COMPLETIONS, Api.completion("One", "stream", true, "n", 2, "max_tokens", 4), KEPT);
    assertEquals(200, response.statusCode(), response.body());

    Received inference = span(caller.spans("POST " + Api.COMPLETIONS), "text_completion demo");
    Map<String, Object> attributes = inference.attributes();
    assertEquals(2L, attributes.get("gen_ai.request.choice.count"));
    assertEquals(List.of("length", "length"), attributes.get("gen_ai.response.finish_reasons"));
    assertEquals(8L, attributes.get("gen_ai.usage.output_tokens"));
    double first = (double) attributes.get("gen_ai.response.time_to_first_chunk");
    assertTrue(first > 0 && first <= inference.seconds(), "the first chunk came after " + first);
  }

  @Test
  void aDeadlineShowsAsAnError() {
    var caller = new Caller();
    Api.send(
        Api.request(server, Api.CHAT)
            .header("Content-Type", "application/json")
            .header("traceparent", "00-%s-%s-01".formatted(caller.trace, caller.span))
            .header("X-Request-Timeout", "0.3")
            .POST(
                HttpRequest.BodyPublishers.ofString(
                    Api.chat("Count", "ignore_eos", true, "n", 8))));

    Received inference = span(caller.spans("POST " + Api.CHAT), "chat demo");
    assertEquals("timeout", inference.attributes().get("error.type"));
    assertEquals(StatusCode.STATUS_CODE_ERROR, inference.span().getStatus().getCode());
  }

  @Test
  void whatTheEngineRefusesHasAnErrorAndWhatTheApiRefusesNoInference() {
    var tooLong = new Caller();
    tooLong.ask(Api.COMPLETIONS, Api.completion("word ".repeat(20_000)), KEPT);
    List<Received> refused = tooLong.spans("POST " + Api.COMPLETIONS);
    assertEquals(
        "io.chasqui.engine.AdmissionException",
        span(refused, "text_completion demo").attributes().get("error.type"));

    var wrong = new Caller();
    wrong.ask(Api.CHAT, "{", KEPT);
    List<Received> spans = wrong.spans("POST");
    assertEquals(1, spans.size());
    assertEquals(400L, spans.getFirst().attributes().get("http.response.status_code"));
    assertEquals(
        StatusCode.STATUS_CODE_UNSET,
        spans.getFirst().span().getStatus().getCode(),
        "a client's mistake is no error of the server");
  }

  @Test
  void whatTheCallerLeavesOutAndHealthAreNotTraced() {
    var unwanted = new Caller();
    unwanted.ask(Api.CHAT, Api.chat("Hello", "max_tokens", 2), LEFT_OUT);
    Api.send(Api.request(server, "/q/health/live"));
    var wanted = new Caller();
    wanted.ask(Api.CHAT, Api.chat("Hello", "max_tokens", 2), KEPT);
    wanted.spans("POST " + Api.CHAT);

    for (Received span : COLLECTOR.all()) {
      assertNotEquals(unwanted.trace, span.trace());
      assertFalse(String.valueOf(span.attributes().get("url.path")).contains("health"));
    }
  }

  @Test
  void noSpanHasATextOfAnybody() {
    var caller = new Caller();
    HttpResponse<String> response =
        caller.ask(Api.CHAT, Api.chat("xylophone", "stop", "zeppelin", "user", "quetzal"), KEPT);
    JsonNode answer = Api.parse(response.body());
    caller.spans("POST " + Api.CHAT);

    String text = answer.at("/choices/0/message/content").textValue();
    assertTrue(text.length() > 10);
    for (String secret : List.of("xylophone", "zeppelin", "quetzal", text)) {
      assertFalse(COLLECTOR.text().contains(secret), secret);
    }
  }

  @Test
  void withoutACollectorThereIsNothingToDo() {
    assertFalse(new Tracing(config(Map.of()), "1").isOn());
  }

  @Test
  void aCollectorThatCannotBeIsRefusedAtStart() {
    Exception refused =
        assertThrows(
            ConfigurationException.class,
            () ->
                new Tracing(
                    config(Map.of("otel.exporter.otlp.traces.endpoint", "collector")), "1"));
    assertTrue(refused.getMessage().contains("collector"), refused.getMessage());
  }

  private static Config config(Map<String, String> settings) {
    return new SmallRyeConfigBuilder()
        .withSources(new PropertiesConfigSource(settings, "test", 100))
        .build();
  }
}
