package io.chasqui.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.chasqui.ops.LentModel;
import io.chasqui.pack.EmbeddedModel;
import io.chasqui.pack.PackedModel;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import java.net.URI;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code GET /v1/estimate}. */
@QuarkusTest
class EstimateTest {
  private static final String LLAMA_6B =
      "parameters=6000000000&layers=32&hidden=4096&intermediate=11008&kv_heads=32&head_dim=128";

  @TestHTTPResource("/")
  URI server;

  @TempDir Path directory;

  private HttpResponse<String> get(String query) {
    return Api.send(Api.request(server, "/v1/estimate" + query));
  }

  private JsonNode estimate(String query) {
    HttpResponse<String> response = get(query);
    assertEquals(200, response.statusCode(), response.body());
    return Api.parse(response.body());
  }

  @Test
  void theServedModelIsEstimatedAsItIsServed() {
    JsonNode estimate = estimate("");

    assertEquals("memory_estimate", estimate.get("object").textValue());
    assertEquals("demo", estimate.get("model").textValue());
    assertEquals("cpu", estimate.get("device").textValue());
    assertEquals("q8", estimate.get("precision").textValue());
    assertEquals(512, estimate.get("context").intValue());
    try (PackedModel demo = new EmbeddedModel().packed()) {
      assertEquals(demo.weightBytes(), estimate.at("/bytes/weights").longValue());
    }
    assertEquals(estimate, estimate("?model=demo"));
  }

  @Test
  void whatIsAskedForIsAnswered() {
    JsonNode estimate =
        estimate("?context=100&batch=3&precision=q4&kv=i8&device=gpu&training=false");

    assertEquals(100, estimate.get("context").intValue());
    assertEquals(3, estimate.get("batch").intValue());
    assertEquals("q4", estimate.get("precision").textValue());
    assertEquals("i8", estimate.get("kv").textValue());
    assertEquals("gpu", estimate.get("device").textValue());
    assertEquals(1_300_000_000, estimate.at("/bytes/runtime").longValue());
  }

  @Test
  void aShapeNeedsNoModel() {
    JsonNode estimate = estimate("?" + LLAMA_6B + "&precision=f32&training=true");

    assertEquals("shape", estimate.get("model").textValue());
    assertEquals(24_000_000_000L, estimate.at("/bytes/weights").longValue());
    assertEquals(48_000_000_000L, estimate.at("/bytes/optimizer").longValue());
    assertEquals(15_104L * 2048 * 32, estimate.at("/bytes/activations").longValue());
  }

  @ParameterizedTest
  @CsvSource({
    "?contxt=100, contxt",
    "?context=many, context",
    "?context=, context",
    "?context=1.5, context",
    "?context=1e99999999, context",
    "?context=4294967396, context",
    "?batch=2&batch=3, batch",
    "?precision=q3, precision",
    "?precision=Q4, precision",
    "?kv=f32, kv",
    "?device=tpu, device",
    "?training=yes, training",
    "?layers=32, parameters",
    "?hidden=4096&parameters=6e9, layers"
  })
  void aParameterThatIsWrongIsNamed(String query, String param) {
    HttpResponse<String> response = get(query);
    assertEquals(400, response.statusCode(), response.body());
    JsonNode error = Api.error(response);
    assertEquals(param, error.get("param").textValue(), response.body());
    assertTrue(error.get("message").textValue().contains(param), response.body());
  }

  @ParameterizedTest
  @CsvSource({
    "?context=513, at most 512",
    "?context=0, context must be from 1",
    "?batch=-1, batch must be from 1",
    "?precision=f16, are not packed as f16"
  })
  void whatTheModelCannotDoIsToldWithItsBounds(String query, String part) {
    assertMessage(part, get(query));
  }

  @Test
  void aShapeOutOfRangeIsToldWithItsBounds() {
    assertMessage("head_dim must be a multiple of 16", get("?" + LLAMA_6B.replace("128", "100")));
    assertMessage(
        "more bytes",
        get("?" + LLAMA_6B.replace("hidden=4096", "hidden=1e6") + "&context=16e6&batch=65e3"));
    assertMessage("not both", get("?" + LLAMA_6B + "&model=demo"));
  }

  private static void assertMessage(String part, HttpResponse<String> response) {
    assertEquals(400, response.statusCode(), response.body());
    String message = Api.error(response).get("message").textValue();
    assertTrue(message.contains(part), message);
  }

  /** A file of the machine's is a name like any other, and not that of the model. */
  @Test
  void noFileIsOpened() throws Exception {
    Path file = Files.writeString(directory.resolve("other.chasqui"), "no model");
    HttpResponse<String> there = get("?model=" + file);
    HttpResponse<String> missing = get("?model=" + directory.resolve("other.missing"));

    assertEquals(404, there.statusCode());
    assertEquals("model_not_found", Api.error(there).get("code").textValue());
    assertEquals(missing.body().replace("missing", "chasqui"), there.body());
  }

  @Test
  void whatJlamaRunsHasNoEstimate() {
    try (var lent = new LentModel(LentModel.ON_JLAMA, 1, Duration.ofSeconds(30))) {
      lent.letLoad();
      var resource = new EstimateResource(lent.served());
      var answer = resource.estimate(EstimateQuery.parse(Map.of())).onItem().ignore();
      var refusal =
          assertThrows(
              ApiException.class, () -> answer.andContinueWithNull().await().indefinitely());
      assertTrue(refusal.getMessage().contains("give its shape"), refusal.getMessage());
    }
  }
}
