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
import java.nio.charset.StandardCharsets;
import java.util.Comparator;
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
  void severalChoicesAccumulateToTheWholeAnswer() {
    var params = chat(Api.STORY).temperature(1.0).seed(7).n(3).maxTokens(30);
    ChatCompletion whole = client.chat().completions().create(params.build()).validate();
    var accumulator = ChatCompletionAccumulator.create();
    try (var stream = client.chat().completions().createStreaming(params.build())) {
      stream.stream().forEach(chunk -> accumulator.accumulate(chunk.validate()));
    }

    List<String> texts = texts(whole);
    assertEquals(3, texts.stream().distinct().count(), texts.toString());
    assertEquals(texts, texts(accumulator.chatCompletion()));
  }

  private static List<String> texts(ChatCompletion answer) {
    return answer.choices().stream()
        .sorted(Comparator.comparingLong(ChatCompletion.Choice::index))
        .map(choice -> choice.message().content().orElseThrow())
        .toList();
  }

  @Test
  void logProbabilitiesTellTheAnswerTokenByToken() {
    var params = chat("What is 3 + 4?").logprobs(true).topLogprobs(2).build();
    ChatCompletion answer = client.chat().completions().create(params).validate();

    var choice = answer.choices().getFirst();
    var content = choice.logprobs().orElseThrow().content().orElseThrow();
    assertEquals(
        choice.message().content().orElseThrow(),
        content.stream().map(token -> token.token()).collect(Collectors.joining()));
    for (var token : content) {
      // Greedy: the chosen one is the most likely one.
      assertEquals(2, token.topLogprobs().size());
      assertEquals(token.token(), token.topLogprobs().getFirst().token());
      assertEquals(token.logprob(), token.topLogprobs().getFirst().logprob());
      assertTrue(token.logprob() <= 0 && token.logprob() >= token.topLogprobs().get(1).logprob());
      assertEquals(
          token.token().getBytes(StandardCharsets.UTF_8).length,
          token.bytes().orElseThrow().size());
    }
  }

  @Test
  void aCompletionTellsTheLogProbabilitiesOfItsPrompt() {
    Completion answer =
        client
            .completions()
            .create(completion().echo(true).logprobs(1).maxTokens(4).build())
            .validate();

    var choice = answer.choices().getFirst();
    var logprobs = choice.logprobs().orElseThrow();
    List<String> tokens = logprobs.tokens().orElseThrow();
    List<Long> offsets = logprobs.textOffset().orElseThrow();
    assertTrue(choice.text().startsWith("Once upon"), choice.text());
    // Before the text comes the token that begins every text, which has none itself.
    assertEquals(choice.text(), String.join("", tokens.subList(1, tokens.size())));
    for (int i = 1; i < tokens.size(); i++) {
      assertTrue(choice.text().startsWith(tokens.get(i), offsets.get(i).intValue()));
    }
    assertEquals(4, answer.usage().orElseThrow().completionTokens());
  }

  @Test
  void aTokensPlaceInTheTextIsToldWhileItsTextIsHeldBack() {
    var plain = completion().logprobs(0).maxTokens(8);
    String text = client.completions().create(plain.build()).choices().getFirst().text();

    // All of the text could be the beginning of this.
    Completion held = client.completions().create(plain.stop(text + "!").build());

    var choice = held.choices().getFirst();
    var logprobs = choice.logprobs().orElseThrow();
    List<String> tokens = logprobs.tokens().orElseThrow();
    List<Long> offsets = logprobs.textOffset().orElseThrow();
    assertEquals(text, choice.text());
    assertEquals(8, tokens.size());
    for (int i = 0; i < tokens.size(); i++) {
      assertTrue(text.startsWith(tokens.get(i), offsets.get(i).intValue()), logprobs.toString());
      assertEquals(String.join("", tokens.subList(0, i)).length(), offsets.get(i));
    }
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
        BadRequestException.class, () -> chats.createStreaming(chat("Hello").topP(2.0).build()));
  }
}
