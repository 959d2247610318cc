package io.chasqui.benchmark.abuse;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.json.JsonMapper;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class HostileRequestsTest {
  private final HostileRequests requests = new HostileRequests(new SplittableRandom(1));

  private String text(HostileKind kind) {
    return new String(requests.of(kind).bytes(), StandardCharsets.ISO_8859_1);
  }

  private static String body(String request) {
    return request.substring(request.indexOf("\r\n\r\n") + 4);
  }

  @Test
  void theSameSeedGivesTheSameRequests() {
    var again = new HostileRequests(new SplittableRandom(1));
    for (int i = 0; i < 200; i++) {
      HostileRequest request = requests.next();
      HostileRequest same = again.next();
      assertEquals(request.kind(), same.kind());
      assertArrayEquals(request.bytes(), same.bytes());
    }
  }

  @Test
  void allKindsAreDrawnAndTheHeavyOnesMoreOften() {
    var drawn = new HostileTally();
    for (int i = 0; i < 10_000; i++) {
      drawn.add(requests.next().kind(), HostileOutcome.LEFT);
    }

    for (HostileKind kind : HostileKind.values()) {
      assertTrue(drawn.count(kind, HostileOutcome.LEFT) > 0, kind.toString());
    }
    assertTrue(
        drawn.count(HostileKind.CUT_JSON, HostileOutcome.LEFT)
            > 10 * drawn.count(HostileKind.TOO_LARGE, HostileOutcome.LEFT));
  }

  @Test
  void whatIsLeftAfterwardsIsRight() throws Exception {
    String request = text(HostileKind.RESET);

    assertEquals(HostileRequests.VALID, body(request));
    assertTrue(request.contains("Content-Length: " + HostileRequests.VALID.length() + "\r\n"));
    assertTrue(new JsonMapper().readTree(HostileRequests.VALID).path("stream").asBoolean());
  }

  @Test
  void whatIsSlowLacksItsEnd() {
    assertTrue(!text(HostileKind.SLOW_HEAD).contains("\r\n\r\n"));
    for (HostileKind kind : EnumSet.of(HostileKind.SLOW_BODY, HostileKind.SILENT_BODY)) {
      String request = text(kind);
      assertTrue(request.contains("Content-Length: 5000\r\n"), request);
      assertTrue(body(request).length() < 5000, request);
    }
  }

  @Test
  void aBodyThatIsTooLargeIsWholeInBothWays() {
    int most = 4 << 20;
    String whole = text(HostileKind.TOO_LARGE);
    String chunked = text(HostileKind.TOO_LARGE_CHUNKED);

    assertTrue(body(whole).length() > most);
    assertTrue(whole.contains("Content-Length: " + body(whole).length() + "\r\n"));
    assertTrue(chunked.contains("Transfer-Encoding: chunked\r\n"));
    assertTrue(chunked.endsWith("\r\n0\r\n\r\n"));
  }

  @Test
  void noKindIsTheRightRequest() {
    String right = text(HostileKind.RESET);
    Arrays.stream(HostileKind.values())
        .filter(kind -> kind.manner == HostileKind.Manner.AWAIT)
        .forEach(kind -> assertTrue(!text(kind).equals(right), kind.toString()));
  }
}
