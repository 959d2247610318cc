package io.chasqui.http;

import io.chasqui.engine.AdmissionException;
import io.chasqui.engine.EngineFailedException;
import io.chasqui.engine.GenerationEvent.Finished;
import io.chasqui.ops.ModelUnavailableException;
import io.chasqui.tokenizer.PatternException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.jboss.logging.Logger;

/** A request that gets an error with a status of its own, in OpenAI's envelope. */
final class ApiException extends RuntimeException {
  private static final Logger LOG = Logger.getLogger(ApiException.class);

  /** Longer values are not repeated in an error. */
  private static final int LONGEST_EXCERPT = 60;

  private final int status;
  private final transient ErrorBody body;
  private final transient Optional<Duration> retryAfter;

  private ApiException(int status, ErrorBody body, Optional<Duration> retryAfter) {
    super(body.error().message());
    this.status = status;
    this.body = body;
    this.retryAfter = retryAfter;
  }

  static ApiException of(int status, String message, String param, String code) {
    return new ApiException(status, ErrorBody.of(status, message, param, code), Optional.empty());
  }

  /** The request is wrong; {@code param} names the field to change, null the request as such. */
  static ApiException badRequest(String param, String message) {
    return of(400, message, param, "invalid_value");
  }

  /** A field of OpenAI's API that is known, and not implemented. */
  static ApiException unsupported(String param, String message) {
    return of(400, message, param, "unsupported_parameter");
  }

  static ApiException unknownModel(String model, String served) {
    return of(
        404,
        "The model '%s' does not exist here; this server has '%s'."
            .formatted(excerpt(model), served),
        "model",
        "model_not_found");
  }

  /** The head of a request is not one that can be read further. */
  static ApiException malformedHead(int status, String message) {
    return of(status, message, null, "invalid_request");
  }

  static ApiException tooManyHeaders(int most) {
    return malformedHead(431, "The request has more than %d headers: send fewer.".formatted(most));
  }

  /** Before the body is sent, a client wants to hear something that the server does not know. */
  static ApiException unknownExpectation() {
    return malformedHead(417, "Leave out the header 'Expect', or send 'Expect: 100-continue'.");
  }

  static ApiException nothingHere() {
    return of(404, "There is nothing at this path; the API is under /v1.", null, null);
  }

  /**
   * The path does not take the method.
   *
   * @param taken those that it takes
   */
  static ApiException wrongMethod(List<String> taken) {
    String message = "This path takes %s only.".formatted(String.join(", ", taken));
    return of(405, message, null, null);
  }

  /** The path is another spelling of one that may exist. */
  static ApiException pathNotPlain() {
    return of(
        400,
        "Write the path plainly, such as '/v1/chat/completions': without a host, ';', '//', '/../' or encoded letters.",
        null,
        "invalid_path");
  }

  /** The request has no key, or none of this server's. */
  static ApiException unauthorized() {
    return of(
        401,
        "Send a key of this server in the header 'Authorization', after 'Bearer '.",
        null,
        "invalid_api_key");
  }

  /** A request wants to be more urgent than its key allows. */
  static ApiException tooUrgent(String key, int asked, int mostUrgent) {
    return of(
        403,
        "'priority' is %d, but requests with the key '%s' may have %d or more: raise it, or leave it out."
            .formatted(asked, key, mostUrgent),
        "priority",
        "priority_not_allowed");
  }

  /** A key has sent, or cost, as much as it may. */
  static ApiException rateLimited(String key, String what, Duration wait) {
    Duration seconds = Duration.ofSeconds(wait.plusNanos(999_999_999).toSeconds());
    return tryAgain(
        seconds,
        "The key '%s' has used up its %s; try again in %d seconds."
            .formatted(key, what, seconds.toSeconds()),
        "rate_limit_exceeded");
  }

  /** What a key's requests can still take is all that the key has left. */
  static ApiException tokensReserved(String key) {
    return tryAgain(
        Duration.ofSeconds(1),
        "The running requests of the key '%s' may take all its tokens; try again when one of them has ended, or limit their 'max_tokens'."
            .formatted(key),
        "rate_limit_exceeded");
  }

  static ApiException bodyTooLarge(int most) {
    return of(
        413,
        "The body is larger than %d KiB; send less, or let the server take more with 'chasqui.max-body-size' and a larger heap."
            .formatted(most >> 10),
        null,
        "body_too_large");
  }

  /** The client has not sent all of its body in the time that there is for it. */
  static ApiException bodyTooLate(Duration timeout) {
    return of(
        408,
        "The body did not arrive within %d s; send it faster, or let the server wait longer with 'chasqui.body-timeout'."
            .formatted(timeout.toSeconds()),
        null,
        "body_timeout");
  }

  /** The tree of a body's values is larger than that of any prompt which the model could take. */
  static ApiException tooManyValues() {
    return of(
        413,
        "The body has more values than a prompt can need; send fewer messages, parts or fields.",
        null,
        "body_too_large");
  }

