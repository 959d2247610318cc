package io.chasqui.http;

import java.util.Arrays;
import java.util.HexFormat;
import java.util.concurrent.ThreadLocalRandom;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * A place in the stream of an answer, as the {@code id} of an event and as the header {@code
 * Last-Event-ID} tell it. It has all that another process needs to go on from there when the
 * request is repeated: an answer depends on nothing but its request and its seed, so it is computed
 * again and what the client has is left out.
 *
 * <p>In text: 32 digits of the answer, a point, and numbers of events with dashes between them:
 * those that belong to no choice, and those of each choice. Choices need not come in the same order
 * again.
 *
 * @param created when the answer was first asked for, in seconds since 1970
 * @param seed of an answer whose request names none
 * @param request a digest of the request, which must be the same
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record StreamPosition(int created, long seed, int request, int[] events) {
  static final String HEADER = "Last-Event-ID";

  /** The usage. */
  private static final int MAX_OF_NO_CHOICE = 1;

  private static final HexFormat HEX = HexFormat.of();
  private static final Pattern TEXT =
      Pattern.compile("([0-9a-f]{8})([0-9a-f]{16})([0-9a-f]{8})[.]([0-9]{1,9}(?:-[0-9]{1,9})+)");

  /**
   * The beginning of a new answer.
   *
   * @param request a digest of the request
   * @param choices how many it has
   */
  static StreamPosition start(int request, int choices) {
    int now = (int) (System.currentTimeMillis() / 1000);
    long seed = ThreadLocalRandom.current().nextLong();
    return new StreamPosition(now, seed, request, new int[1 + choices]);
  }

  /**
   * Reads an event's id.
   *
   * @throws ApiException if it is none, or of another request
   */
  static StreamPosition parse(String id, int request, int choices) {
    Matcher parts = TEXT.matcher(id);
    if (!parts.matches()) {
      throw refused("must be the id of an event, but is '%s'.".formatted(ApiException.excerpt(id)));
    }
    int[] events =
        Arrays.stream(parts.group(4).split("-", -1)).mapToInt(Integer::parseInt).toArray();
    boolean isOfTheRequest =
        HexFormat.fromHexDigits(parts.group(3)) == request
            && events.length == 1 + choices
            && events[0] <= MAX_OF_NO_CHOICE;
    if (!isOfTheRequest) {
      throw refused("is the id of an event of another request; repeat that request as it was.");
    }
    return new StreamPosition(
        HexFormat.fromHexDigits(parts.group(1)),
        HexFormat.fromHexDigitsToLong(parts.group(2)),
        request,
        events);
  }

  private static ApiException refused(String problem) {
    return ApiException.badRequest(HEADER, "'%s' %s".formatted(HEADER, problem));
  }

  /** What tells the answer from all others. */
  String answer() {
    return HEX.toHexDigits(created) + HEX.toHexDigits(seed) + HEX.toHexDigits(request);
  }

  /** Whether the client has this many events of a choice, or of none with −1. */
  boolean includes(int choice, int event) {
    return event <= events[1 + choice];
  }

  /** The id of an event of this answer. */
  String id(int[] events) {
    return answer()
        + Arrays.stream(events)
            .mapToObj(Integer::toString)
            .collect(Collectors.joining("-", ".", ""));
  }
}
