package io.chasqui.ops;

import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.config.MeterFilter;
import jakarta.inject.Singleton;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Bounds the series of {@code http_server_requests}. A client chooses the method and the path of a
 * request, and each value of a label is a series that stays in memory and in every scrape: what
 * this server does not know is one value together.
 */
@Singleton
class RequestLabels implements MeterFilter {
  /** OpenTelemetry's word for a method that is not known. */
  private static final String OTHER = "_OTHER";

  private static final String METRICS = "http.server.";

  private static final Map<String, Set<String>> KNOWN =
      Map.of(
          "method",
          Set.of("CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"),
          "uri",
          Set.of(
              // Quarkus' words for what is no path, or has no route.
              "root",
              "NOT_FOUND",
              "REDIRECTION",
              "UNKNOWN",
              "/cors-preflight",
              "/index.html",
              "/v1/chat/completions",
              "/v1/completions",
              "/v1/estimate",
              "/v1/models",
              "/v1/models/{id:.+}",
              "/tokenize",
              "/detokenize",
              "/metrics",
              "/q/metrics"));

  @Override
  public Meter.Id map(Meter.Id id) {
    if (!id.getName().startsWith(METRICS)) {
      return id;
    }
    List<Tag> tags = new ArrayList<>();
    for (Tag tag : id.getTagsAsIterable()) {
      Set<String> known = KNOWN.get(tag.getKey());
      tags.add(known == null || known.contains(tag.getValue()) ? tag : Tag.of(tag.getKey(), OTHER));
    }
    return id.replaceTags(tags);
  }
}
