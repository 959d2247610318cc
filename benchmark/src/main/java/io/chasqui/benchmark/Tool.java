package io.chasqui.benchmark;

import io.chasqui.pack.ModelFormatException;
import java.io.IOException;
import java.nio.file.FileSystemException;
import picocli.CommandLine;

/** The command lines of the benchmarks: what a user can do something about is one line. */
public final class Tool {
  private Tool() {}

  public static CommandLine commandLine(Object command) {
    return new CommandLine(command)
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setParameterExceptionHandler(
            (failure, args) -> complain(failure.getCommandLine(), failure.getMessage()))
        .setExecutionExceptionHandler((failure, line, parsed) -> explain(failure, line));
  }

  /** Makes sure that no server or engine that was started for a measurement is left behind. */
  public static void endChildrenWithThisProcess() {
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(() -> ProcessHandle.current().children().forEach(ProcessHandle::destroy)));
  }

  private static int explain(Exception failure, CommandLine line) throws Exception {
    return switch (failure) {
      case FileSystemException e ->
          complain(line, e.getClass().getSimpleName() + ": " + e.getMessage());
      case IOException e -> complain(line, e.getMessage());
      case ModelFormatException e -> complain(line, e.getMessage());
      case IllegalArgumentException e -> complain(line, e.getMessage());
      default -> throw failure;
    };
  }

  private static int complain(CommandLine line, String message) {
    line.getErr().println("chasqui: " + message.lines().findFirst().orElse("failed"));
    return line.getCommandSpec().exitCodeOnInvalidInput();
  }
}
