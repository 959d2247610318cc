package io.chasqui.http;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PlainPathTest {
  @ParameterizedTest
  @ValueSource(
      strings = {
        "/",
        "/v1/chat/completions",
        "/v1/chat/completions/",
        "/v1/estimate?context=512&batch=8;x=%2F..//",
        "/v1/models/owner/name",
        "/v1/models/owner%2Fname%3AQ4_K_M",
        "/v1/models/qwen2.5-0.5b@main",
        "/q/health/live",
        "/.well-known/x",
        "/..."
      })
  void aPathAsClientsWriteItIsPlain(String target) {
    assertTrue(PlainPath.isPlain(target));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "*",
        "v1/models",
        "http://localhost/v1/models",
        "//v1/models",
        "/v1//models",
        "/v1/models//",
        "/v1;x/models",
        "/v1/models;x",
        "/;/v1/models",
        "/./v1/models",
        "/v1/../v1/models",
        "/v1/models/..",
        "/v%31/models",
        "/v1%2Fmodels",
        "/v1/models/%2e%2e/x",
        "/v1/models/%2E",
        "/v1/models/%7e",
        "/v1/models/%zz",
        "/v1/models/%0a",
        "/v1/models/%",
        "/v1\\models",
        "/v1/models#x",
        "/v1/mod els",
        "/v1/modèls"
      })
  void anotherSpellingIsNot(String target) {
    assertFalse(PlainPath.isPlain(target));
  }

  @Test
  void theLongestPathIsJudgedToo() {
    String name = "%C3%A9".repeat(2_000);

    assertTrue(PlainPath.isPlain("/v1/models/" + "a".repeat(1_000_000)));
    assertTrue(PlainPath.isPlain("/v1/models/" + name));
  }
}
