package io.chasqui.ops;

import static io.restassured.RestAssured.given;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.chasqui.Await;
import io.quarkus.test.junit.QuarkusTest;
import jakarta.inject.Inject;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@QuarkusTest
class OperationsTest {
  @Inject ServedModel served;

  @BeforeEach
  void theModelIsLoaded() {
    served.engine().await().atMost(Duration.ofMinutes(1));
  }

  @ParameterizedTest
  @ValueSource(strings = {"started", "ready", "live"})
  void everyProbeIsUp(String probe) {
    given().get("/q/health/" + probe).then().statusCode(200).body("status", equalTo("UP"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "chasqui_cold_start_seconds_count{phase=\"listen\"} 1.0",
        "chasqui_cold_start_seconds_count{phase=\"load\"} 1.0",
        "chasqui_cold_start_seconds_count{phase=\"ready\"} 1.0",
        "vllm:num_requests_running",
        "vllm:num_requests_waiting",
        "vllm:kv_cache_usage_perc",
        "vllm:prefix_cache_queries_total",
        "vllm:prefix_cache_hits_total",
        "vllm:num_preemptions_total",
        "chasqui_parked_streams",
        "chasqui_steps_total",
        "chasqui_step_tokens_total",
        "chasqui_step_sequences_bucket",
        "vllm:prompt_tokens_total",
        "vllm:generation_tokens_total",
        "vllm:spec_decode_num_drafts_total",
        "vllm:spec_decode_num_draft_tokens_total",
        "vllm:spec_decode_num_accepted_tokens_total",
        "vllm:time_to_first_token_seconds_bucket",
        "vllm:inter_token_latency_seconds_bucket",
        "vllm:e2e_request_latency_seconds_bucket",
        "vllm:request_queue_time_seconds_bucket",
        "vllm:request_prefill_time_seconds_bucket",
        "vllm:request_decode_time_seconds_bucket",
        "chasqui_request_sampling_time_seconds_bucket",
        "vllm:request_success_total{finished_reason=\"stop\"}",
        "vllm:request_success_total{finished_reason=\"length\"}",
        "vllm:request_success_total{finished_reason=\"abort\"}",
        "vllm:request_success_total{finished_reason=\"error\"}"
      })
  void aServerThatHasAnsweredNothingHasEverySeries(String series) {
    given().get("/q/metrics").then().statusCode(200).body(containsString("\n" + series));
    given()
        .get("/metrics")
        .then()
        .statusCode(200)
        .header("Content-Type", containsString("application/openmetrics-text"))
        .body(containsString("\n" + series));
  }

  @Test
  void theBucketsAreVllms() {
    assertEquals(
        List.of(
            "0.001", "0.005", "0.01", "0.02", "0.04", "0.06", "0.08", "0.1", "0.25", "0.5", "0.75",
            "1.0", "2.5", "5.0", "7.5", "10.0", "20.0", "40.0", "80.0", "160.0", "640.0", "2560.0",
            "+Inf"),
        bounds("vllm:time_to_first_token_seconds_bucket{le="));
    assertEquals(
        List.of(
            "0.01", "0.025", "0.05", "0.075", "0.1", "0.15", "0.2", "0.3", "0.4", "0.5", "0.75",
            "1.0", "2.5", "5.0", "7.5", "10.0", "20.0", "40.0", "80.0", "+Inf"),
        bounds("vllm:inter_token_latency_seconds_bucket{le="));
  }

  @Test
  void theColdStartHasBucketsFromMillisecondsToAMinute() {
    assertEquals(
        List.of(
            "0.005", "0.01", "0.02", "0.05", "0.1", "0.2", "0.5", "1.0", "2.0", "5.0", "10.0",
            "20.0", "30.0", "60.0", "+Inf"),
        bounds("chasqui_cold_start_seconds_bucket{phase=\"ready\",le="));
  }

  @Test
  void theKernelsHaveTheirNameInAMetric() {
    String kernels = served.engine().await().indefinitely().model().kernels();

    assertFalse(kernels.isBlank());
    assertEquals(1, value("chasqui_kernels_info{kernels=\"" + kernels + "\"}"));
  }

  @Test
  void anAnswerIsCountedByItsEndAndItsTokens() {
    double ended = value("vllm:request_success_total{finished_reason=\"length\"}");
    double prompt = value("vllm:prompt_tokens_total");
    double generated = value("vllm:generation_tokens_total");
    double first = value("vllm:time_to_first_token_seconds_count");
    double next = value("vllm:inter_token_latency_seconds_count");

    given()
        .contentType("application/json")
        .body("{\"model\":\"demo\",\"prompt\":\"Once upon\",\"temperature\":0,\"max_tokens\":5}")
        .post("/v1/completions")
        .then()
        .statusCode(200)
        .body("usage.prompt_tokens", equalTo(3));

    Await.until(
        "the answer is counted",
        () -> value("vllm:request_success_total{finished_reason=\"length\"}") == ended + 1);
    assertEquals(prompt + 3, value("vllm:prompt_tokens_total"));
    assertEquals(generated + 5, value("vllm:generation_tokens_total"));
    assertEquals(first + 1, value("vllm:time_to_first_token_seconds_count"));
    assertEquals(next + 4, value("vllm:inter_token_latency_seconds_count"));
  }

  private static List<String> lines(String series) {
    String all = given().get("/q/metrics").asString();
    List<String> lines = all.lines().filter(line -> line.startsWith(series)).toList();
    assertTrue(!lines.isEmpty(), series + " is missing in " + all);
    return lines;
  }

  private static List<String> bounds(String series) {
    return lines(series).stream()
        .map(line -> line.replaceAll(".*le=\"([^\"]*)\".*", "$1"))
        .toList();
  }

  private static double value(String series) {
    String line = lines(series + " ").getFirst();
    return Double.parseDouble(line.substring(series.length() + 1));
  }
}
