package io.chasqui.benchmark.soak;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.chasqui.benchmark.soak.SoakRequests.Kind;
import io.chasqui.benchmark.soak.SoakRequests.Request;
import java.io.IOException;
import java.util.HashSet;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class SoakRequestsTest {
  private static final int CONTEXT = 512;

  private static SoakRequests requests(long seed) {
    return new SoakRequests(new SplittableRandom(seed), CONTEXT, 256, 2);
  }

  private static List<Request> ten(SoakRequests requests) {
    return Stream.generate(requests::next).limit(10).toList();
  }

  private static Request of(Kind kind) {
    return ten(requests(1)).stream().filter(each -> each.kind() == kind).findFirst().orElseThrow();
  }

  @Test
  void aRoundHasEachKindAsOftenAsItsShareIs() {
    SoakRequests requests = requests(1);
    for (int round = 0; round < 3; round++) {
      List<Kind> kinds = ten(requests).stream().map(Request::kind).toList();

      assertEquals(4, kinds.stream().filter(Kind.SHORT::equals).count());
      assertEquals(Kind.values().length, new HashSet<>(kinds).size());
    }
  }

  @Test
  void theSameSeedGivesTheSameRequests() {
    assertEquals(ten(requests(1)), ten(requests(1)));
    assertNotEquals(ten(requests(1)), ten(requests(2)));
  }

  @Test
  void allRequestsFitTheContext() {
    for (Request each : ten(requests(1))) {
      assertTrue(each.tokens().prompt().size() + each.tokens().tokens() <= CONTEXT);
    }
    assertEquals(3, requests(1).full(3).size());
    assertEquals(CONTEXT - 1, requests(1).full(1).getFirst().prompt().size());
  }

  @Test
  void aContextThatIsTooShortIsRefused() {
    var failure =
        assertThrows(
            IllegalArgumentException.class,
            () -> new SoakRequests(new SplittableRandom(1), 64, 256, 2));
    assertTrue(failure.getMessage().contains("context"), failure.getMessage());
  }

  @Test
  void wholeAnswersAreNotStreamed() throws IOException {
    JsonNode whole = new JsonMapper().readTree(of(Kind.WHOLE).wholeJson());
    JsonNode choices = new JsonMapper().readTree(of(Kind.CHOICES).wholeJson());
    JsonNode stop = new JsonMapper().readTree(of(Kind.STOP).wholeJson());

    assertTrue(
        whole.path("stream").isMissingNode() && whole.path("stream_options").isMissingNode());
    assertEquals(3, choices.path("n").asInt());
    assertEquals(1, choices.path("temperature").asInt());
    assertEquals("aaaaaaaa", stop.path("stop").path(0).asText());
  }

  @Test
  void anAnswerMustHaveItsChoicesAndFinishForItsReason() {
    String one = "{\"choices\": [{\"finish_reason\": \"stop\"}]}";

    assertDoesNotThrow(() -> SoakClients.requireChoices(one, 1, "stop"));
    assertThrows(IOException.class, () -> SoakClients.requireChoices(one, 1, "length"));
    assertThrows(IOException.class, () -> SoakClients.requireChoices(one, 2, "stop"));
    assertThrows(IOException.class, () -> SoakClients.requireChoices("{}", 1, "stop"));
  }
}
