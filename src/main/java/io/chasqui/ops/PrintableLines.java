package io.chasqui.ops;

import io.quarkus.logging.LoggingFilter;
import java.util.Arrays;
import java.util.logging.Filter;
import java.util.logging.LogRecord;
import java.util.regex.Pattern;

/**
 * Keeps what a client has sent, such as a header that an access log repeats, from commanding the
 * terminal that shows the log. The characters of ASCII that could are refused in heads; those
 * beyond may be parts of UTF-8 there.
 */
@LoggingFilter(name = "printable")
public final class PrintableLines implements Filter {
  /** The control characters beyond ASCII, and the ends of lines of Unicode. */
  private static final Pattern CONTROL = Pattern.compile("[\\x80-\\x9F\\u2028\\u2029]");

  @Override
  public boolean isLoggable(LogRecord line) {
    String message = line.getMessage();
    if (message != null && CONTROL.matcher(message).find()) {
      line.setMessage(printable(message));
    }
    Object[] parameters = line.getParameters();
    if (parameters != null && Arrays.stream(parameters).anyMatch(PrintableLines::hasControl)) {
      line.setParameters(
          Arrays.stream(parameters)
              .map(each -> hasControl(each) ? printable((String) each) : each)
              .toArray());
    }
    return true;
  }

  private static boolean hasControl(Object parameter) {
    return parameter instanceof String text && CONTROL.matcher(text).find();
  }

  private static String printable(String text) {
    return CONTROL.matcher(text).replaceAll("?");
  }
}
