package io.chasqui.benchmark.servers;

import com.fasterxml.jackson.databind.json.JsonMapper;
import io.chasqui.benchmark.Machine;
import io.chasqui.benchmark.results.Subject;
import io.chasqui.pack.EmbeddedModel;
import io.chasqui.pack.PackedModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * The servers that are measured beside each other: where they are, and how they are started.
 *
 * @param root of Chasqui's sources, which has been built
 * @param threads of each server
 */
public record Servers(Path root, PeerDirectory peers, int threads) {
  /** Enough for the longest prompt; the memory that a server has at rest depends on it. */
  public static final int POSITIONS = 2048;

  private static final JsonMapper JSON = new JsonMapper();
  private static final String AOT_SWITCH = "CHASQUI_AOT";
  private static final String AOT_CACHE_SUFFIX = ".aot";

  /** A program, and the way it is run. */
  public enum Variant {
    JVM("JVM"),
    AOT("JVM, AOT cache"),
    NATIVE("native"),
    LLAMA_CPP("llama-server");

    public final String title;

    Variant(String title) {
      this.title = title;
    }

    /** What results call it; llama-server is what the others are compared with. */
    public Subject subject(String id) {
      Subject subject = Subject.of(id, title);
      return this == LLAMA_CPP ? subject.asBaseline() : subject;
    }

    private String runtime() {
      return this == NATIVE ? "native" : Machine.jvm();
    }

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
  }

  /** What a server serves. */
  public enum Model {
    PEER("the peers' model"),
    DEMO("the demo model");

    public final String title;

    Model(String title) {
      this.title = title;
    }

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /**
   * What is kept of a model that has been closed.
   *
   * @param digest SHA-256
   */
  public record Weights(String name, String digest, long bytes, String quantization) {
    public static Weights of(String name, PackedModel model) {
      return new Weights(
          name, model.weightsDigest(), model.weightBytes(), model.quantization().name());
    }
  }

  /** Whether a variant has a model: the demo model is Chasqui's own. */
  public static boolean has(Variant variant, Model model) {
    return variant != Variant.LLAMA_CPP || model == Model.PEER;
  }

  /** What a variant lacks and how to get it; nothing if it can be started. */
  Optional<String> missing(Variant variant) throws IOException {
    boolean isThere =
        switch (variant) {
          case JVM -> true; // built by the script that runs this
          case AOT -> !aotCaches().isEmpty();
          case NATIVE -> Files.isExecutable(executable());
          case LLAMA_CPP -> Files.isExecutable(peers.llamaCppRun());
        };
    if (isThere) {
      return Optional.empty();
    }
    return Optional.of(
        switch (variant) {
          case JVM -> throw new IllegalStateException("the JVM's program is always there");
          case AOT -> "there is no AOT cache in " + root.resolve("target");
          case NATIVE -> "there is no %s: build it with ./chasqui native".formatted(executable());
          case LLAMA_CPP ->
              "there is no %s: run benchmark/peers/setup".formatted(peers.llamaCppRun());
        });
  }

  /**
   * What is to be measured: exactly what was asked for, or else of the usual variants those that
   * are there. Those that are not are named on standard error.
   *
   * @throws IllegalArgumentException if something that was asked for is not there
   */
  public List<Variant> present(Set<Variant> asked, Set<Variant> usual) throws IOException {
    boolean isAsked = !asked.isEmpty();
    List<Variant> present = new ArrayList<>();
    for (Variant variant : isAsked ? asked : usual) {
      Optional<String> missing = missing(variant);
      if (missing.isEmpty()) {
        present.add(variant);
      } else if (isAsked) {
        throw new IllegalArgumentException(missing.get());
      } else {
        System.err.println("chasqui: without %s: %s".formatted(variant, missing.get()));
      }
    }
    return present;
  }

  /** The usual way to run the JVM: with an AOT cache, if there is one. */
  public Variant jvm() throws IOException {
    return missing(Variant.AOT).isEmpty() ? Variant.AOT : Variant.JVM;
  }

