package io.chasqui.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import java.net.URI;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a request says about sampling reaches its answer. */
@QuarkusTest
class SamplingFieldsTest {
  private static final String GREETING = "你好";
  private static final int FIRST = 1320;
  private static final int SECOND = 1636;
  private static final int THIRD = 1094;
  private static final int END_OF_TEXT = 2047;

  @TestHTTPResource("/")
  URI server;

  @Test
  void aStopTokenEndsTheAnswerAndIsNoPartOfItsText() {
    JsonNode answer = greeting("stop_token_ids", List.of(5, THIRD));
    JsonNode whole = greeting();

    assertEquals("stop", answer.at("/choices/0/finish_reason").textValue());
    assertEquals(3, answer.at("/usage/completion_tokens").intValue());
    String text = answer.at("/choices/0/message/content").textValue();
    String all = whole.at("/choices/0/message/content").textValue();
    assertEquals(all.substring(0, text.length()), text);
    assertNotEquals(all, text);
  }

  @Test
  void anAnswerGoesOnAfterTheEndOfTextIfThatIsIgnored() {
    JsonNode answer = greeting("ignore_eos", true, "max_tokens", 9);

    assertEquals("length", answer.at("/choices/0/finish_reason").textValue());
    assertEquals(9, answer.at("/usage/completion_tokens").intValue());
  }

  @Test
  void anAnswerDoesNotEndBeforeItsMinimum() {
    assertEquals(4, greeting().at("/usage/completion_tokens").intValue());
    JsonNode answer =
        greeting("min_tokens", 8, "max_tokens", 20, "stop_token_ids", List.of(SECOND));
    int tokens = answer.at("/usage/completion_tokens").intValue();
    assertTrue(tokens > 8, answer.toString());
  }

  @Test
  void aBiasForbidsAndForcesTokens() {
    String text = text("logit_bias", Map.of("" + FIRST, -100));
    assertNotEquals(text(), text);
    JsonNode forced = greeting("logit_bias", Map.of("" + END_OF_TEXT, 100));
    assertEquals(1, forced.at("/usage/completion_tokens").intValue());
  }

  @Test
  void aPenaltyChangesWhatRepeatsItself() {
    String prompt = "Once upon a time";
    String plain = completion(prompt, "max_tokens", 60);
    for (String field : List.of("repetition_penalty", "frequency_penalty", "presence_penalty")) {
      assertNotEquals(plain, completion(prompt, "max_tokens", 60, field, 2), field);
    }
    assertNotEquals(plain, completion(prompt, "max_tokens", 60, "no_repeat_ngram_size", 1));
  }

  @ParameterizedTest
  @ValueSource(strings = {"min_p", "typical_p", "top_p"})
  void drawsObeyTheFieldsThatDropTokens(String field) {
    Object narrow = field.equals("min_p") ? 1 : 0.0001;
    String one = completion("Once upon", "temperature", 2, "seed", 1, field, narrow);
    assertEquals(one, completion("Once upon", "temperature", 2, "seed", 2, field, narrow));
    assertNotEquals(
        completion("Once upon", "temperature", 2, "seed", 1),
        completion("Once upon", "temperature", 2, "seed", 2));
  }

  @Test
  void notToSampleIsToBeGreedy() {
    String greedy = completion("Once upon");
    for (int temperature : new int[] {0, 1}) {
      assertEquals(greedy, completion("Once upon", "do_sample", false, "temperature", temperature));
    }
  }

  @Test
  void moreTokensAtLeastThanTheDefaultLimitAreRefused() {
    JsonNode error =
        Api.error(Api.post(server, Api.COMPLETIONS, Api.completion("a", "min_tokens", 17)));
    assertEquals("min_tokens", error.get("param").textValue());
    assertFalse(completion("a", "min_tokens", 16).isEmpty());
  }

  private JsonNode greeting(Object... fields) {
    return Api.answer(server, Api.CHAT, Api.chat(GREETING, fields));
  }

  private String text(Object... fields) {
    return greeting(fields).at("/choices/0/message/content").textValue();
  }

  private String completion(String prompt, Object... fields) {
    return Api.answer(server, Api.COMPLETIONS, Api.completion(prompt, fields))
        .at("/choices/0/text")
        .textValue();
  }
}
