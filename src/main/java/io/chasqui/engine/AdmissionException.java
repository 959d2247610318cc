package io.chasqui.engine;

import java.time.Duration;
import java.util.Locale;
import java.util.Optional;

/** A request was refused before anything was done for it. */
public final class AdmissionException extends RuntimeException {
  private final int status;
  private final String code;
  private final String parameter;
  private final transient Optional<Duration> retryAfter;

  private AdmissionException(int status, String code, Optional<Duration> after, String message) {
    this(status, code, null, after, message);
  }

  private AdmissionException(
      int status, String code, String parameter, Optional<Duration> after, String message) {
    super(message);
    this.status = status;
    this.code = code;
    this.parameter = parameter;
    this.retryAfter = after;
  }

  /** The prompt leaves no room for an answer; it could never be admitted. */
  public static AdmissionException contextLengthExceeded(int promptTokens, int contextLength) {
    return new AdmissionException(
        400,
        "context_length_exceeded",
        Optional.empty(),
        "The prompt has %d tokens, but this model's context holds %d tokens with the answer; shorten the prompt to at most %d tokens."
            .formatted(promptTokens, contextLength, contextLength - 1));
  }

  /** All places in the queue are taken; it could be admitted later. */
  public static AdmissionException queueFull(int waiting, Duration retryAfter) {
    return new AdmissionException(
        429,
        "queue_full",
        Optional.of(retryAfter),
        "%d requests are waiting already; try again in %d seconds."
            .formatted(waiting, retryAfter.toSeconds()));
  }

  /** So many wait before it that its first token would come too late; it could be later. */
  public static AdmissionException deadlineUnreachable(
      Duration expected, Duration timeout, Duration retryAfter) {
    return new AdmissionException(
        429,
        "deadline_unreachable",
        Optional.of(retryAfter),
        String.format(
            Locale.ROOT,
            "The first token is expected after %.1f s, but the request may take %.1f s in all; allow it more, or try again in %d seconds.",
            seconds(expected),
            seconds(timeout),
            retryAfter.toSeconds()));
  }

  private static double seconds(Duration duration) {
    return duration.toNanos() / 1e9;
  }

  /** The model's decoder cannot verify drafts; it could never be admitted. */
  public static AdmissionException speculationUnsupported(String model) {
    return new AdmissionException(
        400,
        "unsupported_parameter",
        "speculation",
        Optional.empty(),
        "Model '%s' runs on Jlama, which cannot verify drafts; leave 'speculation' out, or serve a model of a family that 'chasqui pack' knows."
            .formatted(model));
  }

  /** A step has not so many sequences; it could never be admitted. */
  public static AdmissionException tooManyBeams(int beams, int sequences) {
    return new AdmissionException(
        400,
        "invalid_value",
        "num_beams",
        Optional.empty(),
        "'num_beams' is %d, but this server runs %d sequences at once; lower it."
            .formatted(beams, sequences));
  }

  /** Beams have no memory to grow so long; it could never be admitted. */
  public static AdmissionException beamsTooLong(int beams, int maxTokens, long longest) {
    return new AdmissionException(
        413,
        "kv_memory_exceeded",
        "max_tokens",
        Optional.empty(),
        "%d beams of %d tokens do not fit into the memory for keys and values; set 'max_tokens' to at most %d, or lower 'num_beams'."
            .formatted(beams, maxTokens, Math.max(0, longest)));
  }

  /** The engine is stopping. */
  public static AdmissionException closed() {
    return new AdmissionException(
        503,
        "shutting_down",
        Optional.empty(),
        "The engine is shutting down; try another replica.");
  }

  /** The HTTP status that fits. */
  public int status() {
    return status;
  }

  /** A word for programs, such as {@code queue_full}. */
  public String code() {
    return code;
  }

  /** The parameter of the request to change, if it is one. */
  public Optional<String> parameter() {
    return Optional.ofNullable(parameter);
  }

  /** When to try again, if that can help. */
  public Optional<Duration> retryAfter() {
    return retryAfter;
  }
}
