package io.chasqui.http;

import io.netty.handler.codec.DecoderResult;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.handler.codec.http.TooLongHttpLineException;
import io.vertx.core.http.HttpServerRequest;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Checks the head of a request before anything relies on it. A head of HTTP/1 is checked where it
 * is decoded: a head that is refused there loses what it held, and goes on to {@link RequestGuard},
 * which answers it in its turn. Where a body begins and ends is then unknown, so that nothing more
 * of its connection may be read.
 */
final class RequestHead {
  /** Fields that the head of a request may have. */
  static final int MAX_FIELDS = 100;

  /** In the request if the client has one, in the response in any case. */
  static final String REQUEST_ID = "X-Request-Id";

  private RequestHead() {}

  /** A success to Vert.x, which would otherwise answer by itself, and not in the API's form. */
  private static final class Refused extends DecoderResult {
    private final ApiException error;

    Refused(ApiException error) {
      super(SIGNAL_SUCCESS);
      this.error = error;
    }
  }

  /** What is wrong with the head of a request; empty if it may be read further. */
  static Optional<ApiException> refusal(HttpServerRequest request) {
    if (request.decoderResult() instanceof Refused refused) {
      return Optional.of(refused.error);
    }
    if (hasTooMany(request.headers().iterator())) {
      return Optional.of(ApiException.tooManyHeaders(MAX_FIELDS));
    }
    return isKnown(request.getHeader(HttpHeaderNames.EXPECT))
        ? Optional.empty()
        : Optional.of(ApiException.unknownExpectation());
  }

  /**
   * Checks a head of HTTP/1 that has just been decoded, and makes it one that Vert.x passes on if
   * it is refused.
   */
  static boolean isRefused(HttpRequest head) {
    // HTTP/2 begins with its preface here; an upgraded request would be one of neither version.
    head.headers().remove(HttpHeaderNames.UPGRADE);
    Optional<ApiException> error = error(head);
    error.ifPresent(refusal -> empty(head, refusal));
    return error.isPresent();
  }

  private static Optional<ApiException> error(HttpRequest head) {
    HttpHeaders headers = head.headers();
    if (!isFramed(headers)) {
      return refused(
          400,
          "Send the body either with its length in 'Content-Length' or with 'Transfer-Encoding: chunked', and no other coding.");
    }
    if (head.decoderResult().isFailure()) {
      return Optional.of(undecoded(head.decoderResult().cause()));
    }
    HttpVersion version = head.protocolVersion();
    if (!version.equals(HttpVersion.HTTP_1_1) && !version.equals(HttpVersion.HTTP_1_0)) {
      return refused(505, "The server takes HTTP/1.0, HTTP/1.1 and HTTP/2: use one of these.");
    }
    if (hasTooMany(headers.iteratorCharSequence())) {
      return Optional.of(ApiException.tooManyHeaders(MAX_FIELDS));
    }
    if (headers.getAll(HttpHeaderNames.HOST).size() > 1) {
      return refused(400, "Send the header 'Host' once.");
    }
    if (!isKnown(headers.get(HttpHeaderNames.EXPECT))) {
      return Optional.of(ApiException.unknownExpectation());
    }
    if (!isUri(head.uri())) {
      return refused(
          400,
          "The path or the query has a character that must be encoded, or '%' without two hexadecimal digits.");
    }
    return Optional.empty();
  }

  private static ApiException undecoded(Throwable cause) {
    return switch (cause) {
      case TooLongHttpLineException _ ->
          ApiException.malformedHead(
              414, "The request's first line is too long: shorten the path or the query.");
      case TooLongHttpHeaderException _ ->
          ApiException.malformedHead(
              431, "The request's headers are too long together: send fewer or shorter ones.");
      default ->
          ApiException.malformedHead(
              400,
              "The head is not one of HTTP/1.1: %s."
                  .formatted(ApiException.excerpt(String.valueOf(cause.getMessage()))));
    };
  }

  private static Optional<ApiException> refused(int status, String message) {
    return Optional.of(ApiException.malformedHead(status, message));
  }

  private static <T> boolean hasTooMany(Iterator<? extends Map.Entry<T, T>> fields) {
    int count = 0;
    while (fields.hasNext() && count <= MAX_FIELDS) {
      fields.next();
      count++;
    }
    return count > MAX_FIELDS;
  }

  /** Whether a body's end is told in one way, and in one that the server knows. */
  private static boolean isFramed(HttpHeaders headers) {
    List<String> codings = headers.getAll(HttpHeaderNames.TRANSFER_ENCODING);
    return codings.isEmpty()
        || (codings.size() == 1
            && HttpHeaderValues.CHUNKED.contentEqualsIgnoreCase(codings.getFirst().strip())
            && !headers.contains(HttpHeaderNames.CONTENT_LENGTH));
  }

  private static boolean isKnown(String expectation) {
    return expectation == null || expectation.equalsIgnoreCase(BodyReader.CONTINUE);
  }

  private static boolean isUri(String target) {
    try {
      new URI(target);
      return true;
    } catch (URISyntaxException e) {
      return false;
    }
  }

  private static void empty(HttpRequest head, ApiException error) {
    String id = head.headers().get(REQUEST_ID);
    head.headers().clear();
    if (id != null) {
      head.headers().set(REQUEST_ID, id);
    }
    head.headers()
        .set(HttpHeaderNames.HOST, "refused")
        .set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE);
    head.setProtocolVersion(HttpVersion.HTTP_1_1)
        .setUri("/bad-request")
        .setDecoderResult(new Refused(error));
  }
}
