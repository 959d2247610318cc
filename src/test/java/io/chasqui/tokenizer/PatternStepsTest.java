package io.chasqui.tokenizer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A model's patterns end, whatever they and the text are. */
class PatternStepsTest {
  private static final Duration LONG_ENOUGH = Duration.ofSeconds(30);
  private static final String TEXT = "a".repeat(20_000);

  private static PreTokenizer split(String pattern) {
    return new PreTokenizer.Split(
        OnigurumaPattern.compile(pattern), PreTokenizer.Behavior.ISOLATED, false);
  }

  private static PatternSteps stepsFor(String text) {
    return PatternSteps.forCharacters(text.length());
  }

  private static PatternException refusal(Runnable work) {
    return assertTimeoutPreemptively(
        LONG_ENOUGH, () -> assertThrows(PatternException.class, work::run));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "((a+)+)+b",
        "(.*)(.*)(.*)(.*)z",
        "(a|aa)+$b",
        "(?<=a{0,255})(a+)+b",
        "(?:.|\n)*c"
      })
  void aPatternThatTakesTooLongOrTooDeepIsTheModelsFault(String pattern) {
    String message =
        refusal(() -> split(pattern).split(TEXT, true, stepsFor(TEXT), (piece, first) -> {}))
            .getMessage();

    assertTrue(message.contains("tokenizer.json"), message);
    assertTrue(message.contains("serve another model"), message);
    assertTrue(message.contains(pattern.replace("\n", "\\x{a}")), message);
    assertEquals(1, message.lines().count(), message);
  }

  @Test
  void piecesShareTheStepsOfTheirText() {
    var chain = new PreTokenizer.Sequence(List.of(split("a{30}"), split("a*a*a*a*z")));

    refusal(() -> chain.split(TEXT, true, stepsFor(TEXT), (piece, first) -> {}));
  }

  @Test
  void aReplacementEndsToo() {
    var slow = new Replacement(OnigurumaPattern.compile("(a+)+b"), "");
    refusal(() -> slow.apply(TEXT, stepsFor(TEXT)));
    var deep = new Replacement(OnigurumaPattern.compile("(?:.|\n)*c"), "");
    refusal(() -> deep.apply(TEXT, stepsFor(TEXT)));
  }

  @Test
  void aNormalizerMakesATextOnlySoMuchLonger() {
    List<Normalizer> twenty =
        Stream.<Normalizer>generate(
                () -> new Normalizer.Replace(Replacement.literal("a", "a".repeat(10))))
            .limit(20)
            .toList();
    refusal(() -> new Normalizer.Sequence(twenty).normalize(TEXT, stepsFor(TEXT)));
    refusal(() -> new Normalizer.Prepend("a".repeat(1_000_000)).normalize("a", stepsFor("a")));
  }

  @Test
  void marksInARowAreSortedInBoundedTimeOrRefused() {
    var nfc = new Normalizer.Unicode(java.text.Normalizer.Form.NFC);
    String few = "a" + "\u0301\u0323".repeat(500);
    assertFalse(nfc.normalize(few.repeat(20), stepsFor(few)).isEmpty());

    String many = "a" + "\u0301\u0323".repeat(1_000_000);
    var refusal =
        assertTimeoutPreemptively(
            LONG_ENOUGH,
            () ->
                assertThrows(
                    IllegalArgumentException.class, () -> nfc.normalize(many, stepsFor(many))));
    assertEquals(
        "the text has more than 1024 combining marks in a row at index 1: leave some out",
        refusal.getMessage());
  }

  @Test
  void knownPatternsTakeAHundredthOfTheirSteps() {
    String text =
        "It's 1234567 o'clock, they'll say:\r\n\tfor (int i = 0; i < 10; i++) {  }  \n"
                .repeat(2_000)
            + " ".repeat(10_000)
            + "x"
            + "=".repeat(10_000)
            + "7".repeat(10_000)
            + "漢".repeat(10_000)
            + "ABC".repeat(10_000);
    for (String pattern :
        List.of(
            "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
            "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}"
                + "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
            "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lo}\\p{M}]+(?i:'s|'t)?"
                + "|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lo}\\p{M}]*(?i:'s|'t)?"
                + "|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+")) {
      PatternSteps steps = stepsFor(text);
      var pieces = new ArrayList<String>();
      split(pattern).split(text, true, steps, (piece, first) -> pieces.add(piece));

      assertEquals(text, String.join("", pieces));
      assertTrue(steps.taken() < 6L * text.length(), pattern + " took " + steps.taken());
    }
  }
}
