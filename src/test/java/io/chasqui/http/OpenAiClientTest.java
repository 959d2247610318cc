package io.chasqui.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.errors.BadRequestException;
import com.openai.errors.NotFoundException;
import com.openai.helpers.ChatCompletionAccumulator;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.chat.completions.ChatCompletionStreamOptions;
import com.openai.models.completions.Completion;
import com.openai.models.completions.CompletionCreateParams;
import com.openai.models.models.Model;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import java.net.URI;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** OpenAI's own Java client, which is strict about what it reads. */
@QuarkusTest
class OpenAiClientTest {
  @TestHTTPResource("/v1")
  URI server;

  private OpenAIClient client;

  @BeforeEach
  void connect() {
    client =
        OpenAIOkHttpClient.builder().baseUrl(server.toString()).apiKey("any").maxRetries(0).build();
  }

  @AfterEach
  void disconnect() {
    client.close();
  }

  private static ChatCompletionCreateParams.Builder chat(String message) {
    return ChatCompletionCreateParams.builder()
        .model("demo")
        .temperature(0.0)
        .addUserMessage(message);
  }

  private static CompletionCreateParams.Builder completion() {
    return CompletionCreateParams.builder().model("demo").temperature(0.0).prompt("Once upon");
  }

  private String text(ChatCompletionCreateParams.Builder params) {
    ChatCompletion answer = client.chat().completions().create(params.build()).validate();
    return answer.choices().getFirst().message().content().orElseThrow();
  }

  @Test
  void aChatIsAnswered() {
    ChatCompletion answer =
        client.chat().completions().create(chat("What is 3 + 4?").build()).validate();

    var choice = answer.choices().getFirst();
    assertTrue(choice.message().content().orElseThrow().contains("7"), answer.toString());
    assertEquals(ChatCompletion.Choice.FinishReason.STOP, choice.finishReason());
    assertEquals("demo", answer.model());
    var usage = answer.usage().orElseThrow();
    assertEquals(usage.promptTokens() + usage.completionTokens(), usage.totalTokens());
  }

  @Test
  void aStreamedChatAccumulatesToTheWholeAnswer() {
    var options = ChatCompletionStreamOptions.builder().includeUsage(true).build();
    var params = chat(Api.STORY).streamOptions(options).build();
    var accumulator = ChatCompletionAccumulator.create();
    try (var stream = client.chat().completions().createStreaming(params)) {
      stream.stream().forEach(chunk -> accumulator.accumulate(chunk.validate()));
    }
    ChatCompletion answer = accumulator.chatCompletion();

    var choice = answer.choices().getFirst();
    assertEquals(text(chat(Api.STORY)), choice.message().content().orElseThrow());
    assertEquals(ChatCompletion.Choice.FinishReason.STOP, choice.finishReason());
    assertTrue(answer.usage().orElseThrow().completionTokens() > 50);
  }

  @Test
  void completionsWorkStreamedAndWhole() {
    Completion whole = client.completions().create(completion().build()).validate();
    String streamed;
    try (var stream = client.completions().createStreaming(completion().build())) {
      streamed =
          stream.stream()
              .flatMap(chunk -> chunk.choices().stream())
              .map(choice -> choice.text())
              .collect(Collectors.joining());
    }
    assertEquals(whole.choices().getFirst().text(), streamed);
    assertEquals(16, whole.usage().orElseThrow().completionTokens());
  }

  @Test
  void aStreamCanBeLeft() {
    try (var stream = client.chat().completions().createStreaming(chat(Api.STORY).build())) {
      assertTrue(stream.stream().findFirst().isPresent());
    }
    assertFalse(text(chat("Hello")).isEmpty());
  }

  @Test
  void theSameSeedGivesTheSameText() {
    String first = text(chat(Api.STORY).temperature(1.5).seed(42));

    assertEquals(first, text(chat(Api.STORY).temperature(1.5).seed(42)));
    assertFalse(
        first.equals(text(chat(Api.STORY).temperature(1.5).seed(43)))
            && first.equals(text(chat(Api.STORY).temperature(1.5).seed(44))));
  }

  @Test
  void anAnswerEndsBeforeItsStopSequence() {
    String story = text(chat(Api.STORY));
    String stop = story.substring(20, 30);

    assertEquals(story.substring(0, story.indexOf(stop)), text(chat(Api.STORY).stop(stop)));
    String earlier = story.substring(10, 15);
    assertEquals(
        story.substring(0, Math.min(story.indexOf(stop), story.indexOf(earlier))),
        text(chat(Api.STORY).stopOfStrings(List.of(stop, "no such text", earlier))));
  }

  @Test
  void modelsAreListedAndFound() {
    List<Model> models = client.models().list().data();

    assertEquals(List.of("demo"), models.stream().map(Model::id).toList());
    assertEquals("demo", client.models().retrieve("demo").validate().id());
  }

  @Test
  void errorsBecomeTheClientsExceptions() {
    var chats = client.chat().completions();

    var tooLong =
        assertThrows(
            BadRequestException.class, () -> chats.create(chat("word ".repeat(2000)).build()));
    assertEquals("context_length_exceeded", tooLong.code().orElseThrow());
    var wrong =
        assertThrows(
            BadRequestException.class, () -> chats.create(chat("Hello").topP(2.0).build()));
    assertEquals("top_p", wrong.param().orElseThrow());
    var unknown =
        assertThrows(
            NotFoundException.class, () -> chats.create(chat("Hello").model("gpt-4").build()));
    assertEquals("model_not_found", unknown.code().orElseThrow());
    assertEquals("invalid_request_error", unknown.type().orElseThrow());
    assertThrows(NotFoundException.class, () -> client.models().retrieve("gpt-4"));
    assertThrows(
        BadRequestException.class, () -> chats.createStreaming(chat("Hello").n(2).build()));
  }
}
