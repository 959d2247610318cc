package io.chasqui.engine;

import io.chasqui.UnseenText;
import io.chasqui.kernel.KvLayout;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * A program that sends many requests to an engine with little memory for keys and values, with
 * clients of every kind, and fails if one of them gets anything but a part of what the same request
 * gives alone, or if anything is left behind. It is a process of its own so that its resident
 * memory, its threads and its temporary directory are nobody else's.
 *
 * <p>Arguments: how keys and values are stored, the number of requests, a seed.
 */
final class Soak {
  private static final int POOL = 60;
  private static final int SLOTS = 24;
  private static final int IN_FLIGHT = 64;
  private static final int QUARTERS = 4;

  /** A leaked answer keeps some kilobytes, a leaked block four times as many. */
  private static final long HEAP_GROWTH = 1 << 20;

  /** What the JVM itself needs more of as it goes on compiling. */
  private static final long RESIDENT_GROWTH = 24 << 20;

  private final KvLayout.Type kvType;
  private final SplittableRandom random;
  private final ScheduledExecutorService clock = Executors.newScheduledThreadPool(2);
  private final Semaphore places = new Semaphore(IN_FLIGHT);
  private final AtomicInteger ends = new AtomicInteger();
  private final AtomicInteger preemptions = new AtomicInteger();
  private final AtomicInteger failures = new AtomicInteger();
  private int mostParked;
  private int submitted;

  private Soak(KvLayout.Type kvType, long seed) {
    this.kvType = kvType;
    random = new SplittableRandom(seed);
  }

  public static void main(String[] args) throws Exception {
    var soak = new Soak(KvLayout.Type.valueOf(args[0]), Long.parseLong(args[2]));
    try {
      soak.run(Integer.parseInt(args[1]));
    } catch (Throwable e) {
      e.printStackTrace();
      System.exit(1);
    }
    System.exit(0);
  }

  /** A request of the pool and what it gives alone. */
  private record Known(SoakRequest request, SoakReader alone, SoakReader all) {}

  private void run(int requests) throws Exception {
    List<Known> pool = pool();
    // For one in ten of those that run at once, or for the one whole context that there must be.
    int blocks = random.nextInt(2) == 0 ? SLOTS * SoakRequest.CONTEXT / 16 / 10 : 32;
    try (Engine engine = engine(OptionalLong.of(blocks * StepLoopTest.blockBytes(kvType)))) {
      Set<Path> files = Set.of();
      Set<String> threads = Set.of();
      long heap = 0;
      long resident = 0;
      for (int quarter = 1; quarter <= QUARTERS; quarter++) {
        send(engine, pool, requests / QUARTERS);
        requireIdle(engine);
        System.gc();
        if (quarter == 1) {
          files = temporaryFiles();
          threads = threads();
        } else if (quarter == 2) {
          heap = heap();
          resident = resident();
        }
      }
      System.out.printf(
          "%s, %d blocks: %d requests, %d preemptions, %d parked at most; heap %+d KiB, resident %+d KiB%n",
          kvType,
          blocks,
          submitted,
          preemptions.get(),
          mostParked,
          (heap() - heap) >> 10,
          (resident() - resident) >> 10);
      require(temporaryFiles().equals(files), "left files: " + temporaryFiles());
      require(threads().equals(threads), "threads: " + threads() + ", but once " + threads);
      require(heap() - heap < HEAP_GROWTH, "the heap has grown by " + (heap() - heap));
      require(
          resident() - resident < RESIDENT_GROWTH,
          "resident memory has grown by " + (resident() - resident));
      require(preemptions.get() > 0, "memory was never short");
      require(failures.get() == 0, failures + " answers or clients broke");
    }
  }

  private List<Known> pool() throws Exception {
    List<Known> pool = new ArrayList<>();
    List<UnseenText> texts = UnseenText.documents(60);
    try (Engine plenty = engine(OptionalLong.empty())) {
      while (pool.size() < POOL) {
        var request = SoakRequest.random(random, texts, plenty.tokenizer());
        SoakReader alone = alone(plenty, request.builder().build());
        pool.add(
            new Known(request, alone, request.isRanked() ? alone(plenty, request.all()) : alone));
      }
    }
    require(preemptions.get() == 0, "there was not plenty of memory");
    ends.set(0);
    return pool;
  }

