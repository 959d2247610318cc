package io.chasqui.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.chasqui.ops.LentModel;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The field {@code speculation} of a request. */
@QuarkusTest
class SpeculationFieldTest {
  private static final String NEVER_DRAFTED =
      "{\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}";

  @TestHTTPResource("/")
  URI server;

  @Test
  void theTextIsTheSameAndTheUsageTellsWhatWasGuessed() {
    try (LentModel lent = lend("demo")) {
      String story = post(Api.chat(Api.STORY)).at("/choices/0/message/content").textValue();
      JsonNode off = post(encore(story, "off"));
      JsonNode on = post(encore(story, "prompt-lookup"));

      assertEquals(off.at("/choices"), on.at("/choices"));
      assertEquals(NEVER_DRAFTED, off.at("/usage/completion_tokens_details").toString());
      for (String field : List.of("prompt_tokens", "completion_tokens", "total_tokens")) {
        assertEquals(off.at("/usage/" + field), on.at("/usage/" + field));
      }
      JsonNode details = on.at("/usage/completion_tokens_details");
      int accepted = details.get("accepted_prediction_tokens").intValue();
      int rejected = details.get("rejected_prediction_tokens").intValue();
      assertTrue(2 * accepted > on.at("/usage/completion_tokens").intValue(), on.toString());
      assertEquals(accepted, lent.counter("vllm:spec_decode_num_accepted_tokens"));
      assertEquals(accepted + rejected, lent.counter("vllm:spec_decode_num_draft_tokens"));
      assertTrue(lent.counter("vllm:spec_decode_num_drafts") > 0);
    }
  }

  /** A conversation that asks for the story a second time. */
  private static String encore(String story, String speculation) {
    var question = Map.of("role", "user", "content", Api.STORY);
    var answer = Map.of("role", "assistant", "content", story);
    return Api.chat(
        "", "messages", List.of(question, answer, question), "speculation", speculation);
  }

  @Test
  void aModelThatCannotVerifyDraftsRefusesIt() {
    try (LentModel lent = lend(LentModel.ON_JLAMA)) {
      String asking = Api.chat("Hello", "speculation", "prompt-lookup", "max_tokens", 1);
      JsonNode error = Api.error(Api.post(server, path(), named(asking, LentModel.ON_JLAMA)));

      assertEquals("speculation", error.get("param").textValue());
      assertEquals("unsupported_parameter", error.get("code").textValue());
      assertEquals("invalid_request_error", error.get("type").textValue());
      String unasked = Api.chat("Hello", "speculation", "off", "max_tokens", 1);
      assertEquals(200, Api.post(server, path(), named(unasked, LentModel.ON_JLAMA)).statusCode());
      assertEquals(0, lent.counter("vllm:spec_decode_num_draft_tokens"));
    }
  }

  @Test
  void completionsHaveTheFieldToo() {
    String wrong = Api.completion("Once upon", "speculation", "yes");
    JsonNode error = Api.error(Api.post(server, Api.COMPLETIONS, wrong));
    assertEquals("speculation", error.get("param").textValue());
    assertTrue(error.get("message").textValue().contains("prompt-lookup"), error.toString());

    Api.answer(server, Api.COMPLETIONS, Api.completion("Once upon", "speculation", "off"));
  }

  private static LentModel lend(String name) {
    LentModel lent = LentModels.lend("speculation", name, 4, Duration.ofSeconds(30));
    lent.letLoad();
    lent.engine();
    return lent;
  }

  private static String path() {
    return LentModels.chatPath("speculation");
  }

  private static String named(String body, String model) {
    return body.replace("\"model\":\"demo\"", "\"model\":\"" + model + "\"");
  }

  private JsonNode post(String body) {
    return Api.answer(server, path(), named(body, "demo"));
  }
}
