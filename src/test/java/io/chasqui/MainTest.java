package io.chasqui;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.chasqui.kernel.DType;
import io.chasqui.kernel.KvLayout;
import io.chasqui.pack.PackedModel;
import io.chasqui.pack.PackedPrefix;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import picocli.CommandLine;

class MainTest {
  private static final String PROMPT = "You are a friendly fox who tells short stories.";

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
  void promptsArePackedWithAModelThatIsPackedOrNot() throws IOException {
    Path prompt = Files.writeString(directory.resolve("fox.txt"), PROMPT + "\n");
    Path file = directory.resolve("demo.chasqui");
    Path copy = directory.resolve("copy.chasqui");

    assertEquals(0, run("pack", "demo", file.toString(), "--prefix", prompt.toString()));
    assertEquals(
        0,
        run(
            "pack",
            file.toString(),
            copy.toString(),
            "--prefix-kv=i8",
            "--prefix=" + prompt,
            "--prefix=" + prompt));

    assertEquals(0, run("verify", file.toString()));
    assertEquals(0, run("verify", copy.toString()));
    assertEquals(List.of(KvLayout.Type.F16), prefixTypes(file));
    assertEquals(List.of(KvLayout.Type.I8, KvLayout.Type.I8), prefixTypes(copy));
    String line = "chasqui: 16 of 20 tokens of " + prompt + " are packed\n";
    assertEquals(line.repeat(3), errors.toString());
  }

  private static List<KvLayout.Type> prefixTypes(Path file) {
    try (PackedModel model = PackedModel.open(file)) {
      return model.prefixes().stream().map(PackedPrefix::type).toList();
    }
  }

  @Test
  void aPromptThatCannotBePackedIsOneLine() throws IOException {
    Path shortPrompt = Files.writeString(directory.resolve("short.txt"), "Hi");
    Path file = directory.resolve("demo.chasqui");
    String out = directory.resolve("out.chasqui").toString();

    assertOneLine("there is no such file", "pack", "demo", out, "--prefix", "nothing.txt");
    assertFalse(Files.exists(Path.of(out)));
    assertEquals(0, run("pack", "demo", file.toString()));
    assertOneLine("is too short", "pack", file.toString(), out, "--prefix=" + shortPrompt);
    assertOneLine("is packed already: give --prefix", "pack", file.toString(), out);
    assertOneLine(
        "and no --quant", "pack", file.toString(), out, "--prefix=" + shortPrompt, "--quant=q4");
    assertFalse(Files.exists(Path.of(out)));
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
