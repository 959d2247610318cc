package io.chasqui.benchmark.energy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.chasqui.benchmark.results.Environment;
import io.chasqui.benchmark.results.Measurement;
import io.chasqui.benchmark.results.Results;
import io.chasqui.benchmark.results.Subject;
import io.chasqui.benchmark.servers.CompletionStream;
import io.chasqui.benchmark.servers.FakeServer;
import io.chasqui.benchmark.servers.Server;
import io.chasqui.benchmark.streams.StreamMeter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.OptionalDouble;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Measured is the fake server. */
class EnergyMeterTest {
  private static final double SHORT = 0.05;

  @TempDir static Path directory;
  private static Server server;

  @BeforeAll
  static void startServer() throws Exception {
    server = new Server(FakeServer.launch(directory.resolve("server.log")));
    server.awaitPort();
    server.awaitFirstToken(CompletionStream.request(8, 100));
  }

  @AfterAll
  static void endServer() {
    server.close();
  }

  private static Rapl none() throws IOException {
    return Rapl.at(directory.resolve("none"));
  }

  @Test
  void workCostsProcessorTimeOfTheServer() throws Exception {
    var scenario = new EnergyScenario(256, 2, SHORT);

    EnergyMeter.Cost cost =
        new EnergyMeter(none(), null).measure(server, scenario.prefill(server, 2, 1));

    assertTrue(cost.tokens() > 0 && cost.tokens() % (2 * StreamMeter.PROMPT) == 0);
    assertTrue(cost.cpuSeconds() >= 0 && cost.seconds() >= SHORT);
    assertTrue(cost.joules().isEmpty() && cost.gpuJoules().isEmpty());
  }

  @Test
  void answersAreCountedWhereTheyAreWhatIsMeasured() throws Exception {
    EnergyMeter.Work work = new EnergyScenario(256, 2, SHORT).decode(server, 3, 1);

    assertEquals(0, work.run() % (3 * StreamMeter.ANSWER));
  }

  @Test
  void energyIsWhatTheCountersSayOfTheTimeOfTheWork() throws Exception {
    Path zone = Files.createDirectories(directory.resolve("powercap/intel-rapl:0"));
    Files.writeString(zone.resolve("name"), "package-0");
    Files.writeString(zone.resolve("max_energy_range_uj"), "1000000");
    Files.writeString(zone.resolve("energy_uj"), "900000");
    EnergyMeter.Work work =
        () -> {
          Files.writeString(zone.resolve("energy_uj"), "400000");
          return 10;
        };

    EnergyMeter.Cost cost =
        new EnergyMeter(Rapl.at(directory.resolve("powercap")), null).measure(server, work);

    assertEquals(0.5, cost.joules().orElseThrow(), 1e-9);
    assertEquals(10, cost.tokens());
  }

  @Test
  void thePowerOfGpusIsSummedUp() {
    var integral = new GpuPower.Integral();
    integral.add("0, 100.00", 0);
    integral.add("1, 50.00", 0);
    integral.add("0, 200.00", 1_000_000_000);
    integral.add("1, 50.00", 2_000_000_000);
    integral.add("1, [N/A]", 3_000_000_000L);
    integral.add("No devices were found", 3_000_000_000L);

    assertEquals(150 + 100, integral.joules(), 1e-9);
  }

  @Test
  void resultsAreOfATokenAndLeaveOutWhatIsNotCounted() {
    var environment = new Environment(Instant.EPOCH, "c", "cpu", 2, 1, 1, "os", "jvm");
    Results.Builder builder =
        Results.begin("energy", 1, environment).subject(Subject.of("jvm", "JVM"));
    var results = new EnergyResults(builder);
    results.add(
        EnergyResults.DECODE,
        "jvm",
        4,
        new EnergyMeter.Cost(100, 2, 3, OptionalDouble.of(50), OptionalDouble.empty()));
    results.addRest(
        "jvm", new EnergyMeter.Cost(0, 2, 0.01, OptionalDouble.of(50), OptionalDouble.empty()));

    List<Measurement> measurements = builder.build().measurements();
    assertEquals(
        List.of(
            "processor time", "processors' energy", "speed", "processor time", "processors' power"),
        measurements.stream().map(each -> each.quantity().name()).toList());
    assertEquals(
        List.of(30.0, 0.5, 50.0, 5.0, 25.0),
        measurements.stream().map(Measurement::median).toList());
    assertEquals(4, measurements.getFirst().at().orElseThrow());
  }
}