  /** A request of HTTP/2 does not say how long its body is. */
  static ApiException lengthRequired() {
    return of(411, "Send the body's length in the header 'content-length'.", null, null);
  }

  /** Answers that wait for their readers take the memory that all such answers have. */
  static ApiException tooManyAnswers() {
    return tryAgain(
        Duration.ofSeconds(1),
        "Answers that nobody has read yet take the memory for answers; stream this one, ask for less of it (such as 'top_logprobs'), or try again in a second.",
        "too_many_answers");
  }

  /** An answer takes more memory than there is for all answers, so that trying again is no help. */
  static ApiException answerTooLarge(long most) {
    return of(
        400,
        "The answer takes more than the %d KiB that this server has for answers; ask for fewer tokens, choices or log probabilities, stream it, or give the server more memory."
            .formatted(most >> 10),
        null,
        "answer_too_large");
  }

  /** Bodies of other requests take the memory that all bodies have. */
  static ApiException tooManyBodies() {
    return tryAgain(
        Duration.ofSeconds(1),
        "Other requests with long bodies are served now; try again in a second.",
        "too_many_bodies");
  }

  /** The server works on as many requests as it has connections or streams for. */
  static ApiException tooManyRequests() {
    return tryAgain(
        Duration.ofSeconds(1),
        "The server works on as many requests as it can; try again in a second.",
        "too_many_requests");
  }

  private static ApiException tryAgain(Duration after, String message, String code) {
    return new ApiException(429, ErrorBody.of(429, message, null, code), Optional.of(after));
  }

  /** The error to send for a failure, whatever it is; the log has those that are ours. */
  static ApiException of(Throwable failure) {
    return switch (failure) {
      case ApiException e -> e;
      case AdmissionException e -> of(e);
      case PatternException e -> of(501, e.getMessage(), null, "model_unsupported");
      case ModelUnavailableException e -> of(503, e.getMessage(), null, "model_unavailable");
      case EngineFailedException e -> of(503, e.getMessage(), null, "engine_failed");
      case Throwable _ when ClientLeft.isReasonOf(failure) -> {
        LOG.debugf("A client left before it was answered: %s", failure.getMessage());
        yield clientLeft();
      }
      default -> {
        LOG.error("A request failed", failure);
        yield of(500, "The server failed to answer; its log tells why.", null, "internal_error");
      }
    };
  }

  private static ApiException clientLeft() {
    return of(408, "The answer was cancelled because the client left.", null, "cancelled");
  }

  /** Why the end of a generation is no answer; empty if it is one. */
  static Optional<ApiException> of(Finished end) {
    return switch (end.reason()) {
      case CLOSED ->
          Optional.of(
              of(
                  503,
                  "The answer was interrupted: the server is stopping; try another replica.",
                  null,
                  "interrupted"));
      case UNREAD ->
          Optional.of(
              of(
                  408,
                  "The answer was given up because the client left it unread for too long; read it as it comes.",
                  null,
                  "left_unread"));
      case CANCELLED -> Optional.of(clientLeft());
      case DEADLINE ->
          end.published() > 0
              ? Optional.empty()
              : Optional.of(
                  of(
                      429,
                      "The request's time was up before its answer had begun; allow it more, or try again when fewer requests run.",
                      null,
                      "deadline_exceeded"));
      case STOP, LENGTH -> Optional.empty();
    };
  }

  private static ApiException of(AdmissionException refused) {
    ErrorBody body =
        ErrorBody.of(
            refused.status(),
            refused.getMessage(),
            refused.parameter().orElse(null),
            refused.code());
    return new ApiException(refused.status(), body, refused.retryAfter());
  }

  /** What a client sent, fit to be repeated to it: short, and with whole characters only. */
  static String excerpt(String value) {
    boolean isLong = value.codePointCount(0, value.length()) > LONGEST_EXCERPT;
    String shown =
        isLong ? value.substring(0, value.offsetByCodePoints(0, LONGEST_EXCERPT)) : value;
    return shown
        .codePoints()
        .map(c -> isSurrogate(c) ? 0xFFFD : c)
        .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
        .append(isLong ? "…" : "")
        .toString();
  }

  /** Whether a text has half of a character, which no UTF-8 can hold. */
  static boolean hasLoneSurrogate(String text) {
    return text.codePoints().anyMatch(ApiException::isSurrogate);
  }

  private static boolean isSurrogate(int codePoint) {
    return Character.getType(codePoint) == Character.SURROGATE;
  }

  /** Calls the engine with what the client sent: an argument that it refuses is the client's. */
  static <T> T blaming(String param, Supplier<T> call) {
    try {
      return call.get();
    } catch (IllegalArgumentException e) {
      throw badRequest(param, e.getMessage());
    }
  }

  int status() {
    return status;
  }

  ErrorBody body() {
    return body;
  }

  Optional<Duration> retryAfter() {
    return retryAfter;
  }
}
