package io.chasqui.benchmark;

import com.sun.management.OperatingSystemMXBean;
import io.chasqui.benchmark.results.Environment;
import io.chasqui.model.CpuLimit;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Map;
import java.util.TreeMap;

/** What a measurement was made on. */
public final class Machine {
  private static final Path CPU_INFO = Path.of("/proc/cpuinfo");

  private Machine() {}

  /**
   * The processor's name. Under virtualization that is often no more than a brand: family and model
   * say which it is.
   */
  public static String cpu() {
    try {
      return Files.isReadable(CPU_INFO) ? linuxCpu(Files.readString(CPU_INFO)) : macCpu();
    } catch (IOException e) {
      return System.getProperty("os.arch"); // a row without a name is still a row
    }
  }

  /**
   * @param cpuInfo the content of {@code /proc/cpuinfo}
   */
  static String linuxCpu(String cpuInfo) {
    Map<String, String> first = new TreeMap<>();
    cpuInfo
        .lines()
        .map(line -> line.split("\\s*:\\s*", 2))
        .filter(field -> field.length == 2)
        .forEach(field -> first.putIfAbsent(field[0], field[1]));
    String name = first.get("model name");
    if (name == null) {
      return System.getProperty("os.arch");
    }
    return first.containsKey("cpu family")
        ? "%s (family %s, model %s)".formatted(name, first.get("cpu family"), first.get("model"))
        : name;
  }

  private static String macCpu() throws IOException {
    Process sysctl = new ProcessBuilder("sysctl", "-n", "machdep.cpu.brand_string").start();
    try (var reader = sysctl.inputReader()) {
      String name = reader.readLine();
      return name == null ? System.getProperty("os.arch") : name;
    }
  }

  /** The sources' commit, which the script {@code chasqui} tells. */
  public static String commit() {
    return System.getProperty("chasqui.commit", "unknown");
  }

  public static String jvm() {
    return System.getProperty("java.vendor.version") + " " + Runtime.version();
  }

  /** All that a run is stamped with, memory's bandwidth measured now. */
  public static Environment environment() throws InterruptedException {
    int processors = CpuLimit.processors();
    return new Environment(
        Instant.now().truncatedTo(ChronoUnit.SECONDS),
        commit(),
        cpu(),
        processors,
        memory(),
        MemoryBandwidth.measure(processors),
        System.getProperty("os.name") + " " + System.getProperty("os.version"),
        jvm());
  }

  private static long memory() {
    return ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean())
        .getTotalMemorySize();
  }
}
