package io.chasqui.ops;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.chasqui.Await;
import io.chasqui.LogLines;
import io.chasqui.ops.ColdStart.Phase;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.logging.Level;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ColdStartTest {
  private final MeterRegistry registry = new SimpleMeterRegistry();
  private final ColdStart coldStart = new ColdStart(registry);

  @Test
  void aPhaseEndsOnce() {
    Duration before = coldStart.now();
    coldStart.ended(Phase.LOAD);
    Duration end = coldStart.end(Phase.LOAD).await().indefinitely();
    coldStart.ended(Phase.LOAD);

    assertEquals(end, coldStart.end(Phase.LOAD).await().indefinitely());
    assertTrue(end.compareTo(before) >= 0 && end.compareTo(coldStart.now()) <= 0, end.toString());
    var timer = registry.get("chasqui_cold_start_seconds").tag("phase", "load").timer();
    assertEquals(1, timer.count());
    assertEquals((double) end.toNanos(), timer.totalTime(TimeUnit.NANOSECONDS));
    assertFalse(coldStart.hasEnded(Phase.READY));
  }

  @Test
  void timingsHaveTheOrderOfThePhasesAndTheSyntaxOfTheHeader() {
    coldStart.ended(Phase.READY);
    coldStart.ended(Phase.LISTEN);

    String all = coldStart.serverTiming(coldStart.ended());
    assertTrue(
        all.matches("(runtime;dur=\\d+\\.\\d, )?listen;dur=\\d+\\.\\d, ready;dur=\\d+\\.\\d"), all);
    String ready = coldStart.serverTiming(EnumSet.of(Phase.READY));
    assertTrue(all.endsWith(", " + ready), all + " / " + ready);
  }

  @Test
  void mainIsEnteredOnceTheRuntimeIsThere() {
    ProcessClock.mainEntered();

    var started = new ColdStart(registry);
    Duration main = started.end(Phase.RUNTIME).await().indefinitely();
    assertTrue(main.isPositive() && main.compareTo(started.now()) <= 0, main.toString());
  }

  @Test
  void ofAllThatAskAtOnceOneIsFirst() {
    long first = IntStream.range(0, 1000).parallel().filter(i -> coldStart.isFirstAnswer()).count();

    assertEquals(1, first);
  }

  @Test
  void theLogTellsThePhasesAndTheKernelsInOneLineAndTheMemoryInAnother() {
    var log = new LogLines(ServedModel.class);
    try (var model = new LentModel("demo", 1, Duration.ofSeconds(30))) {
      model.letLoad();
      String kernels = model.engine().model().kernels();
      Await.until("it is logged", () -> log.at(Level.INFO).size() >= 2);

      List<String> lines = log.at(Level.INFO);
      assertEquals(2, lines.size(), lines.toString());
      assertTrue(
          lines.get(1).matches("Memory: weights \\d+ MiB, heap .*; 1 sequences run at once"),
          lines.get(1));
      String line = lines.getFirst();
      assertTrue(line.startsWith("Model demo is ready: "), line);
      assertTrue(line.contains("kernels " + kernels), line);
      assertTrue(line.matches(".*listen \\d+ ms, load \\d+ ms, ready \\d+ ms.*"), line);
    } finally {
      log.close();
    }
  }
}
