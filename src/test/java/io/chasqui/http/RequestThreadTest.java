package io.chasqui.http;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import jakarta.ws.rs.container.ContainerRequestContext;
import jakarta.ws.rs.container.ContainerResponseContext;
import java.net.URI;
import java.net.http.HttpRequest;
import org.jboss.resteasy.reactive.server.ServerRequestFilter;
import org.jboss.resteasy.reactive.server.ServerResponseFilter;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The threads on which the framework serves requests. Where it serves one on a worker thread, it
 * changes the request's state on two threads when the client leaves.
 */
@QuarkusTest
class RequestThreadTest {
  /** In a request, to ask for it; in the response, the threads of both. */
  private static final String THREADS = "X-Test-Threads";

  /** The framework has a way of its own with bodies that are longer than 10 KB. */
  private static final String LONG = " ".repeat(20_000);

  @TestHTTPResource("/")
  URI server;

  /** Tells the threads to a request that asks. */
  public static final class Teller {
    @ServerRequestFilter
    public void began(ContainerRequestContext request) {
      request.setProperty(THREADS, Thread.currentThread().getName());
    }

    @ServerResponseFilter
    public void answers(ContainerRequestContext request, ContainerResponseContext response) {
      if (request.getHeaderString(THREADS) != null) {
        String threads = request.getProperty(THREADS) + " " + Thread.currentThread().getName();
        response.getHeaders().add(THREADS, threads);
      }
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "/v1/models|",
        "/v1/estimate|",
        "/metrics|",
        "/tokenize|{'prompt': 'Hello'}",
        "/tokenize|no JSON",
        "/detokenize|{'tokens': [1, 2]}",
        "/v1/completions|{'model': 'demo', 'prompt': 'Hello', 'max_tokens': 2}",
        "/v1/completions|{'model': 'demo', 'prompt': 'Hello', 'max_tokens': 2, 'stream': true}",
        "/v1/completions|{'model': 'demo', 'prompt': 7}",
        "/v1/chat/completions|{'model': 'demo', 'messages': [{'role': 'user', 'content': 'Hi'}]}",
        "/v1/chat/completions|{'model': 'other', 'messages': [{'role': 'user', 'content': 'Hi'}]}",
      },
      quoteCharacter = '\0')
  void aRequestBeginsAndIsAnsweredOnAnEventLoop(String path, String body) {
    HttpRequest.Builder request = Api.request(server, path).header(THREADS, "which?");
    if (body != null) {
      request
          .header("Content-Type", "application/json")
          .POST(HttpRequest.BodyPublishers.ofString(body.replace('\'', '"') + LONG));
    }
    String threads = Api.send(request).headers().firstValue(THREADS).orElseThrow();

    assertTrue(
        threads.matches("vert\\.x-eventloop-thread-\\d+ vert\\.x-eventloop-thread-\\d+"), threads);
  }
}
