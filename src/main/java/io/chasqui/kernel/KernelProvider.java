package io.chasqui.kernel;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * Chooses the kernels of this process: the fastest that run here. Why faster ones were refused, and
 * what would cure it, goes to the log.
 */
final class KernelProvider {
  /** System property that names the kernels to take, whatever else is there. */
  static final String PROPERTY = "chasqui.kernels";

  /** Environment variable with the meaning of {@link #PROPERTY}, which wins over it. */
  static final String VARIABLE = "CHASQUI_KERNELS";

  private static Kernels best;

  private final Logger log;
  private final Supplier<List<? extends Kernels>> nativeKernels;
  private final Supplier<? extends Kernels> vectorKernels;

  /**
   * @param vectorKernels null if there are no kernels in Java
   */
  KernelProvider(
      Logger log,
      Supplier<List<? extends Kernels>> nativeKernels,
      Supplier<? extends Kernels> vectorKernels) {
    this.log = log;
    this.nativeKernels = nativeKernels;
    this.vectorKernels = vectorKernels;
  }

  /**
   * The kernels of this process, chosen on the first call that succeeds.
   *
   * @throws IllegalArgumentException if those that are named do not run here
   */
  static synchronized Kernels best() {
    if (best == null) {
      best =
          new KernelProvider(
                  System.getLogger(Kernels.class.getName()),
                  NativeKernels::load,
                  // Known when an executable is made, which has no kernels in Java: its compiler
                  // does not turn their loops into SIMD code.
                  NativeExecutable.IS ? null : VectorKernels::load)
              .choose(Optional.ofNullable(System.getProperty(PROPERTY, System.getenv(VARIABLE))));
    }
    return best;
  }

  /**
   * @param name the name of the kernels to take; the fastest if empty
   * @throws IllegalArgumentException if kernels of that name do not run here
   */
  Kernels choose(Optional<String> name) {
    List<Kernels> candidates = new ArrayList<>(loadNative());
    if (vectorKernels != null) {
      addJavaKernels(candidates, name.isPresent());
    }
    Kernels chosen = name.map(n -> named(n, candidates)).orElse(candidates.getFirst());
    log.log(Level.INFO, "Kernels: {0}", chosen.name());
    if (chosen instanceof ScalarKernels && name.isEmpty()) {
      log.log(Level.WARNING, "Only the scalar kernels run here: they are very slow");
    }
    return chosen;
  }

  private void addJavaKernels(List<Kernels> candidates, boolean all) {
    // Plain C, for processors without the instructions that the others need, is the slower one.
    if (all || candidates.stream().allMatch(KernelProvider::isPortable)) {
      loadVector().ifPresent(candidates::addFirst);
    }
    candidates.add(new ScalarKernels());
  }

  private List<? extends Kernels> loadNative() {
    try {
      List<? extends Kernels> loaded = nativeKernels.get();
      if (loaded.isEmpty()) {
        log.log(
            Level.WARNING,
            "Native kernels: this build has none for this platform ({0}). Build with a C compiler"
                + " on the PATH, or named by CC.",
            ForeignFunctions.resource());
      }
      return loaded;
    } catch (IllegalCallerException e) {
      log.log(
          Level.WARNING,
          "Native kernels: this JVM forbids native access."
              + " Start it with --enable-native-access=ALL-UNNAMED.",
          e);
    } catch (RuntimeException | LinkageError e) {
      log.log(
          Level.WARNING,
          "Native kernels: the library cannot be loaded. If the temporary directory forbids"
              + " execution, name another one with -Djava.io.tmpdir.",
          e);
    }
    return List.of();
  }

  private Optional<Kernels> loadVector() {
    try {
      return Optional.of(vectorKernels.get());
    } catch (IllegalStateException e) {
      log.log(
          Level.WARNING,
          "Vector kernels: {0}. Start it with --add-modules=" + VectorKernels.MODULE + ".",
          e.getMessage());
      return Optional.empty();
    }
  }

  private static boolean isPortable(Kernels kernels) {
    return kernels.name().equals(NativeKernels.PORTABLE);
  }

  private static Kernels named(String name, List<Kernels> candidates) {
    return candidates.stream()
        .filter(kernels -> kernels.name().equals(name))
        .findFirst()
        .orElseThrow(() ->
            new IllegalArgumentException(
                "no kernels '%s' run here; %s (or %s) may be one of: %s"
                    .formatted(name, PROPERTY, VARIABLE, names(candidates))));
  }

  private static String names(List<Kernels> candidates) {
    return candidates.stream().map(Kernels::name).collect(Collectors.joining(", "));
  }
}
