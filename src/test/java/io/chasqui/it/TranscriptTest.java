package io.chasqui.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.chasqui.it.Transcript.Exchange;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.opentest4j.AssertionFailedError;

/** What {@link ReadmeIT} reads, and what it accepts. */
class TranscriptTest {
  private static final String DOCUMENT =
      """
      ## Run it
      ```console
      $ not of this section
      ```
      ## Operate it
      ```sh
      no transcript
      ```
      ```console
      $ echo 1 > file
      $ A=file B_C=2 ./chasqui serve &
      $ curl a \\
          -d b
      one

      two
      $ curl c
      ```
      # a comment, or a heading
      ```console
      $ ./chasqui serve &
      ```
      ## Watch it
      ```console
      $ not of this section either
      ```
      """;

  private static void compare(String expected, String printed) {
    new Exchange("curl", expected.lines().toList()).requireOutput(printed);
  }

  private static void differ(String expected, String printed) {
    assertThrows(AssertionFailedError.class, () -> compare(expected, printed));
  }

  @Test
  void theTranscriptsOfASectionAreFound() {
    List<Transcript> found = Transcript.in(DOCUMENT, "Operate it");

    assertEquals(2, found.size());
    Transcript first = found.getFirst();
    assertEquals(9, first.line());
    assertEquals(List.of(new Exchange("echo 1 > file", List.of())), first.setup());
    assertEquals(Map.of("A", "file", "B_C", "2"), first.settings());
    assertEquals(
        List.of(
            new Exchange("curl a \\\n    -d b", List.of("one", "", "two")),
            new Exchange("curl c", List.of())),
        first.exchanges());
    assertEquals(new Transcript(20, List.of(), Map.of(), List.of()), found.getLast());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "## Operate it\n",
        "## Operate it\n```sh\ncurl\n```\n",
        "## Operate it\n```console\n$ curl a\n```\n",
        "## Operate it\n```console\none\n$ ./chasqui serve &\n```\n",
        "## Operate it\n```console\n$ ./chasqui serve\n```\n"
      })
  void aSectionWithoutATranscriptOrWithOneThatStartsNoServerIsRefused(String document) {
    assertThrows(IllegalArgumentException.class, () -> Transcript.in(document, "Operate it"));
  }

  @Test
  void whatIsPrintedMustBeTheSame() {
    compare("", "");
    compare("{\"a\": [1.5, \"\\\\E\"]}", "{\"a\": [1.5, \"\\\\E\"]}");
    compare("HTTP/1.1 200 OK\n\nbody", "HTTP/1.1 200 OK\r\n\r\nbody\n");
    compare("data: [DONE]", "data: [DONE]\n\n");
    differ("{\"a\":1}", "{\"a\":2}");
    differ("{\"a\":1}", "{\"a\":1}}");
    differ("{\"a\":1}", "{\"a\":1}\n{\"b\":1}");
    differ("one\ntwo", "one");
    differ("one", "");
    differ("", "one");
    differ("1.5", "1x5");
  }

  @Test
  void anElisionStandsForAnyPartOfALineOrForSomeLines() {
    compare("{\"a\":1,...,\"d\":4}", "{\"a\":1,\"b\":2,\"c\":3,\"d\":4}");
    compare("one\n...\nfour", "one\ntwo\nthree\nfour");
    compare("one\n...", "one\ntwo");
    differ("{\"a\":1,...,\"d\":4}", "{\"a\":1,\"b\":2,\"d\":5}");
    differ("{\"a\":1,...,\"d\":4}", "{\"a\":1,\n\"b\":2,\"d\":4}");
    differ("one\n...\nfour", "one\ntwo\nthree");
    differ("one\n...\nfour", "one\nfour\nfive");
  }

  @Test
  void whatAnotherRunPrintsOtherwiseMayDiffer() {
    compare("id: 6b07d92568abe6895ff96fc28801964b.0-1", "id: 00000000000000000000000000000000.0-1");
    compare(
        "X-Request-Id: 0b4f1f0e-6f0c-4a2e-9d4f-2f0a8c1d7e35",
        "X-Request-Id: 00000000-0000-0000-0000-000000000000");
    compare("{\"created\":1795676453,\"a\":1}", "{\"created\":1,\"a\":1}");
    compare("{\"limit\":100,\"heap\":50}", "{\"limit\":200,\"heap\":60}");
    compare("Retry-After: 60\ntry again in 60 seconds", "Retry-After: 59\ntry again in 5 seconds");
  }

  @Test
  void nothingElseMayDiffer() {
    differ("id: 6b07d92568abe6895ff96fc28801964b.0-1", "id: 6b07d92568abe6895ff96fc28801964b.0-2");
    differ("id: 6b07d92568abe6895ff96fc28801964b", "id: 6b07d92568abe6895ff96fc28801964");
    differ("{\"created\":1795676453,\"a\":1}", "{\"created\":1795676453,\"a\":2}");
    differ("{\"weights\":100}", "{\"weights\":200}");
    differ("Retry-After: 60", "Retry-After: soon");
  }
}
