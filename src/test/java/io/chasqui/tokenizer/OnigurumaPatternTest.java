package io.chasqui.tokenizer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.regex.MatchResult;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class OnigurumaPatternTest {
  private static List<String> matches(String expression, String text) {
    return OnigurumaPattern.compile(expression)
        .matcher(text)
        .results()
        .map(MatchResult::group)
        .toList();
  }

  @Test
  void whiteSpaceIsUnicodes() {
    assertEquals(
        List.of("\u0085\u00a0\u3000\u2028 "), matches("\\s+", "a\u0085\u00a0\u3000\u2028 b\u200b"));
  }

  @Test
  void caseInsensitivityIsUnicodes() {
    assertEquals(List.of("'s", "'S", "'ſ"), matches("(?i:'s)", "'s 'S 'ſ"));
    assertEquals(List.of("É", "é"), matches("(?i)é", "É é"));
  }

  @Test
  void lettersBeyondTheBasicPlaneAreOneCharacter() {
    assertEquals(List.of("𝒳", "𝒴"), matches("\\p{L}", "𝒳😀𝒴"));
    assertEquals(List.of("😀"), matches("[^\\s\\p{L}\\p{N}]", "𝒳😀𝒴"));
  }

  @Test
  void theDotIsEverythingButALineFeed() {
    assertEquals(List.of("a\r\u2028b"), matches(".+", "a\r\u2028b\n"));
    assertEquals(List.of("a\nb"), matches("(?m:a.b)", "a\nb"));
  }

  @Test
  void anchorsAreTheEndsOfLines() {
    assertEquals(List.of("a", "b"), matches("^\\w$", "a\nb"));
    assertEquals(List.of(), matches("^\\w$", "a\rb"));
  }

  @Test
  void hIsAHexadecimalDigit() {
    assertEquals(List.of("1fA"), matches("\\h+", "1fA\tg"));
    assertEquals(List.of("1f-"), matches("[\\h-]+", "1f-\tg"));
  }

  @Test
  void scriptsAndNegatedPropertiesHaveTheirNames() {
    assertEquals(List.of("漢字"), matches("\\p{Han}+", "漢字かな"));
    assertEquals(List.of("12"), matches("\\p{^L}+", "a12b"));
    assertEquals(List.of("a", "b"), matches("[[:alpha:]]", "a1b"));
    assertEquals(List.of("1"), matches("[[:^alpha:]]", "a1b"));
  }

  @Test
  void bracesThatAreNoRepetitionAreThemselves() {
    assertEquals(List.of("{}"), matches("{}", "a{}b"));
    assertEquals(List.of("aa"), matches("^a{,2}", "aaa"));
    assertEquals(List.of("123", "4"), matches("\\p{N}{1,3}", "1234"));
  }

  @Test
  void possessiveRepetitionsGiveNothingBack() {
    assertEquals(List.of(), matches("a++a", "aaa"));
    assertEquals(List.of(" x"), matches("[^\\r\\n\\p{L}\\p{N}]?+\\p{L}+", " x"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "(",
        ")",
        "[",
        "a{2}+",
        "\\",
        "\\p{Nonsense}",
        "\\pL",
        "\\K",
        "(?~a)",
        "*",
        "[[:what:]]"
      })
  void whatIsMalformedOrUnsupportedIsRefused(String expression) {
    var refusal =
        assertThrows(IllegalArgumentException.class, () -> OnigurumaPattern.compile(expression));
    assertTrue(refusal.getMessage().contains(expression), refusal.getMessage());
  }

  @Test
  void endlessNestingIsRefusedBeforeItOverflowsTheStack() {
    String deep = "(".repeat(4000) + "a" + ")".repeat(4000);
    assertThrows(IllegalArgumentException.class, () -> OnigurumaPattern.compile(deep));
    String classes = "[".repeat(4000) + "a" + "]".repeat(4000);
    assertThrows(IllegalArgumentException.class, () -> OnigurumaPattern.compile(classes));
    assertThrows(
        IllegalArgumentException.class, () -> OnigurumaPattern.compile("a".repeat(100_000)));
  }
}
