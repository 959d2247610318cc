package io.chasqui.benchmark.energy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The energy that processors have counted of themselves (running average power limit), as Linux
 * tells it: of all packages, and of memory where that is counted apart. Counts the whole machine,
 * whatever runs on it.
 */
final class Rapl {
  /** Where Linux has it. */
  static final Path ROOT = Path.of("/sys/class/powercap");

  /** A zone, or part of one: not {@code intel-rapl-mmio}, which counts the same once more. */
  private static final String ZONE = "intel-rapl:\\d+(:\\d+)?";

  private static final double MICRO = 1e6;

  /** Microjoules of each counter. */
  record Reading(Map<Path, Long> counters) {}

  private final List<Path> zones;
  private final String missing;

  private Rapl(List<Path> zones, String missing) {
    this.zones = zones;
    this.missing = missing;
  }

  /**
   * Looks for counters.
   *
   * @param root {@link #ROOT}
   */
  static Rapl at(Path root) throws IOException {
    if (!Files.isDirectory(root)) {
      return new Rapl(List.of(), "there is no " + root);
    }
    List<Path> zones = new ArrayList<>();
    try (Stream<Path> files = Files.list(root)) {
      for (Path zone : files.sorted().toList()) {
        if (zone.getFileName().toString().matches(ZONE) && isCounted(zone)) {
          zones.add(zone);
        }
      }
    }
    if (zones.isEmpty()) {
      return new Rapl(zones, "there is no counter of a package in " + root);
    }
    for (Path zone : zones) {
      if (!Files.isReadable(energy(zone))) {
        return new Rapl(
            List.of(), energy(zone) + " is not readable: run as root, or let others read it");
      }
    }
    return new Rapl(zones, null);
  }

  /** Cores and graphics are part of their package, and a platform has all packages. */
  private static boolean isCounted(Path zone) throws IOException {
    String name = Files.readString(zone.resolve("name")).strip();
    return name.startsWith("package") || name.equals("dram");
  }

  private static Path energy(Path zone) {
    return zone.resolve("energy_uj");
  }

  /** Why nothing can be read, if so. */
  Optional<String> missing() {
    return Optional.ofNullable(missing);
  }

  Reading read() throws IOException {
    Map<Path, Long> counters = new LinkedHashMap<>();
    for (Path zone : zones) {
      counters.put(zone, number(energy(zone)));
    }
    return new Reading(counters);
  }

  /**
   * Joules from one reading to a later one, between which no counter began anew more than once:
   * that takes minutes at least.
   */
  double joules(Reading from, Reading to) throws IOException {
    long micro = 0;
    for (Path zone : zones) {
      long counted = to.counters().get(zone) - from.counters().get(zone);
      micro += counted < 0 ? counted + number(zone.resolve("max_energy_range_uj")) : counted;
    }
    return micro / MICRO;
  }

  private static long number(Path file) throws IOException {
    String text = Files.readString(file).strip();
    try {
      return Long.parseLong(text);
    } catch (NumberFormatException e) {
      throw new IOException("%s has '%s', which is no number".formatted(file, text), e);
    }
  }
}
