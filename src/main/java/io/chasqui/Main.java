package io.chasqui;

import io.chasqui.engine.PrefixPacker;
import io.chasqui.engine.SystemPrompt;
import io.chasqui.kernel.DType;
import io.chasqui.kernel.KvLayout;
import io.chasqui.kernel.NativeExecutable;
import io.chasqui.ops.ProcessClock;
import io.chasqui.pack.DownloadException;
import io.chasqui.pack.ModelFiles;
import io.chasqui.pack.ModelFormatException;
import io.chasqui.pack.ModelLocation;
import io.chasqui.pack.ModelPacker;
import io.chasqui.pack.PackedModel;
import io.chasqui.pack.ProgressBar;
import io.chasqui.tokenizer.PatternException;
import io.quarkus.runtime.Quarkus;
import io.quarkus.runtime.annotations.QuarkusMain;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.Spec;

/** The command line. */
@QuarkusMain
@Command(
    name = "chasqui",
    description =
        "A function that streams text from a language model. Without a command it serves.",
    subcommands = {Main.Serve.class, Main.Pack.class, Main.Verify.class, EstimateCommand.class})
public class Main implements Runnable {
  private static final String MODEL_FORMS =
      "demo (built in), a directory in Hugging Face's layout, or hf:OWNER/NAME";

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      scope = CommandLine.ScopeType.INHERIT,
      description = "Shows this help and exits.")
  boolean help;

  public static void main(String... args) {
    ProcessClock.mainEntered();
    System.exit(commandLine().execute(args));
  }

  static CommandLine commandLine() {
    return new CommandLine(new Main())
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setParameterExceptionHandler(Main::misused)
        .setExecutionExceptionHandler(Main::explain);
  }

  private static int misused(CommandLine.ParameterException failure, String... arguments) {
    CommandLine command = failure.getCommandLine();
    print(command, failure.getMessage().lines().findFirst().orElse("") + " (--help tells more)");
    return command.getCommandSpec().exitCodeOnInvalidInput();
  }

  /** What the user can do something about is one line; anything else is a fault of the program. */
  private static int explain(Exception failure, CommandLine command, ParseResult parsed)
      throws Exception {
    switch (failure) {
      case FileSystemException e -> print(command, e.getFile() + ": " + reason(e));
      case IOException e -> print(command, e.getMessage());
      case ModelFormatException e -> print(command, e.getMessage());
      case DownloadException e -> print(command, e.getMessage());
      case PatternException e -> print(command, e.getMessage());
      case IllegalArgumentException e -> print(command, e.getMessage());
      default -> throw failure;
    }
    return command.getCommandSpec().exitCodeOnExecutionException();
  }

  private static String reason(FileSystemException e) {
    return switch (e) {
      case AccessDeniedException denied -> "permission denied";
      case NoSuchFileException missing -> "there is no such file";
      default -> e.getReason();
    };
  }

  private static void print(CommandLine command, String message) {
    command.getErr().println("chasqui: " + message);
  }

  /** Without a command it serves, by the settings of its environment: what a container does. */
  @Override
  public void run() {
    serve();
  }

  private static void serve() {
    requireTemporaryDirectory();
    Quarkus.run();
  }

  /** Where it cannot be written to, the server's libraries would fail with a stack trace. */
  private static void requireTemporaryDirectory() {
    String directory = System.getProperty("java.io.tmpdir");
    try {
      Path path = Files.createDirectories(Path.of(directory));
      // Not by createTempFile, whose random names take a cold JVM 20 ms.
      Files.delete(Files.createFile(path.resolve("chasqui" + System.nanoTime())));
    } catch (IOException e) {
      throw new IllegalArgumentException(
          "The temporary directory '%s' cannot be written to: mount one there that can, or name another one with java -Djava.io.tmpdir=DIRECTORY"
              .formatted(directory),
          e);
    }
  }

  @Command(name = "serve", description = "Serves a model over OpenAI's HTTP API.")
  static class Serve implements Callable<Integer> {
    @Option(
        names = "--model",
        paramLabel = "MODEL",
        description = "a packed file (.chasqui), " + MODEL_FORMS)
    String model;

    @Option(
        names = "--verify",
        description = "read all of a packed model and compare its digests before serving it")
    boolean verify;

    @Option(names = "--port", paramLabel = "PORT", description = "default: 8080")
    Integer port;

    @Option(names = "--host", paramLabel = "HOST", description = "address to listen on")
    String host;

    @Override
    public Integer call() {
      set("chasqui.model", model);
      set("chasqui.verify", verify ? true : null);
      set("quarkus.http.port", port);
      set("quarkus.http.host", host);
      serve();
      return 0;
    }

    /** System properties are where Quarkus looks first: the command line wins. */
    private static void set(String key, Object value) {
      if (value != null) {
        System.setProperty(key, value.toString());
      }
    }
  }

  @Command(
      name = "pack",
      description = {
        "Writes a model as one packed file, which starts quickly and is read at full speed. Serving a"
            + " model that is not packed does so too, into the cache; this command is for choosing"
            + " type and place.",
        "",
        "8 bits a weight are the default, because they cost no quality that can be measured. 4 bits"
            + " halve the file again and are the fastest; a model loses a little by them, a small"
            + " one more. What Jlama has reduced to 4 bits stays so.",
        "",
        "A system prompt that is packed with the model is not computed by those who serve it: their"
            + " first request that begins with it is answered as if it were not the first. The"
            + " tokens are the same with and without.",
        ""
      })
  static class Pack implements Callable<Integer> {
    @Parameters(
        index = "0",
        paramLabel = "MODEL",
        description = MODEL_FORMS + "; with --prefix a packed file (.chasqui), too")
    String model;

    @Parameters(
        index = "1",
        paramLabel = "FILE",
        description = "what to write; appears when it is complete, replaces what is there")
    Path file;

    @Option(
        names = "--quant",
        paramLabel = "TYPE",
        description = "how matrices are stored: q4, q8, bf16 or f32 (default: see above)")
    DType quantization;

    @Option(
        names = "--prefix",
        paramLabel = "PROMPTFILE",
        description = {
          "a text file with a system prompt to pack with the model: the system message of"
              + " conversations, or the beginning of texts if the model has no chat template. The"
              + " line break at its end does not count. Of its tokens, multiples of 16 are stored."
              + " May be given several times; replaces the prompts that a packed MODEL has. Where"
              + " one is refused, a MODEL that was not packed is in FILE without."
        })
    List<Path> prefixes = List.of();

    @Option(
        names = "--prefix-kv",
        paramLabel = "TYPE",
        description =
            "how its keys and values are stored, f16 or i8: what chasqui.kv-cache.dtype is where it"
                + " is served (default: f16)")
    KvLayout.Type prefixType = KvLayout.Type.F16;

    @Spec CommandSpec spec;

    @Override
    public Integer call() throws IOException {
      if (NativeExecutable.IS) {
        throw NativeExecutable.needsJvm(
            "Packing", "use `./chasqui pack`, or java -jar quarkus-run.jar pack");
      }
      List<SystemPrompt> prompts = new ArrayList<>();
      for (Path prefix : prefixes) {
        prompts.add(SystemPrompt.read(prefix));
      }
      Path packed = packed();
      if (!prompts.isEmpty()) {
        PrefixPacker.pack(packed, prompts, prefixType, file, ProgressBar.forThisProcess())
            .forEach(note -> print(spec.commandLine(), note));
      }
      return 0;
    }

    /** The model without the prompts that are to be packed with it. */
    private Path packed() throws IOException {
      if (model.endsWith(PackedModel.SUFFIX)) {
        if (prefixes.isEmpty() || quantization != null) {
          throw new IllegalArgumentException(
              "'%s' is packed already: give --prefix, and no --quant".formatted(model));
        }
        return Path.of(model);
      }
      ModelFiles files = ModelLocation.resolve(model);
      DType chosen = quantization != null ? quantization : ModelPacker.defaultQuantization(files);
      ModelPacker.pack(files, file, chosen, ProgressBar.forThisProcess());
      return file;
    }
  }

  @Command(
      name = "verify",
      description = {
        "Checks a packed file: its header, the digest of each section, its tokenizer.",
        "",
        "Serving does so too, slowly after its start, or before it with --verify."
      })
  static class Verify implements Callable<Integer> {
    @Parameters(index = "0", paramLabel = "FILE", description = "a packed model")
    Path file;

    @Override
    public Integer call() {
      PackedModel.verify(file, ProgressBar.forThisProcess());
      return 0;
    }
  }
}
