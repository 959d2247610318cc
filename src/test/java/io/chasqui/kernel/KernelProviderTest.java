package io.chasqui.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.System.Logger;
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
    assertEquals("scalar", provider(NativeKernels::load).choose(Optional.of("scalar")).name());
    IllegalArgumentException refused =
        assertThrows(
            IllegalArgumentException.class,
            () -> provider(List::of).choose(Optional.of("avx1024")));
    assertTrue(refused.getMessage().contains("scalar"), refused.getMessage());
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

  private void assertRefused(Supplier<List<? extends Kernels>> source, String cure) {
    lines.clear();
    assertEquals("scalar", provider(source).choose(Optional.empty()).name());
    assertTrue(
        lines.stream().anyMatch(line -> line.startsWith("WARNING") && line.contains(cure)),
        lines.toString());
  }

  private KernelProvider provider(Supplier<List<? extends Kernels>> source) {
    return new KernelProvider(new Lines(), source);
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
