package io.chasqui.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.io.File;
import java.lang.System.Logger;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.text.MessageFormat;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.ResourceBundle;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

class KernelProviderTest {
  private final List<String> lines = new ArrayList<>();

  @Test
  void theFirstThatRunsIsTakenAndLogged() {
    Kernels first = new ScalarKernels();
    assertSame(first, provider(() -> List.of(first)).choose(Optional.empty()));
    assertTrue(lines.contains("INFO Kernels: scalar"), lines.toString());
  }

  @Test
  void kernelsCanBeForcedByName() {
    for (String name : List.of("vector", "scalar")) {
      assertEquals(name, provider(NativeKernels::load).choose(Optional.of(name)).name());
    }
    IllegalArgumentException refused =
        assertThrows(
            IllegalArgumentException.class,
            () -> provider(List::of).choose(Optional.of("avx1024")));
    assertTrue(refused.getMessage().contains("scalar"), refused.getMessage());
  }

  @Test
  void withoutNativeKernelsThoseOnTheVectorApiAreTaken() {
    assertEquals("vector", provider(List::of).choose(Optional.empty()).name());
  }

  @Test
  void plainCIsTakenOnlyWhereTheVectorApiCannotBeHad() {
    Supplier<List<? extends Kernels>> plain =
        () -> NativeKernels.load().stream().filter(k -> k.name().equals("portable")).toList();
    assumeFalse(plain.get().isEmpty(), "built without a C compiler");

    assertEquals("vector", provider(plain).choose(Optional.empty()).name());
    Supplier<Kernels> refused = () -> VectorKernels.load(ModuleLayer.empty());
    assertEquals(
        "portable",
        new KernelProvider(new Lines(), plain, refused).choose(Optional.empty()).name());
  }

  @Test
  void withoutTheModuleOfTheVectorApiScalarKernelsAreTakenAndTheCureIsLogged() {
    Supplier<Kernels> refused = () -> VectorKernels.load(ModuleLayer.empty());
    KernelProvider provider = new KernelProvider(new Lines(), List::of, refused);
    assertEquals("scalar", provider.choose(Optional.empty()).name());
    assertWarned("--add-modules=jdk.incubator.vector");
    IllegalArgumentException asked =
        assertThrows(IllegalArgumentException.class, () -> provider.choose(Optional.of("vector")));
    assertTrue(asked.getMessage().contains("scalar"), asked.getMessage());
  }

  @Test
  void aJvmWithoutTheModuleOfTheVectorApiRunsScalarKernels() throws Exception {
    String output = run(WithoutVectorApi.class);
    assertTrue(output.contains("took scalar"), output);
    assertTrue(output.contains("--add-modules=jdk.incubator.vector"), output);
  }

  /** What a program prints that runs in a JVM of its own. */
  private static String run(Class<?> program, String... options) throws Exception {
    Path java = Path.of(System.getProperty("java.home"), "bin", "java");
    Path classes =
        Path.of(Kernels.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    Path tests =
        Path.of(
            KernelProviderTest.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    List<String> command = new ArrayList<>(List.of(java.toString()));
    command.addAll(List.of(options));
    command.addAll(List.of("-cp", classes + File.pathSeparator + tests, program.getName()));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor(), output);
    return output;
  }

  /** Chooses as a build without native kernels does, in a JVM that was told of no module. */
  static final class WithoutVectorApi {
    private WithoutVectorApi() {}

    public static void main(String[] args) {
      Logger log = System.getLogger(WithoutVectorApi.class.getName());
      Kernels chosen =
          new KernelProvider(log, List::of, VectorKernels::load).choose(Optional.empty());
      System.out.println("took " + chosen.name());
    }
  }

  @Test
  void everyRefusalSaysWhatWouldCureIt() {
    assertRefused(List::of, "C compiler");
    assertRefused(
        () -> {
          throw new IllegalCallerException();
        },
        "--enable-native-access");
    assertRefused(
        () -> {
          throw new IllegalArgumentException("Cannot open library");
        },
        "java.io.tmpdir");
  }

  @Test
  void theChoiceIsMadeOnce() {
    assertSame(Kernels.best(), Kernels.best());
  }

  @Test
  void aJvmThatIsToldOfUnknownKernelsSaysSoEachTime() throws Exception {
    String output = run(UnknownKernels.class, "-D" + KernelProvider.PROPERTY + "=avx1024");
    assertEquals(2, output.split("no kernels 'avx1024' run here", -1).length - 1, output);
  }

  /** Asks for the kernels twice. */
  static final class UnknownKernels {
    private UnknownKernels() {}

    public static void main(String[] args) {
      for (int i = 0; i < 2; i++) {
        try {
          System.out.println("took " + Kernels.best().name());
        } catch (IllegalArgumentException e) {
          System.out.println(e.getMessage());
        }
      }
    }
  }

  private void assertRefused(Supplier<List<? extends Kernels>> source, String cure) {
    lines.clear();
    assertEquals("vector", provider(source).choose(Optional.empty()).name());
    assertWarned(cure);
  }

  private void assertWarned(String cure) {
    assertTrue(
        lines.stream().anyMatch(line -> line.startsWith("WARNING") && line.contains(cure)),
        lines.toString());
  }

  private KernelProvider provider(Supplier<List<? extends Kernels>> source) {
    return new KernelProvider(new Lines(), source, VectorKernels::load);
  }

  /** Keeps what is logged. */
  private final class Lines implements Logger {
    @Override
    public String getName() {
      return "test";
    }

    @Override
    public boolean isLoggable(Level level) {
      return true;
    }

    @Override
    public void log(Level level, ResourceBundle bundle, String message, Throwable thrown) {
      lines.add(level + " " + message);
    }

    @Override
    public void log(Level level, ResourceBundle bundle, String format, Object... params) {
      lines.add(level + " " + MessageFormat.format(format, params));
    }
  }
}
