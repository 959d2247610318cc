package io.chasqui.benchmark.abuse;

import io.chasqui.benchmark.servers.CompletionStream;
import io.chasqui.benchmark.servers.Launch;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * Malformed, oversized, truncated and slow requests, drawn by their weights; the same seed gives
 * the same ones. The program's own test {@code AbuseSoakTest} sends the like. In the strings here
 * each character is a byte.
 */
final class HostileRequests {
  /** What the server takes. */
  static final String VALID =
      "{\"model\": \"%s\", \"stream\": true, \"max_tokens\": 20, \"prompt\": \"Hello\"}"
          .formatted(Launch.MODEL_NAME);

  private static final int LEVELS = 10_000;
  private static final int LARGE = 300_000;
  private static final int LONG_HEADER = 30_000;
  private static final int MORE_THAN_IS_SENT = 5000;
  private static final int MOST_RANDOM_BYTES = 2000;
  private static final int GARBLED_CHARACTERS = 3;
  private static final String WRONG_CHARACTERS = "{}[]\",:0x";

  private static final String CHUNKED = "Transfer-Encoding: chunked\r\n";
  private static final String TOO_LARGE_BODY = "{\"prompt\": \"" + "x".repeat(5 << 20) + "\"}";
  private static final byte[] TOO_LARGE = bytes(post(TOO_LARGE_BODY));
  private static final byte[] TOO_LARGE_CHUNKED =
      bytes(request("POST", CHUNKED, chunk(TOO_LARGE_BODY) + chunk("")));

  private static final int ALL_WEIGHTS =
      Arrays.stream(HostileKind.values()).mapToInt(kind -> kind.weight).sum();

  private final SplittableRandom random;

  HostileRequests(SplittableRandom random) {
    this.random = random;
  }

  HostileRequest next() {
    return of(draw());
  }

  private HostileKind draw() {
    int left = random.nextInt(ALL_WEIGHTS);
    for (HostileKind kind : HostileKind.values()) {
      left -= kind.weight;
      if (left < 0) {
        return kind;
      }
    }
    throw new IllegalStateException("the weights add up to more than themselves");
  }

  HostileRequest of(HostileKind kind) {
    byte[] bytes =
        switch (kind) {
          case CUT_JSON -> bytes(post(VALID.substring(0, random.nextInt(VALID.length()))));
          case GARBLED_JSON -> bytes(post(garbled()));
          case RANDOM_BODY -> bytes(post(randomBytes(random.nextInt(MOST_RANDOM_BYTES))));
          case WRONG_TYPE -> bytes(post(VALID.replace("20", "\"twenty\"")));
          case NO_OBJECT -> bytes(post("[]"));
          case DEEP_JSON -> bytes(post("{\"prompt\": " + "[".repeat(LEVELS)));
          case INVALID_UTF8 -> bytes(post(VALID.replace("Hello", "\u00c3\u0028\u00ff")));
          case UNKNOWN_MODEL -> bytes(post(VALID.replace(Launch.MODEL_NAME, "no-such-model")));
          case TOO_LARGE -> TOO_LARGE;
          case TOO_LARGE_CHUNKED -> TOO_LARGE_CHUNKED;
          case MANY_VALUES -> bytes(post("{\"a\": [" + "{\"\":{}},".repeat(LARGE / 8) + "0]}"));
          case BROKEN_CHUNK -> bytes(request("POST", CHUNKED, "zz\r\nnot a chunk"));
          case IMPOSSIBLE_LENGTH -> bytes(request("POST", length("9".repeat(20)), ""));
          case LONG_HEADER ->
              bytes(request("POST", "X-Long: " + "x".repeat(LONG_HEADER) + "\r\n", VALID));
          case WRONG_METHOD -> bytes(request("GET", "", ""));
          case UNKNOWN_METHOD -> bytes(request("BREW", "", VALID));
          case MADE_UP_METHOD -> bytes(request("M" + random.nextInt(1 << 30), "", ""));
          case UNREAD ->
              bytes(
                  post("{\"prompt\": \"" + " ".repeat(LARGE) + "\"}")
                      .replace(CompletionStream.PATH, "/tokenize"));
          case WRONG_PATH -> bytes(post(VALID).replace(CompletionStream.PATH, "/v1/no-such-path"));
          case NO_HTTP -> bytes(randomBytes(300) + "\r\n\r\n");
          case CUT_HEAD, SLOW_HEAD ->
              bytes("POST " + CompletionStream.PATH + " HTTP/1.1\r\nHost: ");
          case CUT_BODY, SILENT_BODY, SLOW_BODY ->
              bytes(request("POST", length(MORE_THAN_IS_SENT), VALID));
          case RESET -> bytes(post(VALID));
        };
    return new HostileRequest(kind, bytes);
  }

  private static String post(String body) {
    return request("POST", length(body.length()), body);
  }

  private static String length(Object length) {
    return "Content-Length: " + length + "\r\n";
  }

  private static String request(String method, String headers, String body) {
    return "%s %s HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n%s\r\n%s"
        .formatted(method, CompletionStream.PATH, headers, body);
  }

  private static String chunk(String text) {
    return Integer.toHexString(text.length()) + "\r\n" + text + "\r\n";
  }

  /** A body of the wrong form, of the right characters; by chance it is a right one. */
  private String garbled() {
    var body = new StringBuilder(VALID);
    for (int i = 0; i < GARBLED_CHARACTERS; i++) {
      char wrong = WRONG_CHARACTERS.charAt(random.nextInt(WRONG_CHARACTERS.length()));
      body.setCharAt(random.nextInt(body.length()), wrong);
    }
    return body.insert(0, random.nextBoolean() ? "[" : "").toString();
  }

  private String randomBytes(int count) {
    var bytes = new byte[count];
    random.nextBytes(bytes);
    return new String(bytes, StandardCharsets.ISO_8859_1);
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }
}
