package io.chasqui.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The limits of a container are found in control groups of both versions, and in none. */
class ControlGroupTest {
  private static final String MEMINFO =
      """
      MemTotal:       16384 kB
      MemFree:         1234 kB
      """;

  private static final long MACHINE = 16L << 20;

  @TempDir Path mount;

  private void write(String file, String content) throws IOException {
    Path path = mount.resolve(file);
    Files.createDirectories(path.getParent());
    Files.writeString(path, content + "\n");
  }

  private ControlGroup groups(String... memberships) {
    return new ControlGroup(mount, String.join("\n", memberships));
  }

  @ParameterizedTest
  @CsvSource({"max, 16777216", "99999999999, 16777216", "1000, 1000", "'', 16777216"})
  void memoryIsTheSmallerOfContainerAndMachine(String memoryMax, long limit) throws IOException {
    write("memory.max", memoryMax);

    assertEquals(limit, MemoryLimit.limit(groups("0::/"), MEMINFO));
  }

  @Test
  void withoutAnyLimitMemoryIsTheMachines() {
    assertEquals(MACHINE, MemoryLimit.limit(groups(""), MEMINFO));
    assertEquals(Long.MAX_VALUE, MemoryLimit.limit(groups(""), ""));
    assertTrue(MemoryLimit.bytes() > 0);
  }

  @Test
  void theLeastLimitOfAGroupAndThoseAroundItCounts() throws IOException {
    write("memory.max", "5000");
    write("pods/memory.max", "3000");
    write("pods/mine/memory.max", "max");
    write("others/memory.max", "1");

    assertEquals(3000, MemoryLimit.limit(groups("0::/pods/mine"), MEMINFO));
  }

  @Test
  void aPathThatTheContainerDoesNotSeeIsNoHindrance() throws IOException {
    write("memory.max", "3000");

    assertEquals(3000, MemoryLimit.limit(groups("0::/kubepods/pod1/abc"), MEMINFO));
    assertEquals(3000, MemoryLimit.limit(groups("0::/../../abc"), MEMINFO));
  }

  @Test
  void version1HasAFolderForEachController() throws IOException {
    write("memory/docker/abc/memory.limit_in_bytes", "2000");
    write("memory/memory.limit_in_bytes", "9223372036854771712");

    assertEquals(
        2000,
        MemoryLimit.limit(
            groups("3:cpu,cpuacct:/docker/abc", "2:memory:/docker/abc", "0::/x"), MEMINFO));
  }

  @ParameterizedTest
  @CsvSource({
    "max 100000, 4",
    "200000 100000, 2",
    "150000 100000, 2",
    "10000 100000, 1",
    "900000 100000, 4",
    "'', 4"
  })
  void processorsAreWhatTheQuotaPaysForRoundedUp(String cpuMax, int processors) throws IOException {
    write("cpu.max", cpuMax);

    assertEquals(processors, CpuLimit.limit(4, groups("0::/")));
  }

  @Test
  void version1HasQuotaAndPeriodInFilesOfTheirOwn() throws IOException {
    write("cpu/a/cpu.cfs_quota_us", "150000");
    write("cpu/a/cpu.cfs_period_us", "100000");
    write("cpu/cpu.cfs_quota_us", "-1");
    write("cpu/cpu.cfs_period_us", "100000");

    assertEquals(2, CpuLimit.limit(4, groups("3:cpu,cpuacct:/a")));
    assertEquals(4, CpuLimit.limit(4, groups("3:cpu,cpuacct:/")));
  }
}
