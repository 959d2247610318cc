package io.chasqui.ops;

import static io.restassured.RestAssured.given;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.quarkus.test.junit.QuarkusTest;
import jakarta.inject.Inject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The alerts, the dashboard and the autoscalers in {@code k8s/} ask for what the server exports.
 */
@QuarkusTest
class WatchedMetricsTest {
  private static final Pattern SERIES = Pattern.compile("((?:vllm:|chasqui_)\\w+)(\\{[^}]*})?");
  private static final Pattern LABEL = Pattern.compile("(\\w+)=~?\"([^\"]*)\"");

  /** What Prometheus adds to every series, by the ServiceMonitor. */
  private static final Set<String> ADDED = Set.of("job", "namespace");

  @Inject ServedModel served;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "monitoring/alerts.yaml",
        "monitoring/chasqui.json",
        "components/keda/scaled-object.yaml"
      })
  void everySeriesThatIsAskedForIsThere(String file) throws IOException {
    List<String> exported = exported();
    // In JSON, quotation marks inside a string have a backslash before them.
    String text = Files.readString(Path.of("k8s", file)).replace("\\\"", "\"");

    int asked = 0;
    Matcher series = SERIES.matcher(text);
    while (series.find()) {
      String name = series.group(1);
      List<String> labels = labels(series.group(2));
      assertTrue(
          exported.stream()
              .anyMatch(line ->
                  line.matches(Pattern.quote(name) + "[{ ].*")
                      && labels.stream().allMatch(line::contains)),
          () -> name + labels);
      asked++;
    }
    assertTrue(asked > 0);
  }

  @Test
  void theAutoscalerAsksForWhatTheAdapterIsToldToName() throws IOException {
    List<String> exported = exported();
    Matcher name =
        Pattern.compile("name: vllm_(\\w+)")
            .matcher(
                Files.readString(Path.of("k8s/overlays/plain/horizontal-pod-autoscaler.yaml")));

    var names = new HashSet<String>();
    while (name.find()) {
      String series = "vllm:" + name.group(1);
      assertTrue(exported.stream().anyMatch(line -> line.startsWith(series + " ")), series);
      names.add(series);
    }
    assertEquals(2, names.size());
  }

  @Test
  void noPanelHidesAnother() throws IOException {
    JsonNode panels =
        new ObjectMapper().readTree(Path.of("k8s/monitoring/chasqui.json").toFile()).get("panels");

    var ids = new HashSet<Integer>();
    var taken = new HashSet<List<Integer>>();
    for (JsonNode panel : panels) {
      String title = panel.get("title").asText();
      assertTrue(ids.add(panel.get("id").asInt()), title);
      assertEquals("${datasource}", panel.at("/datasource/uid").asText(), title);
      JsonNode place = panel.get("gridPos");
      assertTrue(place.get("x").asInt() + place.get("w").asInt() <= 24, title);
      for (int x = 0; x < place.get("w").asInt(); x++) {
        for (int y = 0; y < place.get("h").asInt(); y++) {
          var cell = List.of(place.get("x").asInt() + x, place.get("y").asInt() + y);
          assertTrue(taken.add(cell), title);
        }
      }
    }
    assertFalse(ids.isEmpty());
  }

  private List<String> exported() {
    served.engine().await().atMost(Duration.ofMinutes(1));
    return given()
        .get("/metrics")
        .asString()
        .lines()
        .filter(line -> !line.startsWith("#"))
        .toList();
  }

  /** Those that the server itself must have given the series, as it writes them. */
  private static List<String> labels(String selector) {
    var labels = new ArrayList<String>();
    Matcher label = LABEL.matcher(selector == null ? "" : selector);
    while (label.find()) {
      if (!ADDED.contains(label.group(1))) {
        labels.add(label.group(1) + "=\"" + label.group(2) + "\"");
      }
    }
    return labels;
  }
}
