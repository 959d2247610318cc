package io.chasqui.benchmark.servers;

import io.chasqui.benchmark.Processors;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * How a server is started, with the same context and threads whichever it is.
 *
 * @param command its words; {@link #PORT} stands for the port that it shall listen on
 * @param environment what is set beside what this process has
 * @param health the path that answers 200 when the server is ready
 * @param log where its output goes
 */
public record Launch(
    List<String> command, Map<String, String> environment, String health, Path log) {
  static final String PORT = "PORT";

  /** The name that Chasqui serves its model under. */
  public static final String MODEL_NAME = "peer";

  /**
   * @param program the words before {@code serve}
   * @param model a packed file, or the demo model
   * @param positions of the context
   */
  public static Launch chasqui(String program, Optional<Path> model, int positions, Path log) {
    List<String> command = new ArrayList<>(List.of(program, "serve", "--port", PORT));
    model.ifPresent(file -> command.addAll(List.of("--model", file.toString())));
    Map<String, String> environment =
        Map.of(
            "JAVA_HOME",
            System.getProperty("java.home"),
            "CHASQUI_MAX_MODEL_LEN",
            String.valueOf(positions),
            "CHASQUI_SERVED_MODEL_NAME",
            MODEL_NAME);
    return new Launch(command, environment, "/q/health/ready", log);
  }

  /**
   * @param slots answers that run at once
   * @param positions of the context of each
   */
  public static Launch llamaServer(
      PeerDirectory peers, int slots, int positions, int threads, Path log) {
    List<String> command =
        peers.llamaCpp(
            "llama-server",
            "-m",
            peers.gguf().toString(),
            "-c",
            String.valueOf(slots * positions),
            "-np",
            String.valueOf(slots),
            "-t",
            String.valueOf(threads),
            "--port",
            PORT);
    return new Launch(command, Map.of(), "/health", log);
  }

  /** The same with one more variable. */
  public Launch with(String variable, String value) {
    Map<String, String> more = new HashMap<>(environment);
    more.put(variable, value);
    return new Launch(command, more, health, log);
  }

  /** The same on so many processors: {@link Processors#bind}. */
  public Launch on(int processors) throws IOException {
    return new Launch(Processors.bind(command, processors), environment, health, log);
  }
}
