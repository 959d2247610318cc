package io.chasqui.benchmark;

import io.chasqui.pack.EmbeddedModel;
import io.chasqui.pack.PackedModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The servers whose cold start is measured: where they are, and how they are started.
 *
 * @param root of Chasqui's sources, which has been built
 */
record ColdServers(Path root, PeerDirectory peers) {
  /** Enough for the longest prompt; the memory that a server has at rest depends on it. */
  private static final int POSITIONS = 2048;

  private static final String AOT_SWITCH = "CHASQUI_AOT";
  private static final String AOT_CACHE_SUFFIX = ".aot";

  /** A program, and the way it is run. */
  enum Variant {
    JVM("JVM"),
    AOT("JVM, AOT cache"),
    NATIVE("native"),
    LLAMA_CPP("llama-server");

    final String title;

    Variant(String title) {
      this.title = title;
    }

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
  }

  /** What a server serves. */
  enum Model {
    PEER("the peers' model"),
    DEMO("the demo model");

    final String title;

    Model(String title) {
      this.title = title;
    }

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** Whether a variant has a model: the demo model is Chasqui's own. */
  static boolean has(Variant variant, Model model) {
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

  /** How a variant is started. */
  Launch launch(Variant variant, Model model) {
    Path log = peers.log("cold-" + variant);
    return switch (variant) {
      case JVM -> chasqui(script(), model, log).with(AOT_SWITCH, "off");
      case AOT -> chasqui(script(), model, log).with(AOT_SWITCH, "on");
      case NATIVE -> chasqui(executable(), model, log);
      case LLAMA_CPP -> Launch.llamaServer(peers, POSITIONS, log);
    };
  }

  private Launch chasqui(Path program, Model model, Path log) {
    Optional<Path> file =
        switch (model) {
          case PEER -> Optional.of(peers.packed().toAbsolutePath());
          case DEMO -> Optional.empty();
        };
    return Launch.chasqui(program.toString(), file, POSITIONS, log);
  }

  /** The model itself, which is the caller's to close. */
  PackedModel open(Model model) {
    return switch (model) {
      case PEER -> PackedModel.open(peers.packed());
      case DEMO -> new EmbeddedModel().packed();
    };
  }

  /** The name of a model's file; the demo model has none of its own. */
  String name(Model model) {
    return switch (model) {
      case PEER -> peers.packed().toString();
      case DEMO -> EmbeddedModel.NAME;
    };
  }

  /**
   * The files that a variant reads when it starts, but for those of the JDK and the system: those
   * are in use by the benchmark itself.
   */
  List<Path> files(Variant variant, Model model) throws IOException {
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

  private Path script() {
    return root.resolve("chasqui");
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
