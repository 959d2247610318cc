package io.chasqui.sampling;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class StopMatcherTest {

  private static StopMatcher matcher(List<String> stops) {
    return new StopMatcher(new StopSequences(stops));
  }

  @Test
  void withoutStopSequencesNothingIsHeldBack() {
    var matcher = matcher(List.of());

    assertEquals("any", matcher.append("any"));
    assertEquals(" text", matcher.append(" text"));
    assertEquals("", matcher.flush());
    assertNull(matcher.matched());
  }

  @Test
  void aStopSequenceIsFoundAcrossTokens() {
    var matcher = matcher(List.of("\n\nUser:"));

    assertEquals("Fine.", matcher.append("Fine.\n"));
    assertEquals("", matcher.append("\nUs"));
    assertEquals("", matcher.append("er"));
    assertEquals("", matcher.append(": and more"));
    assertEquals("\n\nUser:", matcher.matched());
    assertEquals("", matcher.flush());
  }

  @Test
  void nothingFollowsAStopSequence() {
    var matcher = matcher(List.of("."));

    assertEquals("One", matcher.append("One. Two"));
    assertEquals("", matcher.append("Three"));
    assertEquals("", matcher.flush());
  }

  @Test
  void whatWasHeldBackInVainIsReleased() {
    var matcher = matcher(List.of("END"));

    assertEquals("", matcher.append("EN"));
    assertEquals("ENT", matcher.append("T"));
    assertEquals("", matcher.append("E"));
    assertEquals("E", matcher.flush());
    assertEquals("", matcher.flush());
    assertNull(matcher.matched());
  }

  @Test
  void aBeginningInsideABeginningIsNotMissed() {
    var matcher = matcher(List.of("aab"));

    assertEquals("", matcher.append("aa"));
    assertEquals("a", matcher.append("a"));
    assertEquals("", matcher.append("b"));
    assertEquals("aab", matcher.matched());
  }

  @Test
  void theFirstOfSeveralWinsWhateverTheirOrder() {
    for (var stops : List.of(List.of("two", "one"), List.of("one", "two"))) {
      var matcher = matcher(stops);

      assertEquals("zero ", matcher.append("zero one two"));
      assertEquals("one", matcher.matched());
    }
  }

  @Test
  void aPrefixOfAnotherStopSequenceEndsTheTextAsSoonAsItIsComplete() {
    for (var stops : List.of(List.of("###", "#"), List.of("#", "###"))) {
      var matcher = matcher(stops);

      assertEquals("a", matcher.append("a###"));
      assertEquals("#", matcher.matched());
    }
  }

  @Test
  void ofTwoThatEndTogetherTheLongerWins() {
    for (var stops : List.of(List.of("cd", "abcd"), List.of("abcd", "cd"))) {
      var matcher = matcher(stops);

      assertEquals("x", matcher.append("xabcd"));
      assertEquals("abcd", matcher.matched());
    }
  }

  @Test
  void tokenBordersDoNotDecideBetweenOverlappingStopSequences() {
    var whole = matcher(List.of("abcd", "bc"));
    var split = matcher(List.of("abcd", "bc"));

    assertEquals("a", whole.append("abcd"));
    assertEquals("a", split.append("abc") + split.append("d"));
    assertEquals(whole.matched(), split.matched());
  }

  @Test
  void anEmptyStopSequenceIsRefused() {
    assertThrows(IllegalArgumentException.class, () -> matcher(List.of("a", "")));
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4})
  void randomTextsEndWhereAReferenceOverTheWholeTextEnds(long seed) {
    var random = new Random(seed);
    for (int round = 0; round < 5_000; round++) {
      var stops = new ArrayList<String>();
      for (int n = 1 + random.nextInt(4); n > 0; n--) {
        stops.add(text(random, 1 + random.nextInt(4)));
      }
      String text = text(random, random.nextInt(30));
      var expected = Reference.of(text, stops);
      var matcher = matcher(stops);
      var released = new StringBuilder();
      for (int from = 0; from < text.length(); ) {
        int to = Math.min(text.length(), from + random.nextInt(5));
        released.append(matcher.append(text.substring(from, to)));
        from = to;
      }
      released.append(matcher.flush());
      String circumstances = "seed %d, round %d: %s in %s".formatted(seed, round, stops, text);
      assertEquals(expected.text(), released.toString(), circumstances);
      assertEquals(expected.stop(), matcher.matched(), circumstances);
    }
  }

  @Test
  void longTextsEndWhereAReferenceOverTheWholeTextEnds() {
    long seed = Long.getLong("seed", System.nanoTime());
    var random = new Random(seed);
    for (int round = 0; round < 500; round++) {
      String text = text(random, 100);
      var stops = new ArrayList<String>();
      for (int n = 1 + random.nextInt(16); n > 0; n--) {
        // Most begin as a part of the text does, and end otherwise.
        int from = random.nextInt(60);
        stops.add(text.substring(from, from + random.nextInt(40)) + text(random, 1));
      }
      var matcher = matcher(stops);
      var copied = new StringBuilder();
      for (int i = 0; i < text.length(); i++) {
        copied.append(matcher.append(text.substring(i, i + 1)));
        matcher = matcher.copy();
      }
      copied.append(matcher.flush());
      var expected = Reference.of(text, stops);
      String circumstances = "seed %d, round %d: %s in %s".formatted(seed, round, stops, text);
      assertEquals(expected.text(), copied.toString(), circumstances);
      assertEquals(expected.stop(), matcher.matched(), circumstances);
    }
  }

  /** It took minutes while each stop sequence was looked for in all of the text held back. */
  @Test
  @Timeout(10)
  void aTextThatNearlyMatchesCostsNoMoreThanAnother() {
    List<String> stops =
        IntStream.range(0, 16).mapToObj(i -> "a".repeat(1023) + (char) ('b' + i)).toList();
    var matcher = matcher(stops);
    int released = 0;
    for (int i = 0; i < 100_000; i++) {
      released += matcher.append("a").length();
    }
    assertEquals(100_000 - 1023, released);
    assertEquals(1023, matcher.flush().length());
  }

  @Test
  void aCopyGoesOnByItself() {
    var matcher = matcher(List.of("stop"));
    matcher.append("a st");
    var copy = matcher.copy();

    assertEquals("sta", matcher.append("a"));
    assertEquals("", copy.append("op"));
    assertEquals("stop", copy.matched());
    assertNull(matcher.matched());
  }

  @Test
  void noMoreIsHeldBackThanCouldBeginAStopSequence() {
    var random = new Random(5);
    for (int round = 0; round < 2_000; round++) {
      List<String> stops = List.of(text(random, 4), text(random, 3));
      String text = text(random, 12);
      var matcher = matcher(stops);
      int released = matcher.append(text).length();
      if (matcher.matched() == null) {
        String held = text.substring(released);
        for (int i = 0; i < held.length(); i++) {
          String tail = held.substring(i);
          if (stops.stream().anyMatch(stop -> stop.startsWith(tail))) {
            assertEquals(0, i, "seed 5, round " + round + ": " + stops + " in " + text);
            break;
          }
        }
      }
    }
  }

  private static String text(Random random, int length) {
    var text = new StringBuilder();
    while (text.length() < length) {
      text.append((char) ('a' + random.nextInt(3)));
    }
    return text.toString();
  }

  /** Looks at every prefix of the whole text: the first that ends with a stop sequence decides. */
  private record Reference(String text, String stop) {
    static Reference of(String text, List<String> stops) {
      for (int end = 1; end <= text.length(); end++) {
        String prefix = text.substring(0, end);
        String longest = null;
        for (String stop : stops) {
          if (prefix.endsWith(stop) && (longest == null || stop.length() > longest.length())) {
            longest = stop;
          }
        }
        if (longest != null) {
          return new Reference(text.substring(0, end - longest.length()), longest);
        }
      }
      return new Reference(text, null);
    }
  }
}
