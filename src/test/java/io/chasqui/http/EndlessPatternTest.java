package io.chasqui.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.chasqui.LogLines;
import io.chasqui.ops.LentModel;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import java.net.URI;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.logging.Level;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A model whose tokenizer has a pattern that would never end. */
@QuarkusTest
class EndlessPatternTest {
  @TestHTTPResource("/")
  URI server;

  private final LogLines log = new LogLines(ApiException.class);

  @AfterEach
  void close() {
    log.close();
  }

  @Test
  void itsRequestsAreRefusedAndTheModelIsBlamed() {
    try (LentModel model =
        LentModels.lend("endless", LentModel.ENDLESS_PATTERN, 4, Duration.ofSeconds(30))) {
      model.letLoad();
      model.engine();

      HttpResponse<String> whole =
          Api.post(
              server,
              LentModels.chatPath("endless"),
              Api.chat("a".repeat(1000), "model", LentModel.ENDLESS_PATTERN));
      assertEquals(501, whole.statusCode());
      JsonNode error = Api.parse(whole.body()).get("error");
      String message = error.get("message").textValue();
      assertTrue(
          message.contains("The model's tokenizer.json has the pattern \"a*a*a*a*z\""), message);
      assertEquals("server_error", error.get("type").textValue());
      assertEquals("model_unsupported", error.get("code").textValue());
      assertTrue(error.get("param").isNull());

      String ordinary = Api.chat("Hello", "model", LentModel.ENDLESS_PATTERN, "max_tokens", 1);
      assertEquals(200, Api.post(server, LentModels.chatPath("endless"), ordinary).statusCode());
      assertEquals(List.of(), log.at(Level.SEVERE));
    }
  }
}
