package io.chasqui.tokenizer;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.SplittableRandom;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Patterns that would run for long without reading a character are refused. */
class PatternRulesTest {
  private static final String[] PARTS = {
    "a",
    "b",
    ".",
    "\\p{L}",
    "\\s",
    "[^a-c&&[b]]",
    "[&a]",
    "\\b",
    "^",
    "$",
    "\\z",
    "\\1",
    "|",
    "|",
    "(",
    "(?:",
    "(?>",
    "(?=",
    "(?!",
    "(?<=",
    "(?<!",
    "(?i)",
    ")",
    ")",
    ")",
    "*",
    "+",
    "?",
    "??",
    "*+",
    "{0,3}",
    "{50000}",
    "{0,50000}",
    "{2,}?",
    "\\R",
    "\\x{62}",
    "(?<n>",
    "\\u0061"
  };

  @ParameterizedTest
  @CsvSource(
      delimiter = '~',
      value = {
        "(a*)*b                                 ~ a repetition of what can match nothing",
        "((?:\\b{50000}){50000}){50000}         ~ a repetition of what can match nothing",
        "(?:a|){2,}                             ~ a repetition of what can match nothing",
        "(?=a)*                                 ~ a repetition of what can match nothing",
        "(?:||)(?:||)(?:||)(?!)                 ~ too many choices",
        "x(?:|a|)y(?:|b|)z(?:c|||||)            ~ too many choices",
        "$?$?$?$?$?                             ~ too many choices",
        "(?<=a{0,50000})b                       ~ a lookbehind of more than 255 characters",
        "(?<=(?<=\\za{0,99})a{0,99})            ~ a lookbehind in a lookbehind",
        "(?<=a(b(?<!c)))                        ~ a lookbehind in a lookbehind",
        "(?x) a # (b                            ~ comments",
      })
  void whatCouldGoOnWithoutReadingIsRefused(String pattern, String reason) {
    var refusal =
        assertThrows(IllegalArgumentException.class, () -> OnigurumaPattern.compile(pattern));
    assertTrue(refusal.getMessage().contains("uses " + reason), refusal.getMessage());
    assertTrue(refusal.getMessage().contains(pattern), refusal.getMessage());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "[]a]",
        "[^]a]",
        "[a&&]b]",
        "\\Q(\\E",
        "[\\Q]\\E]",
      })
  void whatOnlyItsPlaceMakesACharacterIsRefused(String pattern) {
    assertThrows(IllegalArgumentException.class, () -> OnigurumaPattern.compileChecked(pattern, 0));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\\p{M}*",
        "\\d{1,3}(?=(?:\\d{3})*\\b)",
        "(?:^|\\s)a(?:$|\\s)",
        "(?i:'s|'t)?",
        "(?:\\r?\\n)+(?!\\r?\\n)",
        "(?<=^|\\s)a",
        "(?<!\\p{L}{1,9})a",
        " ?[^(\\s|[.,!?…。，、।۔،])]+",
        "[&][a&][^&]",
        "(?<name>a)\\k<name>",
        "[\\]\\[\\-]+",
        "\\x{1F600}\\u0041",
      })
  void whatKnownTokenizersHaveIsTaken(String pattern) {
    assertDoesNotThrow(() -> OnigurumaPattern.compileChecked(pattern, OnigurumaPattern.FLAGS));
  }

  @Test
  void whatIsTakenEnds() {
    long seed = Long.getLong("seed", System.nanoTime());
    var random = new SplittableRandom(seed);
    String[] texts = {"b", "aaaaaaaaaaaaaaaaaaaaaaaaa", "abba \n bbbbbbbbbbbbbbbbbbb"};
    int taken = 0;
    for (int round = 0; round < 20_000; round++) {
      var expression = new StringBuilder();
      for (int parts = random.nextInt(1, 30); parts > 0; parts--) {
        expression.append(PARTS[random.nextInt(PARTS.length)]);
      }
      Pattern pattern;
      try {
        pattern = OnigurumaPattern.compileChecked(expression.toString(), OnigurumaPattern.FLAGS);
      } catch (PatternSyntaxException e) {
        continue;
      } catch (IllegalArgumentException e) {
        assertTrue(e.getMessage().contains("which is not supported"), e.getMessage());
        continue;
      }
      taken++;
      assertTimeoutPreemptively(
          Duration.ofSeconds(30),
          () -> {
            for (String text : texts) {
              run(pattern, text);
            }
          },
          () -> expression + " of seed " + seed);
    }
    assertTrue(taken > 1000, taken + " were taken");
  }

  private static void run(Pattern pattern, String text) {
    try {
      new PreTokenizer.Split(pattern, PreTokenizer.Behavior.ISOLATED, false)
          .split(text, true, PatternSteps.forCharacters(text.length()), (piece, first) -> {});
    } catch (PatternException e) {
      // It has ended.
    }
  }
}
