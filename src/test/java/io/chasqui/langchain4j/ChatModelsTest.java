package io.chasqui.langchain4j;

import static io.chasqui.engine.Speculation.OFF;
import static io.chasqui.engine.Speculation.PROMPT_LOOKUP;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.langchain4j.agent.tool.ToolSpecification;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ImageContent;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.exception.UnsupportedFeatureException;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.response.ChatModelStreamingEvent;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.CompleteResponse;
import dev.langchain4j.model.chat.response.PartialResponse;
import dev.langchain4j.model.chat.response.PartialResponseContext;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.output.FinishReason;
import io.chasqui.engine.Engine;
import io.chasqui.engine.Speculation;
import io.smallrye.mutiny.Multi;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class ChatModelsTest {
  private static final ChasquiChatRequestParameters GREEDY =
      ChasquiChatRequestParameters.builder().temperature(0.0).build();

  private static Engine engine;
  private static ChatModel model;
  private static StreamingChatModel streaming;

  @BeforeAll
  static void open() {
    engine = Engine.open("demo");
    model = new ChasquiChatModel(engine, GREEDY);
    streaming = new ChasquiStreamingChatModel(engine, GREEDY);
  }

  @AfterAll
  static void close() {
    engine.close();
  }

  @Test
  void aQuestionIsAnswered() {
    assertTrue(model.chat("What is the capital of Japan?").contains("Tokyo"));
  }

  @Test
  void theConversationIsRemembered() {
    ChatResponse response =
        model.chat(
            UserMessage.from("My name is Tom."),
            AiMessage.from("Nice to meet you, Tom!"),
            UserMessage.from("What is my name?"));

    assertTrue(response.aiMessage().text().contains("Tom"), response.aiMessage().text());
    assertEquals(FinishReason.STOP, response.finishReason());
    assertTrue(response.tokenUsage().inputTokenCount() > 20);
    assertEquals("demo", response.modelName());
  }

  @Test
  void aRequestsParametersOverrideTheDefaults() {
    ChatResponse response =
        model.chat(
            ChatRequest.builder()
                .messages(UserMessage.from("Tell me a story about a fox"))
                .maxOutputTokens(5)
                .build());

    assertEquals(FinishReason.LENGTH, response.finishReason());
    assertEquals(5, response.tokenUsage().outputTokenCount());
  }

  @Test
  void theSameSeedGivesTheSameText() {
    assertEquals(storyWithSeed(7), storyWithSeed(7));
    assertNotEquals(storyWithSeed(7), storyWithSeed(8));
  }

  @Test
  void whetherToSpeculateIsOneOfTheParameters() {
    var asked = ChasquiChatRequestParameters.builder().speculation(PROMPT_LOOKUP).build();
    var seeded = ChasquiChatRequestParameters.builder().seed(7).build();

    var both = (ChasquiChatRequestParameters) asked.overrideWith(seeded);

    assertEquals(PROMPT_LOOKUP, both.speculation().orElseThrow());
    assertEquals(7, both.seed().orElseThrow());
    assertNotEquals(seeded, both);
    assertTrue(seeded.speculation().isEmpty());
    var off = ChasquiChatRequestParameters.builder().temperature(0.0).speculation(OFF).build();
    assertEquals(off.speculation(), speculation(both.overrideWith(off)));
    assertTrue(new ChasquiChatModel(engine, off).chat("What is 3 + 4?").contains("7"));
  }

  private static Optional<Speculation> speculation(ChatRequestParameters parameters) {
    return ((ChasquiChatRequestParameters) parameters).speculation();
  }

  private static String storyWithSeed(long seed) {
    var parameters = ChasquiChatRequestParameters.builder().temperature(1.0).seed(seed).build();
    return new ChasquiChatModel(engine, parameters).chat("Tell me a story about a fox");
  }

  @Test
  void aHandlerGetsThePiecesOfTheAnswer() throws Exception {
    Recorder recorder = new Recorder();

    streaming.chat("Tell me a story about a fox", recorder);

    ChatResponse response = recorder.response.get(60, TimeUnit.SECONDS);
    assertTrue(recorder.pieces.size() > 10);
    assertEquals(response.aiMessage().text(), String.join("", recorder.pieces));
    assertEquals(model.chat("Tell me a story about a fox"), response.aiMessage().text());
  }

  @Test
  void aHandlerCanCancel() throws Exception {
    Recorder recorder =
        new Recorder() {
          @Override
          public void onPartialResponse(PartialResponse partial, PartialResponseContext context) {
            super.onPartialResponse(partial, context);
            context.streamingHandle().cancel();
            assertTrue(context.streamingHandle().isCancelled());
          }
        };

    streaming.chat("Tell me a story about a fox", recorder);

    ChatResponse response = recorder.response.get(60, TimeUnit.SECONDS);
    assertEquals(FinishReason.OTHER, response.finishReason());
    assertNotEquals(model.chat("Tell me a story about a fox"), response.aiMessage().text());
  }

  @Test
  void aPublisherGivesTheSameAnswerAsAHandler() {
    List<ChatModelStreamingEvent> events =
        Multi.createFrom()
            .publisher(streaming.chat(List.of(UserMessage.from("Count from 3 to 9."))))
            .collect()
            .asList()
            .await()
            .indefinitely();

    CompleteResponse last = assertInstanceOf(CompleteResponse.class, events.removeLast());
    String text = String.join("", events.stream().map(e -> ((PartialResponse) e).text()).toList());
    assertFalse(text.isEmpty());
    assertEquals(text, last.chatResponse().aiMessage().text());
    assertEquals(model.chat("Count from 3 to 9."), text);
  }

  @Test
  void theReadmesExamplePrintsAStory() {
    StringBuilder printed = new StringBuilder();

    Multi.createFrom()
        .publisher(streaming.chat("Tell me a story about a fox"))
        .subscribe()
        .asStream()
        .forEach(printed::append);

    assertEquals(model.chat("Tell me a story about a fox"), printed.toString());
  }

  @Test
  void aPromptThatIsTooLongIsAnInvalidRequest() {
    String tooLong = "hello ".repeat(1000);

    assertThrows(InvalidRequestException.class, () -> model.chat(tooLong));
    Recorder recorder = new Recorder();
    streaming.chat(tooLong, recorder);
    Exception failure =
        assertThrows(Exception.class, () -> recorder.response.get(60, TimeUnit.SECONDS));
    assertInstanceOf(InvalidRequestException.class, failure.getCause());
  }

  @Test
  void whatTheEngineLacksIsRefusedAndNotIgnored() {
    ChatRequest withTool =
        ChatRequest.builder()
            .messages(UserMessage.from("hello"))
            .toolSpecifications(ToolSpecification.builder().name("clock").build())
            .build();
    ChatRequest withImage =
        ChatRequest.builder()
            .messages(UserMessage.from(ImageContent.from("http://localhost/fox.png")))
            .build();

    for (ChatRequest request : List.of(withTool, withImage)) {
      assertThrows(UnsupportedFeatureException.class, () -> model.chat(request));
    }
  }

  private static class Recorder implements StreamingChatResponseHandler {
    final List<String> pieces = new ArrayList<>();
    final CompletableFuture<ChatResponse> response = new CompletableFuture<>();

    @Override
    public void onPartialResponse(PartialResponse partial, PartialResponseContext context) {
      pieces.add(partial.text());
    }

    @Override
    public void onCompleteResponse(ChatResponse complete) {
      response.complete(complete);
    }

    @Override
    public void onError(Throwable error) {
      response.completeExceptionally(error);
    }
  }
}
