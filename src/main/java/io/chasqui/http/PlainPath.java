package io.chasqui.http;

import java.util.regex.Pattern;

/**
 * The one spelling of a path that this server takes. The framework's router drops matrix parameters
 * ({@code /v1;x/models}), decodes letters ({@code /v%31/models}) and removes dot segments, so that
 * one resource has many spellings; what guards a path must not have to know them all.
 */
final class PlainPath {
  /** A segment that encodes nothing. */
  private static final Pattern SEGMENT = Pattern.compile("[A-Za-z0-9._~@:+,=!$&'()*-]++");

  /** A segment in which some bytes are encoded. */
  private static final Pattern ENCODED =
      Pattern.compile("(?:[A-Za-z0-9._~@:+,=!$&'()*-]++|%[2-9A-Fa-f][0-9A-Fa-f])++");

  /** What RFC 3986 calls unreserved means the same encoded, so that it need not be encoded. */
  private static final Pattern NEEDLESS =
      Pattern.compile("%(?:2[DdEe]|3[0-9]|4[1-9A-Fa-f]|5[0-9AaFf]|6[1-9A-Fa-f]|7[0-9AaEe])");

  /**
   * What the path of a model begins with. Its name may hold slashes, and other characters that a
   * client has to encode.
   */
  static final String MODELS = "/v1/models/";

  private PlainPath() {}

  /**
   * Whether a request's target is spelled as this server takes it: absolute, without empty or dot
   * segments, without parameters of a segment, and with nothing encoded that need not be.
   *
   * @param target what the request line or {@code :path} has, with the query
   */
  static boolean isPlain(String target) {
    String path = path(target);
    if (!path.startsWith("/")) {
      return false;
    }
    Pattern allowed = path.startsWith(MODELS) ? ENCODED : SEGMENT;
    String[] segments = path.substring(1).split("/", -1);
    for (int i = 0; i < segments.length; i++) {
      boolean isEnd = i == segments.length - 1 && segments[i].isEmpty();
      if (!isEnd && !isPlain(segments[i], allowed)) {
        return false;
      }
    }
    return true;
  }

  private static boolean isPlain(String segment, Pattern allowed) {
    return allowed.matcher(segment).matches()
        && !NEEDLESS.matcher(segment).find()
        && !segment.equals(".")
        && !segment.equals("..");
  }

  /** A target without its query. */
  static String path(String target) {
    int query = target.indexOf('?');
    return query < 0 ? target : target.substring(0, query);
  }
}
