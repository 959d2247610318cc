package io.chasqui.http;

import java.util.List;
import java.util.Set;

/** The paths that the server answers, and what guards them has to know of each. */
final class Endpoints {
  /** The method that asks which methods a path takes. */
  static final String QUESTION = "OPTIONS";

  private static final List<String> GET = List.of("GET", "HEAD", QUESTION);
  private static final List<String> POST = List.of("POST", QUESTION);

  /** The paths that need no key; all of them are read. */
  private static final Set<String> FREE =
      Set.of(
          "/",
          "/index.html",
          "/metrics",
          "/q/metrics",
          "/q/health",
          "/q/health/started",
          "/q/health/ready",
          "/q/health/live");

  private static final Set<String> POSTED =
      Set.of("/v1/chat/completions", "/v1/completions", "/tokenize", "/detokenize");

  private static final Set<String> READ = Set.of("/v1/models", "/v1/estimate");

  private Endpoints() {}

  /** Whether anybody may ask for it. Everything else needs a key, whether it exists or not. */
  static boolean isFree(String target) {
    return FREE.contains(path(target));
  }

  /** Whether it asks how the server is. */
  static boolean isProbe(String target) {
    return path(target).startsWith("/q/health") && isFree(target);
  }

  /** Whether the framework may have something at a path that is none of ours. */
  static boolean isFrameworks(String target) {
    return path(target).startsWith("/q/") && !isFree(target);
  }

  /** The methods that a path takes; empty if there is nothing at the path. */
  static List<String> methods(String target) {
    String path = path(target);
    if (POSTED.contains(path)) {
      return POST;
    }
    boolean isRead =
        FREE.contains(path) || READ.contains(path) || path.startsWith(PlainPath.MODELS);
    return isRead ? GET : List.of();
  }

  /** The path of a target; a slash at its end changes nothing. */
  private static String path(String target) {
    String path = PlainPath.path(target);
    return path.length() > 1 && path.endsWith("/") ? path.substring(0, path.length() - 1) : path;
  }
}
