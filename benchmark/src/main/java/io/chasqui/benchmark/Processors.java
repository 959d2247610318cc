package io.chasqui.benchmark;

import io.chasqui.model.CpuLimit;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Lets a program run on some of the processors only, so that it has as many threads. */
public final class Processors {
  private static final Path STATUS = Path.of("/proc/self/status");
  private static final String ALLOWED = "Cpus_allowed_list:";

  private Processors() {}

  /**
   * The command that runs another one on so many processors: the same command if these are all that
   * this process may use, or else one of Linux's {@code taskset}.
   *
   * @throws IllegalArgumentException if there are not as many
   */
  public static List<String> bind(List<String> command, int count) throws IOException {
    int all = CpuLimit.processors();
    if (count < 1 || count > all) {
      throw new IllegalArgumentException(
          "there are %d processors: ask for 1 to %1$d threads".formatted(all));
    }
    if (count == all) {
      return command;
    }
    return only(allowed(Files.readString(STATUS)).subList(0, count), command);
  }

  static List<String> only(List<Integer> processors, List<String> command) {
    String list = processors.stream().map(String::valueOf).collect(Collectors.joining(","));
    return Stream.concat(Stream.of("taskset", "--cpu-list", list), command.stream()).toList();
  }

  /**
   * The numbers of the processors that a process may use.
   *
   * @param status the content of {@code /proc/PID/status}
   */
  static List<Integer> allowed(String status) {
    return status
        .lines()
        .filter(line -> line.startsWith(ALLOWED))
        .map(line -> NumberRanges.parse(line.substring(ALLOWED.length()).strip(), 0))
        .findFirst()
        .orElseThrow();
  }
}