  private static SoakReader alone(Engine engine, GenerationRequest request) throws Exception {
    var end = new Semaphore(0);
    var reader = new SoakReader(Long.MAX_VALUE, token -> {}, end::release);
    engine.submit(request).subscribe(reader);
    require(end.tryAcquire(60, TimeUnit.SECONDS), "a request alone did not end");
    require(reader.mistakes().isEmpty(), reader.mistakes().toString());
    return reader;
  }

  private enum Client {
    READS,
    READS_SLOWLY,
    CANCELS_AT_ONCE,
    CANCELS_AT_A_TOKEN,
    CANCELS_AT_A_MOMENT,
    LEAVES_AT_A_TOKEN,
    LEAVES_AT_A_MOMENT,
    NEVER_READS;

    /** One in ten reads slowly, three in ten do not read to the end. */
    static Client random(SplittableRandom random) {
      int of = random.nextInt(20);
      return of < 12
          ? READS
          : of < 14 ? READS_SLOWLY : values()[2 + random.nextInt(values().length - 2)];
    }

    boolean readsAll() {
      return this == READS || this == READS_SLOWLY;
    }

    boolean hearsTheEnd() {
      return this != LEAVES_AT_A_TOKEN && this != LEAVES_AT_A_MOMENT && this != NEVER_READS;
    }
  }

  /** One request that was sent, for what comes of it to be judged when all have ended. */
  private record Visit(Known known, Client client, GenerationRequest request, SoakReader reader) {
    @Override
    public String toString() {
      return "%s, prompt of %d, n %d of %d, beams %s, max_tokens %d, cache %s, speculation %s, timeout %s, finished %s"
          .formatted(
              client,
              request.promptLength(),
              request.choices(),
              request.computedChoices(),
              request.beams(),
              request.maxTokens(),
              request.cachesPrompt(),
              request.speculation(),
              request.timeout(),
              reader.finished());
    }
  }

