package io.chasqui.pack;

import java.util.regex.Pattern;

/** File names from elsewhere that may be appended to a directory without leaving it. */
final class PlainNames {
  private static final Pattern PLAIN = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9._+=@ -]{0,199}");

  private PlainNames() {}

  /** Whether this is the name of a file in the directory itself: no separator, not hidden. */
  static boolean isPlain(String name) {
    return PLAIN.matcher(name).matches();
  }
}
