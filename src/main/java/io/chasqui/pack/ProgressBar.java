package io.chasqui.pack;

import java.io.Console;
import java.io.PrintStream;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.function.LongSupplier;

/**
 * Shows progress to people: on a terminal one line that is redrawn at most ten times a second,
 * elsewhere a plain line every five seconds.
 */
public final class ProgressBar implements Progress {
  private static final Duration REDRAW = Duration.ofMillis(100);
  private static final Duration PLAIN_LINE = Duration.ofSeconds(5);
  private static final double RATE_SECONDS = 3;
  private static final int BAR_CELLS = 24;
  private static final String CLEAR_LINE = "\r\u001b[2K";

  private final PrintStream out;
  private final boolean terminal;
  private final LongSupplier nanoClock;

  private String what = "";
  private long total;
  private long present;
  private long presentWhenDrawn;
  private long drawnAt;
  private double bytesPerSecond;
  private boolean open;

  /** Writes to standard error, as a terminal if that is what the program was started from. */
  public static ProgressBar forThisProcess() {
    return new ProgressBar(
        System.err, isTerminal(System.console(), System.getenv()), System::nanoTime);
  }

  ProgressBar(PrintStream out, boolean terminal, LongSupplier nanoClock) {
    this.out = out;
    this.terminal = terminal;
    this.nanoClock = nanoClock;
  }

  private static boolean isTerminal(Console console, Map<String, String> environment) {
    return console != null
        && console.isTerminal()
        && !environment.getOrDefault("TERM", "dumb").equals("dumb");
  }

  @Override
  public void start(String what, long totalBytes, long presentBytes) {
    this.what = what;
    total = totalBytes;
    present = presentBytes;
    presentWhenDrawn = presentBytes;
    bytesPerSecond = 0;
    drawnAt = nanoClock.getAsLong();
    open = true;
    draw();
  }

  @Override
  public void advance(long bytes) {
    present += bytes;
    Duration sinceDrawn = Duration.ofNanos(nanoClock.getAsLong() - drawnAt);
    if (sinceDrawn.compareTo(terminal ? REDRAW : PLAIN_LINE) >= 0) {
      measure(sinceDrawn);
      draw();
    }
  }

  @Override
  public void done() {
    if (open) {
      open = false;
      if (terminal) {
        draw();
        out.println();
      } else if (present != presentWhenDrawn) {
        draw();
      }
      out.flush();
    }
  }

  /** A mean that forgets: what lies three seconds back counts a third of what is new. */
  private void measure(Duration elapsed) {
    double seconds = elapsed.toNanos() / 1e9;
    double latest = Math.max(0, present - presentWhenDrawn) / seconds;
    bytesPerSecond =
        bytesPerSecond == 0
            ? latest
            : latest + (bytesPerSecond - latest) * Math.exp(-seconds / RATE_SECONDS);
  }

  private void draw() {
    drawnAt = nanoClock.getAsLong();
    presentWhenDrawn = present;
    if (terminal) {
      out.print(CLEAR_LINE + terminalLine(what, present, total, bytesPerSecond));
    } else {
      out.println(plainLine(what, present, total, bytesPerSecond));
    }
    out.flush();
  }

  /**
   * The line for a terminal: {@code model.safetensors [#####---] 1.2 GB of 4.8 GB, 35 MB/s, 1 min
   * 43 s left}.
   *
   * @param total bytes, 0 when not known: then there is neither bar nor time left
   * @param bytesPerSecond 0 when not known: then there is no time left
   */
  static String terminalLine(String what, long present, long total, double bytesPerSecond) {
    if (total <= 0) {
      return plainLine(what, present, total, bytesPerSecond);
    }
    int filled = (int) (BAR_CELLS * Math.clamp((double) present / total, 0, 1));
    return what
        + " ["
        + "#".repeat(filled)
        + "-".repeat(BAR_CELLS - filled)
        + "] "
        + numbers(present, total, bytesPerSecond);
  }

  /** The line for a log: {@code model.safetensors: 1.2 GB of 4.8 GB, 35 MB/s, 1 min 43 s left}. */
  static String plainLine(String what, long present, long total, double bytesPerSecond) {
    return present == 0 && total <= 0
        ? what
        : what + ": " + numbers(present, total, bytesPerSecond);
  }

  private static String numbers(long present, long total, double bytesPerSecond) {
    StringBuilder numbers = new StringBuilder(bytes(present));
    if (total > 0) {
      numbers.append(" of ").append(bytes(total));
    }
    if (bytesPerSecond >= 1) {
      numbers.append(", ").append(bytes((long) bytesPerSecond)).append("/s");
      if (total > present) {
        long seconds = (long) Math.ceil((total - present) / bytesPerSecond);
        numbers.append(", ").append(time(seconds)).append(" left");
      }
    }
    return numbers.toString();
  }

  /** A number of bytes in decimal units, with three digits at most. */
  static String bytes(long bytes) {
    if (bytes < 1000) {
      return bytes + " B";
    }
    double amount = bytes;
    String[] units = {"kB", "MB", "GB", "TB", "PB", "EB"};
    int unit = -1;
    do {
      amount /= 1000;
      unit++;
    } while (amount >= 999.5);
    return String.format(Locale.ROOT, amount < 9.95 ? "%.1f %s" : "%.0f %s", amount, units[unit]);
  }

  private static String time(long seconds) {
    if (seconds < 60) {
      return seconds + " s";
    }
    return seconds < 3600
        ? seconds / 60 + " min " + seconds % 60 + " s"
        : seconds / 3600 + " h " + seconds % 3600 / 60 + " min";
  }
}
