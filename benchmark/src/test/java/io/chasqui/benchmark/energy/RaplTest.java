package io.chasqui.benchmark.energy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RaplTest {
  private static final long RANGE = 1_000_000;

  @TempDir Path root;

  private Path zone(String directory, String name, long microjoules) throws IOException {
    Path zone = Files.createDirectories(root.resolve(directory));
    Files.writeString(zone.resolve("name"), name + "\n");
    Files.writeString(zone.resolve("max_energy_range_uj"), RANGE + "\n");
    set(zone, microjoules);
    return zone;
  }

  private static void set(Path zone, long microjoules) throws IOException {
    Files.writeString(zone.resolve("energy_uj"), microjoules + "\n");
  }

  @Test
  void packagesAndMemoryAreAddedUp() throws IOException {
    Path first = zone("intel-rapl:0", "package-0", 100);
    Path second = zone("intel-rapl:1", "package-1", 200);
    Path memory = zone("intel-rapl:0:1", "dram", 300);
    Rapl rapl = Rapl.at(root);
    Rapl.Reading before = rapl.read();
    set(first, 500_100);
    set(second, 250_200);
    set(memory, 125_300);

    assertEquals(Optional.empty(), rapl.missing());
    assertEquals(0.875, rapl.joules(before, rapl.read()), 1e-9);
  }

  @Test
  void aCounterBeginsAnewAtItsRange() throws IOException {
    Path zone = zone("intel-rapl:0", "package-0", RANGE - 100_000);
    zone("intel-rapl:1", "package-1", 7);
    Rapl rapl = Rapl.at(root);
    Rapl.Reading before = rapl.read();
    set(zone, 50_000);

    assertEquals(0.15, rapl.joules(before, rapl.read()), 1e-9);
  }

  @Test
  void nothingIsCountedTwice() throws IOException {
    Path[] parts = {
      zone("intel-rapl:0:0", "core", 0),
      zone("intel-rapl:0:2", "uncore", 0),
      zone("intel-rapl:1", "psys", 0),
      zone("intel-rapl-mmio:0", "package-0", 0)
    };
    Path whole = zone("intel-rapl:0", "package-0", 0);
    Rapl rapl = Rapl.at(root);
    Rapl.Reading before = rapl.read();
    for (Path part : parts) {
      set(part, 300_000);
    }
    set(whole, 400_000);

    assertEquals(0.4, rapl.joules(before, rapl.read()), 1e-9);
  }

  @Test
  void aMachineWithoutCountersSaysWhatItLacks() throws IOException {
    assertEquals(
        Optional.of("there is no " + root.resolve("none")),
        Rapl.at(root.resolve("none")).missing());
    assertTrue(Rapl.at(root).missing().orElseThrow().startsWith("there is no counter"));
    assertEquals(0, Rapl.at(root).joules(Rapl.at(root).read(), Rapl.at(root).read()));
  }

  @Test
  void aCounterThatIsNotReadableIsNamed() throws IOException {
    Path energy = zone("intel-rapl:0", "package-0", 0).resolve("energy_uj");
    Files.setPosixFilePermissions(energy, PosixFilePermissions.fromString("---------"));
    assumeFalse(Files.isReadable(energy), "root reads everything");

    String missing = Rapl.at(root).missing().orElseThrow();
    assertTrue(missing.startsWith(energy + " is not readable"), missing);
  }

  @Test
  void aCounterThatIsNoNumberFails() throws IOException {
    Path zone = zone("intel-rapl:0", "package-0", 0);
    Files.writeString(zone.resolve("energy_uj"), "much\n");

    IOException failure = assertThrows(IOException.class, () -> Rapl.at(root).read());
    assertTrue(failure.getMessage().contains("'much'"), failure.getMessage());
  }
}
