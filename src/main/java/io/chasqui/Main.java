package io.chasqui;

import io.quarkus.runtime.Quarkus;
import io.quarkus.runtime.annotations.QuarkusMain;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** The command line. */
@QuarkusMain
@Command(
    name = "chasqui",
    description = "A function that streams text from a language model.",
    subcommands = Main.Serve.class)
public class Main implements Runnable {
  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      scope = CommandLine.ScopeType.INHERIT,
      description = "Shows this help and exits.")
  boolean help;

  public static void main(String... args) {
    System.exit(new CommandLine(new Main()).execute(args));
  }

  @Override
  public void run() {
    CommandLine.usage(this, System.out);
  }

  @Command(name = "serve", description = "Serves a model over OpenAI's HTTP API.")
  static class Serve implements Callable<Integer> {
    @Option(
        names = "--model",
        paramLabel = "MODEL",
        description = "demo (built in), a directory in Hugging Face's layout, or hf:OWNER/NAME")
    String model;

    @Option(names = "--port", paramLabel = "PORT", description = "default: 8080")
    Integer port;

    @Option(names = "--host", paramLabel = "HOST", description = "address to listen on")
    String host;

    @Override
    public Integer call() {
      set("chasqui.model", model);
      set("quarkus.http.port", port);
      set("quarkus.http.host", host);
      Quarkus.run();
      return 0;
    }

    /** System properties are where Quarkus looks first: the command line wins. */
    private static void set(String key, Object value) {
      if (value != null) {
        System.setProperty(key, value.toString());
      }
    }
  }
}