  /**
   * A subject with how it runs and what it serves.
   *
   * @param weights that Chasqui serves
   * @param server of the variant, which is ready
   */
  public Subject describe(Subject subject, Variant variant, Weights weights, Server server)
      throws IOException, InterruptedException {
    return switch (variant) {
      case JVM, AOT, NATIVE ->
          subject
              .on(variant.runtime(), server.kernels().orElse(""), threads)
              .with(
                  weights.name(),
                  weights.digest(),
                  weights.bytes(),
                  weights.quantization(),
                  JSON.readTree(server.get("/v1/estimate")).path("kv").asText());
      case LLAMA_CPP -> peers.describe(subject.on("", "", threads));
    };
  }

  /**
   * How a variant is started.
   *
   * @param slots of llama-server, each with a context of its own
   */
  public Launch launch(Variant variant, Model model, int slots, Path log) throws IOException {
    Launch launch =
        switch (variant) {
          case JVM, AOT, NATIVE -> chasqui(variant, file(model), POSITIONS, log);
          case LLAMA_CPP -> Launch.llamaServer(peers, slots, POSITIONS, threads, log);
        };
    return launch.on(threads);
  }

  private Optional<Path> file(Model model) {
    return switch (model) {
      case PEER -> Optional.of(peers.packed().toAbsolutePath());
      case DEMO -> Optional.empty();
    };
  }

  /**
   * How a variant of Chasqui is started, on all processors.
   *
   * @param file a packed file; the demo model if empty
   * @param positions of the context
   */
  public Launch chasqui(Variant variant, Optional<Path> file, int positions, Path log) {
    return switch (variant) {
      case JVM -> Launch.chasqui(script(), file, positions, log).with(AOT_SWITCH, "off");
      case AOT -> Launch.chasqui(script(), file, positions, log).with(AOT_SWITCH, "on");
      case NATIVE -> Launch.chasqui(executable().toString(), file, positions, log);
      case LLAMA_CPP -> throw new IllegalArgumentException("llama-server is not Chasqui");
    };
  }

  /** The model itself, which is the caller's to close. */
  public PackedModel open(Model model) {
    return switch (model) {
      case PEER -> PackedModel.open(peers.packed());
      case DEMO -> open(Optional.empty());
    };
  }

  /** The name of a model's file. */
  public String name(Model model) {
    return name(file(model));
  }

  /** The name of a packed file, without its place; the demo model has none of its own. */
  public static String name(Optional<Path> file) {
    return file.map(path -> path.getFileName().toString()).orElse(EmbeddedModel.NAME);
  }

  /** A packed file, or the demo model; closed by the caller. */
  public static PackedModel open(Optional<Path> file) {
    return file.map(PackedModel::open).orElseGet(new EmbeddedModel()::packed);
  }

  /**
   * The files that a variant reads when it starts, but for those of the JDK and the system: those
   * are in use by the benchmark itself.
   */
  public List<Path> files(Variant variant, Model model) throws IOException {
    List<Path> files = new ArrayList<>();
    switch (variant) {
      case JVM -> files.add(application());
      case AOT -> {
        files.add(application());
        files.addAll(aotCaches());
      }
      case NATIVE -> files.add(executable());
      case LLAMA_CPP -> files.add(peers.llamaCppFiles());
    }
    if (model == Model.PEER) {
      files.add(variant == Variant.LLAMA_CPP ? peers.gguf() : peers.packed());
    }
    return files;
  }

  private String script() {
    return root.resolve("chasqui").toString();
  }

  private Path target() {
    return root.resolve("target");
  }

  private Path application() {
    return target().resolve("quarkus-app");
  }

  private Path executable() {
    return target().resolve("chasqui");
  }

  private List<Path> aotCaches() throws IOException {
    try (Stream<Path> files = Files.walk(target(), 2)) {
      return files.filter(file -> file.toString().endsWith(AOT_CACHE_SUFFIX)).toList();
    }
  }
}