  private void send(Engine engine, List<Known> pool, int count) throws InterruptedException {
    List<Visit> visits = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      if (!places.tryAcquire(60, TimeUnit.SECONDS)) {
        throw stuck(engine, visits);
      }
      visits.add(visit(engine, pool.get(random.nextInt(pool.size()))));
      mostParked = Math.max(mostParked, engine.parked());
    }
    long patience = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (!places.tryAcquire(IN_FLIGHT, 10, TimeUnit.MILLISECONDS)) {
      mostParked = Math.max(mostParked, engine.parked());
      if (System.nanoTime() > patience) {
        throw stuck(engine, visits);
      }
    }
    places.release(IN_FLIGHT);
    visits.forEach(Soak::judge);
  }

  private static AssertionError stuck(Engine engine, List<Visit> visits) {
    return new AssertionError(
        "no end of these, with %d running, %d waiting, %d parked and %s of the memory in use:%n%s"
            .formatted(
                engine.running(),
                engine.waiting(),
                engine.parked(),
                engine.kvUsage(),
                visits.stream()
                    .filter(visit -> visit.client.hearsTheEnd() && !visit.reader.isComplete())
                    .map(Visit::toString)
                    .collect(Collectors.joining("\n"))));
  }

  private Visit visit(Engine engine, Known known) {
    Client client = Client.random(random);
    Admitted admitted = admitted(engine, known);
    GenerationRequest request = admitted.request;
    Generation generation = admitted.generation;
    submitted++;
    int at = random.nextInt(4) == 0 ? 0 : random.nextInt(30);
    int micros = random.nextInt(40_000);
    Runnable end = places::release;
    var reader = new SoakReader[1];
    reader[0] =
        switch (client) {
          case READS, CANCELS_AT_ONCE, CANCELS_AT_A_MOMENT ->
              new SoakReader(Long.MAX_VALUE, token -> {}, end);
          case CANCELS_AT_A_TOKEN ->
              new SoakReader(
                  Long.MAX_VALUE,
                  token -> {
                    if (token == at) {
                      generation.cancel();
                    }
                  },
                  end);
          case READS_SLOWLY -> new SoakReader(1, token -> {}, end);
          case LEAVES_AT_A_TOKEN ->
              // Who has left hears of no end; one that comes before is for nobody.
              new SoakReader(
                  Long.MAX_VALUE,
                  token -> {
                    if (token == at) {
                      reader[0].subscription().cancel();
                      end.run();
                    }
                  },
                  end);
          case LEAVES_AT_A_MOMENT, NEVER_READS ->
              new SoakReader(random.nextInt(60), token -> {}, () -> {});
        };
    switch (client) {
      case CANCELS_AT_ONCE -> {
        generation.cancel();
        generation.subscribe(reader[0]);
      }
      case CANCELS_AT_A_MOMENT -> {
        generation.subscribe(reader[0]);
        after(micros, generation::cancel);
      }
      case LEAVES_AT_A_MOMENT -> {
        generation.subscribe(reader[0]);
        later(micros, () -> reader[0].subscription().cancel());
      }
      case NEVER_READS -> later(80L * micros, generation::cancel);
      case READS_SLOWLY -> {
        generation.subscribe(reader[0]);
        int pause = random.nextInt(2000);
        // Some begin so late that the engine has filled what it may compute ahead.
        after(80L * micros, () -> readOn(reader[0], pause));
      }
      case READS, CANCELS_AT_A_TOKEN, LEAVES_AT_A_TOKEN -> generation.subscribe(reader[0]);
    }
    return new Visit(known, client, request, reader[0]);
  }

  private record Admitted(GenerationRequest request, Generation generation) {}

  /** In other circumstances if there is no time for it in these. */
  private Admitted admitted(Engine engine, Known known) {
    while (true) {
      GenerationRequest request = circumstances(known.request);
      try {
        return new Admitted(request, engine.submit(request));
      } catch (AdmissionException e) {
        if (!e.code().equals("deadline_unreachable")) {
          throw e;
        }
      }
    }
  }

  /** Leaves and makes place for another. */
  private void later(long micros, Runnable leave) {
    after(
        micros,
        () -> {
          leave.run();
          places.release();
        });
  }

  private void after(long micros, Runnable action) {
    ScheduledFuture<?> _ =
        clock.schedule(
            () -> {
              try {
                action.run();
              } catch (Throwable e) {
                e.printStackTrace();
                failures.incrementAndGet();
              }
            },
            micros,
            TimeUnit.MICROSECONDS);
  }

  /** Asks for one event more, again and again. */
  private void readOn(SoakReader reader, int micros) {
    if (!reader.isComplete()) {
      reader.subscription().request(1);
      after(micros, () -> readOn(reader, micros));
    }
  }

  /** Nothing of this must be seen in the text. */
  private GenerationRequest circumstances(SoakRequest request) {
    GenerationRequest.Builder builder = request.builder();
    builder.priority(random.nextInt(8) == 0 ? random.nextInt(-2, 3) : 0);
    builder.cacheSalt(random.nextInt(8) == 0 ? 1 + random.nextInt(2) : 0);
    if (random.nextInt(6) == 0) {
      builder.withoutPromptCache();
    }
    if (random.nextInt(3) == 0) {
      builder.speculation(Speculation.PROMPT_LOOKUP);
    }
    if (random.nextInt(20) == 0) {
      builder.timeout(Duration.ofNanos(1 + random.nextInt(300_000_000)));
    }
    return builder.build();
  }

  private static void judge(Visit visit) {
    SoakReader reader = visit.reader;
    require(reader.mistakes().isEmpty(), reader.mistakes() + " of " + visit);
    if (visit.client.hearsTheEnd()) {
      require(reader.isComplete(), "no end of " + visit);
    }
    FinishReason reason =
        reader.finished().map(GenerationEvent.Finished::reason).orElse(FinishReason.CANCELLED);
    boolean isWhole = reason == FinishReason.STOP || reason == FinishReason.LENGTH;
    boolean mayBeCut =
        reason == FinishReason.DEADLINE
            ? visit.request.timeout().isPresent()
            : !visit.client.readsAll();
    require(isWhole || mayBeCut, "cut: " + visit);
    if (isWhole) {
      judgeWhole(visit);
    } else {
      judgePart(visit);
    }
    reader.finished().ifPresent(end -> judge(end.usage(), visit));
  }

  private static void judgeWhole(Visit visit) {
    SoakReader alone = visit.known.alone;
    requireEqual(alone.choices(), visit.reader.choices(), visit);
    requireEqual(alone.prompt(), visit.reader.prompt(), visit);
    GenerationEvent.Finished expected = alone.finished().orElseThrow();
    GenerationEvent.Finished actual = visit.reader.finished().orElseThrow();
    requireEqual(expected.usage().completionTokens(), actual.usage().completionTokens(), visit);
    if (visit.request.computedChoices() == 1) { // of several, another may end last
      requireEqual(expected.reason(), actual.reason(), visit);
    }
  }

  private static void judgePart(Visit visit) {
    List<List<SoakReader.Heard>> expected = visit.known.all.choices();
    List<List<SoakReader.Heard>> choices = visit.reader.choices();
    for (int i = 0; i < choices.size(); i++) {
      List<SoakReader.Heard> part = choices.get(i);
      Stream<List<SoakReader.Heard>> wholes =
          visit.known.request.isRanked() ? expected.stream() : Stream.of(expected.get(i));
      require(
          wholes.anyMatch(whole -> isBeginning(part, whole)),
          "%s is not the beginning of one of %s, in %s".formatted(part, expected, visit));
    }
    if (!visit.reader.prompt().isEmpty()) {
      requireEqual(visit.known.alone.prompt(), visit.reader.prompt(), visit);
    }
  }

  private static boolean isBeginning(List<SoakReader.Heard> part, List<SoakReader.Heard> whole) {
    return part.size() <= whole.size()
        && IntStream.range(0, part.size()).allMatch(i -> part.get(i).mayBe(whole.get(i)));
  }

  private static void judge(Usage usage, Visit visit) {
    GenerationRequest request = visit.request;
    requireEqual(request.promptLength(), usage.promptTokens(), visit);
    require(usage.cachedTokens() < usage.promptTokens(), usage + " of " + visit);
    require(
        usage.cachedTokens() == 0 || (request.cachesPrompt() && !request.promptLogprobs()),
        usage + " of " + visit);
    require(usage.acceptedTokens() <= usage.draftedTokens(), usage + " of " + visit);
    require(
        usage.draftedTokens() == 0
            || (request.speculation().isPresent() && request.beams().isEmpty()),
        usage + " of " + visit);
  }

  private void requireIdle(Engine engine) throws InterruptedException {
    long deadline = System.nanoTime() + 20_000_000_000L;
    while (engine.running() + engine.waiting() + engine.parked() > 0
        || engine.kvUsage() > 0
        || ends.get() < submitted) {
      require(
          System.nanoTime() < deadline,
          "not idle: %d running, %d waiting, %d parked, %s of the memory, %d ends of %d"
              .formatted(
                  engine.running(),
                  engine.waiting(),
                  engine.parked(),
                  engine.kvUsage(),
                  ends.get(),
                  submitted));
      Thread.sleep(2);
    }
    require(ends.get() == submitted, "%d ends of %d".formatted(ends.get(), submitted));
  }

  private Engine engine(OptionalLong memory) {
    return Engine.open(
        "demo",
        new EngineOptions(
            SoakRequest.CONTEXT,
            kvType,
            memory,
            OptionalInt.of(SLOTS),
            10 * IN_FLIGHT,
            Duration.ofMinutes(5),
            Speculation.OFF,
            new EngineListener() {
              @Override
              public void finished(GenerationEvent.Finished end) {
                ends.incrementAndGet();
              }

              @Override
              public void failed(Throwable cause) {
                cause.printStackTrace();
                failures.incrementAndGet();
              }

              @Override
              public void preempted() {
                preemptions.incrementAndGet();
              }
            }));
  }

  private static Set<Path> temporaryFiles() throws IOException {
    try (var files = Files.walk(Path.of(System.getProperty("java.io.tmpdir")))) {
      return files.collect(Collectors.toCollection(TreeSet::new));
    }
  }

  private static Set<String> threads() {
    return Thread.getAllStackTraces().keySet().stream()
        .map(thread -> thread.getName() + " " + thread.threadId())
        .collect(Collectors.toCollection(TreeSet::new));
  }

  private static long heap() {
    return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
  }

  /** Bytes of this process that are in memory; 0 where the system does not tell. */
  private static long resident() throws IOException {
    Path status = Path.of("/proc/self/status");
    if (!Files.exists(status)) {
      return 0;
    }
    return Files.readAllLines(status).stream()
        .filter(line -> line.startsWith("VmRSS:"))
        .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) << 10)
        .findFirst()
        .orElseThrow();
  }

  private static void requireEqual(Object expected, Object actual, Visit visit) {
    require(
        expected.equals(actual),
        "%s%n  instead of%n%s%n  in %s".formatted(actual, expected, visit));
  }

  private static void require(boolean condition, String otherwise) {
    if (!condition) {
      throw new AssertionError(otherwise);
    }
  }
}
