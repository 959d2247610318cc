package io.chasqui.tracing;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.chasqui.Await;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceResponse;
import io.opentelemetry.proto.common.v1.AnyValue;
import io.opentelemetry.proto.common.v1.KeyValue;
import io.opentelemetry.proto.trace.v1.Span;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;

/** Takes spans as OpenTelemetry's collector does, over OTLP by HTTP, and keeps them. */
public final class FakeCollector implements AutoCloseable {
  /** A span, and the attributes of the process that it comes from. */
  public record Received(Span span, Map<String, Object> resource) {
    public String name() {
      return span.getName();
    }

    public String trace() {
      return HexFormat.of().formatHex(span.getTraceId().toByteArray());
    }

    String id() {
      return HexFormat.of().formatHex(span.getSpanId().toByteArray());
    }

    String parent() {
      return HexFormat.of().formatHex(span.getParentSpanId().toByteArray());
    }

    Map<String, Object> attributes() {
      return FakeCollector.attributes(span.getAttributesList());
    }

    double seconds() {
      return (span.getEndTimeUnixNano() - span.getStartTimeUnixNano()) / 1e9;
    }
  }

  private final HttpServer server;
  private final List<Received> spans = new CopyOnWriteArrayList<>();
  private final List<String> bodies = new CopyOnWriteArrayList<>();

  public FakeCollector() {
    try {
      server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    server.createContext("/v1/traces", this::receive);
    server.start();
  }

  public String endpoint() {
    return "http://127.0.0.1:" + server.getAddress().getPort();
  }

  private void receive(HttpExchange exchange) throws IOException {
    try (exchange) {
      byte[] body = exchange.getRequestBody().readAllBytes();
      bodies.add(new String(body, StandardCharsets.UTF_8));
      for (var process : ExportTraceServiceRequest.parseFrom(body).getResourceSpansList()) {
        Map<String, Object> resource = attributes(process.getResource().getAttributesList());
        process
            .getScopeSpansList()
            .forEach(scope ->
                scope.getSpansList().forEach(span -> spans.add(new Received(span, resource))));
      }
      byte[] answer = ExportTraceServiceResponse.getDefaultInstance().toByteArray();
      exchange.getResponseHeaders().set("Content-Type", "application/x-protobuf");
      exchange.sendResponseHeaders(200, answer.length == 0 ? -1 : answer.length);
    }
  }

  /** All spans of a trace, as soon as there is one of this name among them. */
  public List<Received> trace(String id, String name) {
    Await.until("trace %s has %s".formatted(id, name), () -> find(id, name).isPresent());
    return spans.stream().filter(span -> span.trace().equals(id)).toList();
  }

  private Optional<Received> find(String id, String name) {
    return spans.stream()
        .filter(span -> span.trace().equals(id) && span.name().equals(name))
        .findAny();
  }

  List<Received> all() {
    return List.copyOf(spans);
  }

  /** All that was sent, read as text. */
  String text() {
    return String.join("", bodies);
  }

  private static Map<String, Object> attributes(List<KeyValue> attributes) {
    var values = new TreeMap<String, Object>();
    attributes.forEach(each -> values.put(each.getKey(), value(each.getValue())));
    return values;
  }

  private static Object value(AnyValue value) {
    return switch (value.getValueCase()) {
      case STRING_VALUE -> value.getStringValue();
      case BOOL_VALUE -> value.getBoolValue();
      case INT_VALUE -> value.getIntValue();
      case DOUBLE_VALUE -> value.getDoubleValue();
      case ARRAY_VALUE ->
          value.getArrayValue().getValuesList().stream().map(FakeCollector::value).toList();
      default -> throw new IllegalArgumentException("a value of kind " + value.getValueCase());
    };
  }

  @Override
  public void close() {
    server.stop(0);
  }
}
