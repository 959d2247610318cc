package io.chasqui.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.BooleanNode;
import com.fasterxml.jackson.databind.node.TextNode;
import io.chasqui.http.Api;
import io.chasqui.http.Frames;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusIntegrationTest;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The built program, on a JVM or native, answers as the engine does in {@link GoldenAnswersTest}.
 */
@QuarkusIntegrationTest
class GoldenAnswersIT {
  @TestHTTPResource("/")
  URI server;

  static Stream<GoldenAnswer> answers() throws IOException {
    return GoldenAnswer.all();
  }

  @ParameterizedTest
  @MethodSource("answers")
  void aWholeAnswerIsTheGoldenOne(GoldenAnswer golden) {
    JsonNode answer = Api.answer(server, golden.path(), golden.request().toString());

    assertGolden(golden, answer);
  }

  @ParameterizedTest
  @MethodSource("answers")
  void aStreamedAnswerIsTheGoldenOne(GoldenAnswer golden) {
    HttpResponse<String> response =
        Api.post(server, golden.path(), golden.requestWith("stream", BooleanNode.TRUE).toString());

    assertEquals(200, response.statusCode(), response.body());
    List<JsonNode> events = Frames.of(List.of(response.body())).json();
    String field = golden.isChat() ? "/choices/0/delta/content" : "/choices/0/text";
    var text = new StringBuilder();
    events.forEach(event -> text.append(event.at(field).asText("")));
    assertEquals(golden.text(), text.toString());
    assertEquals(
        golden.finishReason(), events.getLast().at("/choices/0/finish_reason").textValue());
    assertTrue(events.size() > golden.tokens().size() / 2, "it came in few pieces");
  }

  @ParameterizedTest
  @MethodSource("answers")
  void speculationChangesNoToken(GoldenAnswer golden) {
    var body = golden.requestWith("speculation", TextNode.valueOf("prompt-lookup"));

    JsonNode answer = Api.answer(server, golden.path(), body.toString());

    assertGolden(golden, answer);
  }

  private static void assertGolden(GoldenAnswer golden, JsonNode answer) {
    String field = golden.isChat() ? "/choices/0/message/content" : "/choices/0/text";
    assertEquals(golden.text(), answer.at(field).textValue());
    assertEquals(golden.finishReason(), answer.at("/choices/0/finish_reason").textValue());
    assertEquals(golden.tokens().size(), answer.at("/usage/completion_tokens").intValue());
  }

  @ParameterizedTest
  @MethodSource("answers")
  void itsTokensAreItsText(GoldenAnswer golden) {
    var body = Api.JSON.createObjectNode();
    body.set("tokens", Api.JSON.valueToTree(golden.tokens()));

    JsonNode answer = Api.answer(server, "/detokenize", body.toString());

    String end = golden.finishReason().equals("stop") ? "<|im_end|>" : "";
    assertEquals(golden.text() + end, answer.get("prompt").textValue());
  }
}
