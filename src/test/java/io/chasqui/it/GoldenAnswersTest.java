package io.chasqui.it;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.chasqui.engine.Engine;
import io.chasqui.engine.GenerationEvent;
import io.chasqui.engine.GenerationEvent.Finished;
import io.chasqui.engine.GenerationEvent.Token;
import io.smallrye.mutiny.Multi;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The engine in this process gives the golden answers; {@link GoldenAnswersIT} asks servers. */
class GoldenAnswersTest {
  private static Engine engine;

  @BeforeAll
  static void open() {
    engine = Engine.open("demo");
  }

  @AfterAll
  static void close() {
    engine.close();
  }

  static Stream<GoldenAnswer> answers() throws IOException {
    return GoldenAnswer.all();
  }

  @ParameterizedTest
  @MethodSource("answers")
  void theEngineGivesEveryTokenOfIt(GoldenAnswer golden) {
    List<GenerationEvent> events =
        Multi.createFrom()
            .publisher(engine.submit(golden.requestFor(engine)))
            .collect()
            .asList()
            .await()
            .atMost(Duration.ofMinutes(1));

    List<Token> tokens =
        events.stream()
            .filter(event -> event instanceof Token)
            .map(event -> (Token) event)
            .toList();
    var end = (Finished) events.getLast();
    assertEquals(golden.tokens(), tokens.stream().map(Token::id).toList());
    assertEquals(golden.text(), tokens.stream().map(Token::text).collect(Collectors.joining()));
    assertEquals(golden.finishReason(), end.reason().name().toLowerCase(Locale.ROOT));
    assertEquals(golden.tokens().size(), end.usage().completionTokens());
  }
}
