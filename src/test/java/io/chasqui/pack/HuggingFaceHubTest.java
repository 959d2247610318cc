package io.chasqui.pack;

import static io.chasqui.pack.FakeHub.COMMIT;
import static io.chasqui.pack.FakeHub.MODEL;
import static io.chasqui.pack.FakeHub.breakAfter;
import static io.chasqui.pack.FakeHub.sha256;
import static io.chasqui.pack.FakeHub.status;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpHandler;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpHeaders;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class HuggingFaceHubTest {
  private static final String WEIGHTS = SafetensorsFiles.SINGLE;
  private static final String TOKEN = "hf_secret";

  @TempDir Path cache;
  private final List<Duration> pauses = new ArrayList<>();
  private final Recorder recorder = new Recorder();
  private FakeHub server;

  @BeforeEach
  void start() throws IOException {
    server = FakeHub.withModel();
  }

  @AfterEach
  void stop() {
    server.close();
  }

  @Test
  void settingsAreDownloadedWithoutTheWeightsAndOnlyOnce() throws IOException {
    ModelDirectory settings = hub(server).fetchSettings(MODEL);

    assertEquals(Set.of("config.json", "tokenizer.json"), names(settings.directory()));
    fetch();
    for (String file : List.of("config.json", "tokenizer.json", WEIGHTS)) {
      long asked =
          server.requests.stream().filter(request -> request.path().endsWith(file)).count();
      assertEquals(1, asked, file);
    }
    assertEquals(fetch().directory(), hub(server).fetchSettings(MODEL).directory());
  }

  @Test
  void aModelIsDownloadedWithTheFilesThatAreNeededAndNoOthers() throws IOException {
    server.files.put("README.md", new byte[10]);
    server.files.put("pytorch_model.bin", new byte[10]);
    server.files.put("consolidated.safetensors", new byte[10]);
    server.files.put("chat_template.jinja", "{{ messages }}".getBytes(StandardCharsets.UTF_8));
    server.alsoListed.add("onnx/model.onnx");

    ModelDirectory model = fetch();

    assertEquals("acme/tiny", model.name());
    assertEquals(cache.resolve("models/acme--tiny/" + COMMIT), model.directory());
    assertEquals(
        Set.of("config.json", "tokenizer.json", "chat_template.jinja", WEIGHTS),
        names(model.directory()));
    assertArrayEquals(server.weights(), model.require(WEIGHTS));
    assertEquals(Set.of(".lock", "refs", COMMIT), names(cache.resolve("models/acme--tiny")));
    assertEquals(List.of(), pauses);
  }

  @Test
  void progressReachesTheTotal() {
    fetch();

    long small =
        (long) server.files.get("config.json").length + server.files.get("tokenizer.json").length;
    assertEquals(
        List.of(
            "acme/tiny settings and tokenizer: %d of %d".formatted(small, small),
            "acme/tiny weights: %d of %d"
                .formatted(server.weights().length, server.weights().length)),
        recorder.finished);
  }

  @Test
  void aCompleteModelNeedsNoNetwork() {
    Path downloaded = fetch().directory();
    server.close();

    assertEquals(downloaded, fetch().directory());
    assertEquals(downloaded, hub(server).fetch(new HubModel("acme", "tiny", COMMIT)).directory());
  }

  @Test
  void anotherRevisionOfTheSameCommitIsNotDownloadedAgain() {
    fetch();
    hub(server).fetch(new HubModel("acme", "tiny", "refs/pr/1"));

    assertEquals(1, server.requestsFor(WEIGHTS).size());
    assertTrue(
        server.requests.getLast().path().endsWith("/revision/refs%2Fpr%2F1"),
        server.requests.getLast().path());
  }

  @Test
  void aBrokenDownloadIsContinued() {
    server.nextTime(WEIGHTS, breakAfter(server.weights(), 300_000, recorder.reached(100_000)));

    assertArrayEquals(server.weights(), fetch().require(WEIGHTS));
    assertContinued(server.requestsFor(WEIGHTS));
    assertEquals(List.of(Duration.ofSeconds(1)), pauses);
  }

  @Test
  void aDownloadThatWasGivenUpIsContinuedByTheNextOne() {
    server.nextTime(WEIGHTS, breakAfter(server.weights(), 300_000, recorder.reached(100_000)));
    server.nextTime(WEIGHTS, status(404));
    assertThrows(DownloadException.class, this::fetch);
    assertEquals(
        Set.of("refs", ".lock", COMMIT + ".partial"), names(cache.resolve("models/acme--tiny")));

    assertArrayEquals(server.weights(), fetch().require(WEIGHTS));
    assertContinued(server.requestsFor(WEIGHTS));
    assertEquals(1, server.requestsFor("config.json").size());
    assertTrue(
        recorder
            .finished
            .getLast()
            .endsWith(": %d of %d".formatted(server.weights().length, server.weights().length)),
        recorder.finished.getLast());
  }

  @Test
  void aServerThatFallsSilentIsAskedAgain() {
    CountDownLatch end = new CountDownLatch(1);
    server.nextTime(WEIGHTS, breakAfter(server.weights(), 300_000, end::await));

    ModelDirectory model = hub(server, cache, Duration.ofSeconds(1)).fetch(MODEL);

    end.countDown();
    assertArrayEquals(server.weights(), model.require(WEIGHTS));
    assertContinued(server.requestsFor(WEIGHTS));
  }

  @Test
  void aFileThatChangedMeanwhileStartsAgain() {
    byte[] old = server.weights().clone();
    old[400_000]++;
    old[0]++;
    server.listedSha256.clear();
    server.nextTime(WEIGHTS, breakAfter(old, 300_000, recorder.reached(100_000)));

    assertArrayEquals(server.weights(), fetch().require(WEIGHTS));
    assertEquals(Optional.of(FakeHub.etag(old)), server.requestsFor(WEIGHTS).getLast().ifRange());
    assertTrue(
        recorder
            .finished
            .getLast()
            .endsWith(": %d of %d".formatted(server.weights().length, server.weights().length)),
        recorder.finished.getLast());
  }

  @Test
  void aServerThatIgnoresRangesStartsAgain() {
    server.knowsRanges = false;
    server.nextTime(WEIGHTS, breakAfter(server.weights(), 300_000, recorder.reached(100_000)));

    assertArrayEquals(server.weights(), fetch().require(WEIGHTS));
    assertTrue(server.requestsFor(WEIGHTS).getLast().range().isPresent());
  }

  @Test
  void aFinishedPartIsCheckedAndKept() throws IOException {
    leavePart(server.weights(), FakeHub.etag(server.weights()));

    assertArrayEquals(server.weights(), fetch().require(WEIGHTS));
    assertEquals(1, server.requestsFor(WEIGHTS).size());
    assertEquals(List.of(), pauses);
  }

  @Test
  void aPartThatIsTooLongStartsAgain() throws IOException {
    leavePart(new byte[server.weights().length + 1], FakeHub.etag(server.weights()));

    assertArrayEquals(server.weights(), fetch().require(WEIGHTS));
    assertEquals(2, server.requestsFor(WEIGHTS).size());
  }

  @Test
  void aPartWithOtherBytesStartsAgain() throws IOException {
    leavePart(new byte[1000], FakeHub.etag(server.weights()));

    assertArrayEquals(server.weights(), fetch().require(WEIGHTS));
    assertEquals(2, server.requestsFor(WEIGHTS).size());
  }

  @Test
  void aPartThatNothingVouchesForStartsAgain() throws IOException {
    server.listedSha256.clear();
    leavePart(new byte[1000], "W/\"weak\"");

    assertArrayEquals(server.weights(), fetch().require(WEIGHTS));
    assertEquals(Optional.empty(), server.requestsFor(WEIGHTS).getLast().range());
  }

  @Test
  void anotherSha256ThanListedIsRefused() {
    server.listedSha256.put(WEIGHTS, sha256(new byte[0]));

    assertRefused("another SHA-256");
    assertEquals(
        Set.of("config.json", "tokenizer.json"),
        names(cache.resolve("models/acme--tiny/" + COMMIT + ".partial")));
  }

  @Test
  void anotherSha256ThanInTheHubsHeaderIsRefused() {
    server.listedSha256.clear();
    server.nextTime(
        WEIGHTS,
        exchange -> {
          exchange.getResponseHeaders().add("X-Linked-Etag", "\"" + sha256(new byte[0]) + "\"");
          server.serve(exchange, server.weights());
        });

    assertRefused("another SHA-256");
  }

  @Test
  void anotherLengthThanListedIsRefused() {
    server.nextTime(WEIGHTS, exchange -> server.serve(exchange, new byte[17]));

    assertRefused("should have " + server.weights().length + " bytes, but the server sends 17");
  }

  @Test
  void aBodyWithoutEndIsCutOff() {
    server.nextTime(
        WEIGHTS,
        exchange -> {
          exchange.sendResponseHeaders(200, 0);
          exchange.getResponseBody().write(server.weights());
          exchange.getResponseBody().write(server.weights());
          exchange.close();
        });

    assertRefused("sends more");
  }

  @Test
  void sizesNeedNotBeListed() {
    server.listsSizes = false;

    assertArrayEquals(server.weights(), fetch().require(WEIGHTS));
  }

  @Test
  void theTokenGoesToTheHubAndToNoOtherHost() throws IOException {
    try (FakeHub cdn = new FakeHub()) {
      cdn.files.put("blob", server.weights());
      server.nextTime(
          WEIGHTS,
          status(
              302,
              "Location",
              cdn.endpoint() + "/blob?signature=x",
              "X-Linked-Etag",
              "\"" + sha256(server.weights()) + "\""));

      assertArrayEquals(server.weights(), fetch().require(WEIGHTS));

      assertEquals(1, cdn.requests.size());
      assertEquals(Optional.empty(), cdn.requests.getFirst().token());
      assertFalse(server.requests.isEmpty());
      for (FakeHub.Request request : server.requests) {
        assertEquals(Optional.of("Bearer " + TOKEN), request.token());
      }
    }
  }

  @Test
  void aRedirectedDownloadIsContinuedAtItsTarget() throws IOException {
    try (FakeHub cdn = new FakeHub()) {
      cdn.files.put("blob", server.weights());
      server.nextTime(WEIGHTS, breakAfter(server.weights(), 300_000, recorder.reached(100_000)));
      server.nextTime(WEIGHTS, status(302, "Location", cdn.endpoint() + "/blob"));

      assertArrayEquals(server.weights(), fetch().require(WEIGHTS));
      assertTrue(cdn.requests.getFirst().range().isPresent());
    }
  }

  @Test
  void aRenamedModelIsFollowed() {
    server.nextTime("", status(307, "Location", "/api/models/acme/tiny/revision/" + COMMIT));

    assertArrayEquals(server.weights(), fetch().require(WEIGHTS));
  }

  @ParameterizedTest
  @ValueSource(strings = {"file:///etc/passwd", "ftp://127.0.0.1/x", "http:///x", "", "http://["})
  void aRedirectToAnythingElseIsRefused(String location) {
    server.nextTime(WEIGHTS, status(302, "Location", location));

    assertRefused("redirects to");
  }

  @Test
  void aRedirectFromHttpsToHttpIsRefused() {
    var headers =
        HttpHeaders.of(Map.of("Location", List.of("http://cdn.example/x")), (_, _) -> true);

    assertThrows(
        DownloadException.class,
        () -> HubClient.target(URI.create("https://hub.example"), headers));
  }

  @Test
  void redirectsWithoutEndAreRefused() {
    for (int i = 0; i < 11; i++) {
      server.nextTime("", status(302, "Location", "/api/models/acme/tiny/revision/main"));
    }

    assertRefused("redirects without end");
  }

  @ParameterizedTest
  @CsvSource({
    "401, set HF_TOKEN to a token that may read acme/tiny",
    "403, accept its terms at",
    "404, Unknown model or revision: acme/tiny at revision main",
    "418, answered 418"
  })
  void aRefusalSaysWhatToDo(int status, String sentence) {
    server.nextTime("", status(status));

    String message = assertRefused(sentence);
    assertFalse(message.contains(TOKEN), message);
    assertEquals(List.of(), pauses);
  }

  @Test
  void aBusyServerIsAskedAgainWhenItSaid() {
    server.nextTime("", status(429, "Retry-After", "7"));
    server.nextTime("config.json", status(503));

    assertArrayEquals(server.weights(), fetch().require(WEIGHTS));
    assertEquals(List.of(Duration.ofSeconds(7), Duration.ofSeconds(1)), pauses);
  }

  @Test
  void aServerThatStaysBusyIsGivenUp() {
    for (int i = 0; i < 5; i++) {
      server.nextTime("", status(503));
    }

    assertRefused("answered 503");
    assertEquals(Stream.of(1, 2, 4, 8).map(Duration::ofSeconds).toList(), pauses);
  }

  @Test
  void aServerThatWantsAnHourIsGivenUp() {
    server.nextTime("", status(429, "Retry-After", "3600"));

    assertRefused("answered 429");
    assertEquals(List.of(), pauses);
  }

  @Test
  void aDateToComeBackAtIsUnderstood() {
    Instant now = Instant.parse("2015-10-21T07:27:00Z");

    assertEquals(
        Optional.of(Duration.ofMinutes(1)), retryAfter("Wed, 21 Oct 2015 07:28:00 GMT", now));
    assertEquals(Optional.of(Duration.ZERO), retryAfter("Wed, 21 Oct 2015 07:26:00 GMT", now));
    assertEquals(Optional.empty(), retryAfter("soon", now));
  }

  private static Optional<Duration> retryAfter(String value, Instant now) {
    return HubClient.retryAfter(
        HttpHeaders.of(Map.of("Retry-After", List.of(value)), (_, _) -> true), now);
  }

  @Test
  void aModelThatTheDiskCannotHoldIsNotBegun() {
    server.nextTime(
        "",
        answer(
            """
            {"sha":"%s","siblings":[{"rfilename":"config.json"},{"rfilename":"tokenizer.json"},
            {"rfilename":"model.safetensors","size":900000000000000000}]}\
            """
                .formatted(COMMIT)));

    assertRefused("acme/tiny needs 900 PB more");
    assertEquals(List.of(), server.requestsFor(WEIGHTS));
  }

  @Test
  void aFullDiskIsSaidToBeFull() {
    String message =
        HuggingFaceHub.disk(cache, new IOException("No space left on device")).getMessage();

    assertTrue(message.startsWith("The disk is full: make room in " + cache), message);
  }

  @Test
  void aCacheThatCannotBeWrittenIsNamed() throws IOException {
    Files.writeString(cache.resolve("models"), "a file");

    assertRefused("cannot be used as a cache");
  }

  @Test
  void withoutNetworkTheErrorSaysSo() {
    server.close();

    assertRefused("cannot be reached: check the network");
    assertEquals(List.of(), pauses);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "../x.safetensors",
        "a/../../x",
        "/etc/x.safetensors",
        "..\\x.safetensors",
        "C:x.safetensors",
        "a\u0000.safetensors",
        ".."
      })
  void aNameThatLeadsOutOfTheDirectoryIsRefused(String name) {
    server.alsoListed.add(name);

    assertRefused("leads out of its directory");
    assertEquals(Set.of(".lock", "refs"), names(cache.resolve("models/acme--tiny")));
  }

  @Test
  void aCommitThatIsAPathIsRefused() {
    server.nextTime("", answer("{\"sha\":\"../../x\",\"siblings\":[]}"));

    assertRefused("names no commit");
  }

  @Test
  void anAnswerThatIsNotJsonIsRefused() {
    server.nextTime("", answer("<html>log in</html>"));

    assertRefused("is not JSON");
  }

  @Test
  void aRepositoryWithOtherWeightsOnlyIsRefused() {
    server.files.remove(WEIGHTS);
    server.alsoListed.add("tiny-Q4_K_M.gguf");

    assertRefused("has no weights as model.safetensors, only as GGUF");
    assertEquals(1, server.requests.size());
  }

  @Test
  void aRepositoryWithoutTokenizerIsRefused() {
    server.files.remove("tokenizer.json");

    assertRefused("has no tokenizer.json");
  }

  @Test
  void theShardsThatTheIndexNamesAreDownloaded() {
    server.files.put("one.safetensors", server.weights());
    server.files.put("two.safetensors", server.weights());
    server.files.put(
        SafetensorsFiles.INDEX,
        "{\"weight_map\":{\"a\":\"one.safetensors\",\"b\":\"two.safetensors\",\"c\":\"two.safetensors\"}}"
            .getBytes(StandardCharsets.UTF_8));

    assertEquals(
        Set.of(
            "config.json",
            "tokenizer.json",
            SafetensorsFiles.INDEX,
            "one.safetensors",
            "two.safetensors"),
        names(fetch().directory()));
  }

  @Test
  void anIndexThatNamesAFileElsewhereIsRefused() {
    server.files.put(
        SafetensorsFiles.INDEX,
        "{\"weight_map\":{\"a\":\"../../../x.safetensors\"}}".getBytes(StandardCharsets.UTF_8));

    assertThrows(ModelFormatException.class, this::fetch);
  }

  @Test
  void twoThreadsDownloadOnce() throws Exception {
    try (ExecutorService threads = Executors.newFixedThreadPool(2)) {
      Callable<Path> fetch =
          () ->
              new HuggingFaceHub(server.endpoint(), Optional.empty(), cache, Progress.NONE)
                  .fetch(MODEL)
                  .directory();
      for (Future<Path> directory : threads.invokeAll(List.of(fetch, fetch))) {
        assertArrayEquals(server.weights(), Files.readAllBytes(directory.get().resolve(WEIGHTS)));
      }
    }
    assertEquals(1, server.requestsFor(WEIGHTS).size());
  }

  @Test
  void twoProcessesDownloadOnce() throws Exception {
    CountDownLatch oneWaits = new CountDownLatch(1);
    server.nextTime(
        WEIGHTS,
        exchange -> {
          try {
            oneWaits.await();
          } catch (InterruptedException e) {
            throw new IOException(e);
          }
          server.serve(exchange, server.weights());
        });
    Process first = otherProcess();
    Process second = otherProcess();
    // One holds the lock and waits for the weights; the other says that it waits for the lock.
    try (var one = first.inputReader();
        var two = second.inputReader()) {
      Thread reader = Thread.ofVirtual().start(() -> awaitWaiting(one, oneWaits));
      awaitWaiting(two, oneWaits);
      reader.join();
    }
    assertTrue(first.waitFor(60, TimeUnit.SECONDS) && second.waitFor(60, TimeUnit.SECONDS));
    assertEquals(0, first.exitValue());
    assertEquals(0, second.exitValue());
    assertEquals(1, server.requestsFor(WEIGHTS).size());
    assertArrayEquals(
        server.weights(),
        Files.readAllBytes(cache.resolve("models/acme--tiny/" + COMMIT + "/" + WEIGHTS)));
  }

  private static void awaitWaiting(BufferedReader output, CountDownLatch waiting) {
    output
        .lines()
        .filter(line -> line.contains("waiting for another process"))
        .forEach(_ -> waiting.countDown());
  }

  private Process otherProcess() throws IOException {
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-cp",
            System.getProperty("java.class.path"),
            OtherProcess.class.getName(),
            server.endpoint().toString(),
            cache.toString())
        .redirectErrorStream(true)
        .start();
  }

  /** Downloads the model and says what it does. */
  static final class OtherProcess {
    private OtherProcess() {}

    public static void main(String[] arguments) {
      HuggingFaceHub hub =
          new HuggingFaceHub(
              URI.create(arguments[0]),
              Optional.empty(),
              Path.of(arguments[1]),
              new ProgressBar(System.out, false, System::nanoTime));
      System.out.println(hub.fetch(MODEL));
    }
  }

  @Test
  void theEnvironmentNamesHubTokenAndCache() {
    HuggingFaceHub hub =
        HuggingFaceHub.fromEnvironment(
            Map.of(
                "HF_ENDPOINT", server.endpoint() + "/",
                "HF_TOKEN", TOKEN + "\n",
                "XDG_CACHE_HOME", cache.toString()),
            Progress.NONE);

    assertEquals(
        cache.resolve("chasqui/models/acme--tiny/" + COMMIT), hub.fetch(MODEL).directory());
    assertEquals(Optional.of("Bearer " + TOKEN), server.requests.getFirst().token());
  }

  @ParameterizedTest
  @ValueSource(strings = {"huggingface.co", "ftp://hub.example", "http://", "https://h/?a=b"})
  void anEndpointThatIsNoAddressIsRefused(String endpoint) {
    assertThrows(
        IllegalArgumentException.class,
        () -> HuggingFaceHub.fromEnvironment(Map.of("HF_ENDPOINT", endpoint), Progress.NONE));
  }

  private ModelDirectory fetch() {
    return hub(server).fetch(MODEL);
  }

  private HuggingFaceHub hub(FakeHub at) {
    return hub(at, cache, Duration.ofSeconds(30));
  }

  private HuggingFaceHub hub(FakeHub at, Path directory, Duration patience) {
    return new HuggingFaceHub(
        at.endpoint(), Optional.of(TOKEN), directory, recorder, pauses::add, patience);
  }

  private String assertRefused(String part) {
    String message = assertThrows(DownloadException.class, this::fetch).getMessage();
    assertTrue(message.contains(part), message);
    assertFalse(Files.exists(cache.resolve("models/acme--tiny/" + COMMIT)));
    return message;
  }

  private void assertContinued(List<FakeHub.Request> requests) {
    assertEquals(Optional.empty(), requests.getFirst().range());
    String range = requests.getLast().range().orElseThrow();
    long from = Long.parseLong(range.replaceAll("bytes=(\\d+)-", "$1"));
    assertTrue(from >= 100_000 && from <= 300_000, range);
    assertEquals(Optional.of(FakeHub.etag(server.weights())), requests.getLast().ifRange());
  }

  private void leavePart(byte[] contents, String etag) throws IOException {
    Path partial =
        Files.createDirectories(cache.resolve("models/acme--tiny/" + COMMIT + ".partial"));
    Files.write(partial.resolve(WEIGHTS + ".part"), contents);
    Files.writeString(partial.resolve(WEIGHTS + ".part.etag"), etag);
  }

  private static HttpHandler answer(String body) {
    byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
    return exchange -> {
      exchange.sendResponseHeaders(200, bytes.length);
      exchange.getResponseBody().write(bytes);
      exchange.close();
    };
  }

  private static Set<String> names(Path directory) {
    try (Stream<Path> files = Files.list(directory)) {
      return files.map(file -> file.getFileName().toString()).collect(Collectors.toSet());
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  /** Remembers how far each thing came, and lets a server wait for it. */
  private static final class Recorder implements Progress {
    final List<String> finished = new ArrayList<>();
    private String what;
    private long total;
    private long present;

    @Override
    public synchronized void start(String what, long totalBytes, long presentBytes) {
      this.what = what;
      total = totalBytes;
      present = presentBytes;
    }

    @Override
    public synchronized void advance(long bytes) {
      present += bytes;
      notifyAll();
    }

    @Override
    public synchronized void done() {
      finished.add("%s: %d of %d".formatted(what, present, total));
    }

    FakeHub.Wait reached(long bytes) {
      return () -> {
        synchronized (this) {
          while (present < bytes) {
            wait();
          }
        }
      };
    }
  }
}
