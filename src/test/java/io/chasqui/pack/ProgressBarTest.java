package io.chasqui.pack;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ProgressBarTest {
  private final ByteArrayOutputStream written = new ByteArrayOutputStream();
  private long now;

  @ParameterizedTest
  @CsvSource({
    "0, 0 B",
    "999, 999 B",
    "1000, 1.0 kB",
    "9949, 9.9 kB",
    "9950, 10 kB",
    "999499, 999 kB",
    "999500, 1.0 MB",
    "4832000000, 4.8 GB",
    "9223372036854775807, 9.2 EB"
  })
  void bytesAreShownInThreeDigits(long bytes, String shown) {
    assertEquals(shown, ProgressBar.bytes(bytes));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "0 | 1000 | 0 | w [------------------------] 0 B of 1.0 kB",
        "500 | 1000 | 100 | w [############------------] 500 B of 1.0 kB, 100 B/s, 5 s left",
        "1000 | 1000 | 100 | w [########################] 1.0 kB of 1.0 kB, 100 B/s",
        "999 | 1000 | 0.5 | w [#######################-] 999 B of 1.0 kB",
        "1100 | 1000 | 100 | w [########################] 1.1 kB of 1.0 kB, 100 B/s",
        "0 | 61000 | 1000 | w [------------------------] 0 B of 61 kB, 1.0 kB/s, 1 min 1 s left",
        "0 | 7320 | 1 | w [------------------------] 0 B of 7.3 kB, 1 B/s, 2 h 2 min left",
        "500 | 0 | 100 | w: 500 B, 100 B/s",
        "0 | 0 | 0 | w"
      })
  void aTerminalShowsBarAmountRateAndTimeLeft(long present, long total, double rate, String line) {
    assertEquals(line, ProgressBar.terminalLine("w", present, total, rate));
  }

  @Test
  void aLogShowsTheSameWithoutBar() {
    assertEquals(
        "w: 500 B of 1.0 kB, 100 B/s, 5 s left", ProgressBar.plainLine("w", 500, 1000, 100));
  }

  @Test
  void aTerminalIsRedrawnTenTimesASecondAtMost() {
    ProgressBar bar = bar(true);
    bar.start("w", 1_000_000, 0);
    for (int millisecond = 0; millisecond < 1000; millisecond++) {
      now += Duration.ofMillis(1).toNanos();
      bar.advance(1000);
    }
    bar.done();

    String[] drawn = output().split("\r", -1);
    assertEquals(1 + 1 + 10 + 1, drawn.length);
    assertTrue(drawn[6].contains("500 kB of 1.0 MB, 1.0 MB/s, 1 s left"), drawn[6]);
    assertTrue(output().endsWith("1.0 MB of 1.0 MB, 1.0 MB/s" + System.lineSeparator()));
  }

  @Test
  void aLogGetsALineEveryFiveSecondsWithoutControlCharacters() {
    ProgressBar bar = bar(false);
    bar.start("w", 12_000, 0);
    for (int second = 0; second < 12; second++) {
      now += Duration.ofSeconds(1).toNanos();
      bar.advance(1000);
    }
    bar.done();

    assertEquals(
        List.of(
            "w: 0 B of 12 kB",
            "w: 5.0 kB of 12 kB, 1.0 kB/s, 7 s left",
            "w: 10 kB of 12 kB, 1.0 kB/s, 2 s left",
            "w: 12 kB of 12 kB, 1.0 kB/s"),
        output().lines().toList());
    assertFalse(output().contains("\u001b"));
  }

  @Test
  void whatWasThereBeforeIsNotPartOfTheRate() {
    ProgressBar bar = bar(false);
    bar.start("w", 1_000_000, 900_000);
    now += Duration.ofSeconds(5).toNanos();
    bar.advance(5_000);
    bar.done();

    assertTrue(output().contains("905 kB of 1.0 MB, 1.0 kB/s, 1 min 35 s left"), output());
  }

  @Test
  void goingBackIsShown() {
    ProgressBar bar = bar(false);
    bar.start("w", 10_000, 5_000);
    now += Duration.ofSeconds(5).toNanos();
    bar.advance(-5_000);
    bar.done();

    assertTrue(output().contains("w: 0 B of 10 kB" + System.lineSeparator()), output());
  }

  private ProgressBar bar(boolean terminal) {
    return new ProgressBar(
        new PrintStream(written, true, StandardCharsets.UTF_8), terminal, () -> now);
  }

  private String output() {
    return written.toString(StandardCharsets.UTF_8);
  }
}
