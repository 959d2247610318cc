package io.chasqui.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpRequestDecoder;
import io.netty.util.ReferenceCountUtil;
import java.nio.charset.StandardCharsets;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RequestHeadTest {
  private static HttpRequest decoded(String head) {
    var channel = new EmbeddedChannel(new HttpRequestDecoder());
    try {
      channel.writeInbound(Unpooled.copiedBuffer(head, StandardCharsets.ISO_8859_1));
      return channel.readInbound();
    } finally {
      channel.finishAndReleaseAll();
    }
  }

  private static HttpRequest get(String headers) {
    return decoded("GET /v1/models HTTP/1.1\r\nHost: test\r\n" + headers + "\r\n");
  }

  private static String fields(int count) {
    return IntStream.range(0, count)
        .mapToObj("X-%d: a\r\n"::formatted)
        .collect(Collectors.joining());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "Transfer-Encoding: chunked\r\n",
        "Transfer-Encoding: Chunked \r\n",
        "Content-Length: 5\r\n",
        "Expect: 100-Continue\r\n"
      })
  void aHeadAsClientsSendItIsTaken(String headers) {
    HttpRequest head = get(headers + fields(98));
    try {
      assertFalse(RequestHead.isRefused(head));
      assertTrue(head.headers().size() >= 99);
    } finally {
      ReferenceCountUtil.release(head);
    }
  }

  @Test
  void noConnectionChangesToAnotherProtocol() {
    HttpRequest head = get("Upgrade: h2c\r\nUpgrade: websocket\r\n");

    assertFalse(RequestHead.isRefused(head));
    assertFalse(head.headers().contains("Upgrade"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: identity\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: chunked, chunked\r\n",
        "Transfer-Encoding:\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\nTransfer-Encoding: identity\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: +5\r\n",
        "Host: other\r\n",
        "Expect: 200-ok\r\n",
        "Name with blanks: a\r\n"
      })
  void aHeadThatIsNotClearIsRefusedAndForgotten(String headers) {
    requireForgotten(get(headers + "X-Request-Id: abc\r\n"), 3);
  }

  @Test
  void soIsOneOfManyFields() {
    requireForgotten(get(fields(100)), 2);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "GET /v1/estimate?context=%zz HTTP/1.1",
        "GET /v1/models/% HTTP/1.1",
        "GET /v1/models/a|b HTTP/1.1",
        "GET // HTTP/1.1",
        "GET / HTTP/1.2",
        "GET / HTTP/2.0",
        "GET / nonsense",
        "GET /",
        "nonsense"
      })
  void soIsOneOfAnotherProtocolOrWithAPathThatIsNone(String line) {
    requireForgotten(decoded(line + "\r\nHost: test\r\n\r\n"), 2);
  }

  /**
   * @param most fields that are left: the host, the end of the connection, and an id if it had one
   */
  private static void requireForgotten(HttpRequest head, int most) {
    try {
      assertTrue(RequestHead.isRefused(head));
      assertTrue(head.headers().size() <= most, head::toString);
      assertEquals("close", head.headers().get("Connection"));
      assertTrue(head.decoderResult().isSuccess(), "Vert.x would answer by itself");
    } finally {
      ReferenceCountUtil.release(head);
    }
  }
}
