package io.chasqui;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.chasqui.kernel.DType;
import io.chasqui.pack.PackedModel;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import picocli.CommandLine;

class MainTest {
  @TempDir Path directory;

  private final StringWriter errors = new StringWriter();

  @ParameterizedTest
  @EnumSource(DType.class)
  void packWritesWhatVerifyAccepts(DType dtype) {
    String file = directory.resolve("demo.chasqui").toString();

    assertEquals(0, run("pack", "demo", file, "--quant", dtype.name().toLowerCase(Locale.ROOT)));

    assertEquals(0, run("verify", file));
    try (PackedModel model = PackedModel.open(Path.of(file))) {
      assertEquals(dtype, model.quantization());
    }
    assertEquals("", errors.toString());
  }

  @Test
  void eightBitsAreTheDefault() {
    Path file = directory.resolve("demo.chasqui");

    assertEquals(0, run("pack", "demo", file.toString()));

    try (PackedModel model = PackedModel.open(file)) {
      assertEquals(DType.Q8, model.quantization());
    }
  }

  @Test
  void whatGoesWrongIsOneLineAndExitCodeOne() throws IOException {
    Path nothing = directory.resolve("nothing");
    Path folder = Files.createDirectory(directory.resolve("folder"));
    Path text = Files.writeString(directory.resolve("text"), "no model");

    assertOneLine("there is no such file: " + nothing, "verify", nothing.toString());
    assertOneLine("too few for a packed model", "verify", text.toString());
    assertOneLine("cannot be read", "verify", folder.toString());
    assertOneLine("There is no directory", "pack", nothing.toString(), "out");
    assertOneLine("config.json: is missing", "pack", folder.toString(), "out");
    assertOneLine("is a directory", "pack", "demo", folder.toString());
    assertFalse(Files.exists(Path.of("out")));
  }

  @Test
  void aTypeThatDoesNotExistIsAMistakeInTheCommand() {
    assertEquals(2, run("pack", "demo", directory.resolve("x").toString(), "--quant", "q3"));
    assertTrue(errors.toString().contains("q3"), errors.toString());
    assertFalse(Files.exists(directory.resolve("x")));
  }

  private void assertOneLine(String part, String... arguments) {
    errors.getBuffer().setLength(0);
    assertEquals(1, run(arguments));
    assertTrue(errors.toString().matches("chasqui: [^\n]*\n"), errors.toString());
    assertTrue(errors.toString().contains(part), errors.toString());
  }

  private int run(String... arguments) {
    CommandLine commandLine = Main.commandLine();
    commandLine.setErr(new PrintWriter(errors, true));
    return commandLine.execute(arguments);
  }
}
