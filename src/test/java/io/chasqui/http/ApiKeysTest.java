package io.chasqui.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ApiKeysTest {
  private static final String FILE =
      """
      # who may ask

      team-a  sk-0123456789abcdef
      team-b  sk-fedcba9876543210  requests=60 tokens=1000
      team-c  sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
      """;

  @Test
  void eachLineIsAKeyWithItsLimits() {
    List<ApiKey> keys = List.copyOf(ApiKeys.parse(FILE, Map.of()).values());

    assertEquals(List.of("team-a", "team-b", "team-c"), keys.stream().map(ApiKey::name).toList());
    assertTrue(keys.get(0).requests().isEmpty() && keys.get(0).tokens().isEmpty());
    assertTrue(keys.get(1).requests().isPresent() && keys.get(1).tokens().isPresent());
  }

  @Test
  void aKeyThatStaysKeepsWhatItHasLeft() {
    Map<String, ApiKey> before = ApiKeys.parse(FILE, Map.of());

    Map<String, ApiKey> after = ApiKeys.parse(FILE.replace("team-c", "team-d"), before);

    String line = "team-b  sk-fedcba9876543210  requests=60 tokens=1000";
    assertSame(before.get(line), after.get(line));
    assertEquals(3, after.size());
  }

  @ParameterizedTest
  @CsvSource({
    "'', , 0",
    "'', 0, 0",
    "'', 7, 7",
    "priority=-5, , 0",
    "priority=-5, -5, -5",
    "priority=3, , 3",
    "priority=3, 4, 4"
  })
  void aRequestIsAsUrgentAsItAsksWithinItsKeysRight(String right, Integer asked, int priority) {
    assertEquals(priority, key(right).priority(Optional.ofNullable(asked)));
  }

  @ParameterizedTest
  @CsvSource({"'', -1", "priority=-5, -6", "priority=3, 2"})
  void aRequestMoreUrgentThanItsKeyAllowsIsRefused(String right, int asked) {
    var refused = assertThrows(ApiException.class, () -> key(right).priority(Optional.of(asked)));

    assertEquals(403, refused.status());
    assertEquals("priority", refused.body().error().param());
  }

  private static ApiKey key(String right) {
    return ApiKeys.parse("name sk-0123456789abcdef " + right, Map.of()).values().iterator().next();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "name",
        "name short",
        "name sha256:12ab",
        "name sk-0123456789abcdef requests=0",
        "name sk-0123456789abcdef tokens=many",
        "name sk-0123456789abcdef priority=soon",
        "name sk-0123456789abcdef 60",
        "name sk-0123456789abcdef requests=1 requests=2"
      })
  void aWrongLineIsNamedWithoutWhatItHas(String line) {
    var wrong =
        assertThrows(
            IllegalArgumentException.class, () -> ApiKeys.parse("# keys\n" + line, Map.of()));

    assertTrue(wrong.getMessage().startsWith("line 2 is wrong: "), wrong.getMessage());
    assertFalse(wrong.getMessage().contains("sk-"), wrong.getMessage());
  }

  @Test
  void twoLinesWithOneKeyAreRefused() {
    String lines =
        "a sk-0123456789abcdef\n"
            + "b sha256:%s".formatted(HexFormat.of().formatHex(Sha256.of("sk-0123456789abcdef")));

    var wrong = assertThrows(IllegalArgumentException.class, () -> ApiKeys.parse(lines, Map.of()));

    assertEquals("line 2 is wrong: a line has a key that no other line has", wrong.getMessage());
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "\n\n", "# name key\n"})
  void aFileWithoutAKeyIsRefused(String file) {
    var wrong = assertThrows(IllegalArgumentException.class, () -> ApiKeys.parse(file, Map.of()));

    assertTrue(wrong.getMessage().contains("no key"), wrong.getMessage());
  }

  @Test
  void aQuotaIsWhatAMinuteBringsAndCanBeOwed() {
    var now = new AtomicLong();
    var quota = new Quota(60, now::get);

    quota.spend(60);
    assertEquals(Duration.ofSeconds(1), quota.until(1));
    quota.spend(60);
    assertEquals(Duration.ofSeconds(61), quota.until(1));
    now.addAndGet(Duration.ofSeconds(61).toNanos());
    assertEquals(Duration.ZERO, quota.until(1));
    now.addAndGet(Duration.ofHours(1).toNanos());
    assertEquals(Duration.ZERO, quota.until(60));
    quota.spend(1);
    assertEquals(Duration.ofSeconds(1), quota.until(60), "no more than a minute's is saved up");
    assertEquals(Duration.ofSeconds(1), quota.until(1000), "more than that is never waited for");
  }
}
