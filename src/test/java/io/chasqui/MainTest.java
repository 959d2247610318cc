package io.chasqui;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.chasqui.kernel.DType;
import io.chasqui.kernel.KvLayout;
import io.chasqui.pack.ModelDirectory;
import io.chasqui.pack.PackedModel;
import io.chasqui.pack.PackedPrefix;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
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
  private final StringWriter output = new StringWriter();

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
  void aTemporaryDirectoryThatCannotBeWrittenToIsOneLine() throws IOException {
    Path file = Files.createFile(directory.resolve("file"));
    String before = System.getProperty("java.io.tmpdir");
    System.setProperty("java.io.tmpdir", file.resolve("tmp").toString());
    try {
      assertEquals(1, run("serve", "--port", "0"));
    } finally {
      System.setProperty("java.io.tmpdir", before);
      System.clearProperty("quarkus.http.port");
    }
    assertTrue(errors.toString().contains("-Djava.io.tmpdir="), errors.toString());
    assertTrue(errors.toString().contains(file.toString()), errors.toString());
    assertEquals(1, errors.toString().lines().count(), errors.toString());
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
    assertOneLine("is a directory: name a file", "verify", folder.toString());
    assertOneLine("There is no directory", "pack", nothing.toString(), "out");
    assertOneLine("config.json: is missing", "pack", folder.toString(), "out");
    assertOneLine("is a directory", "pack", "demo", folder.toString());
    assertFalse(Files.exists(Path.of("out")));
  }

  @Test
  void aPatternThatDoesNotEndIsOneLine() throws IOException {
    ModelDirectory model = DemoFiles.copyTo(directory.resolve("model"));
    DemoFiles.edit(
        model,
        "tokenizer.json",
        "\"pretokenizers\":\\s*\\[",
        "$0{\"type\": \"Split\", \"behavior\": \"Isolated\","
            + " \"pattern\": {\"Regex\": \"a*a*a*a*z\"}},");
    Path prompt = Files.writeString(directory.resolve("prompt"), "a".repeat(2000));
    Path out = directory.resolve("out.chasqui");

    assertOneLine(
        "the pattern \"a*a*a*a*z\"",
        "pack",
        model.directory().toString(),
        out.toString(),
        "--prefix=" + prompt);
  }

  @Test
  void aTypeThatDoesNotExistIsAMistakeInTheCommand() {
    assertEquals(2, run("pack", "demo", directory.resolve("x").toString(), "--quant", "q3"));
    assertTrue(errors.toString().contains("q3"), errors.toString());
    assertFalse(Files.exists(directory.resolve("x")));
  }

  @Test
  void estimateTellsEachPartAndTheirSum() {
    String file = directory.resolve("demo.chasqui").toString();
    assertEquals(0, run("pack", "demo", file, "--quant=q4"));

    assertEquals(0, run("estimate", file, "--batch=2", "--context=100", "--kv=i8"));

    String table = output.toString();
    assertTrue(table.contains("generating on the CPU, weights q4, 2 x 100 positions"), table);
    for (String part : List.of("weights", "kv cache", "activations", "runtime", "total")) {
      assertTrue(table.matches("(?s).*\n" + part + " +[0-9.,]+ MB\n.*"), table);
    }
    assertFalse(table.contains("gradients"), table);
    assertEquals("", errors.toString());
  }

  @Test
  void estimateKnowsWhatADirectoryWouldBePackedAs() throws IOException {
    Path source = DemoFiles.copyTo(directory.resolve("demo")).directory();
    String file = directory.resolve("demo.chasqui").toString();
    assertEquals(0, run("pack", source.toString(), file));

    assertEquals(0, run("estimate", source.toString(), "--json"));
    JsonNode unpacked = json();
    assertEquals(0, run("estimate", file, "--json"));
    JsonNode packed = json();

    assertEquals(packed.get("bytes"), unpacked.get("bytes"));
    try (PackedModel model = PackedModel.open(Path.of(file))) {
      assertEquals(model.weightBytes(), packed.at("/bytes/weights").longValue());
    }
  }

  @Test
  void estimateTakesAShapeInPlaceOfAModel() throws IOException {
    assertEquals(0, run(shape("--parameters=6e9", "--device=gpu", "--precision=q4", "--json")));

    JsonNode estimate = json();
    assertEquals(3_375_000_000L, estimate.at("/bytes/weights").longValue());
    assertEquals(1_300_000_000L, estimate.at("/bytes/runtime").longValue());
    assertEquals("gpu", estimate.get("device").textValue());
  }

  @Test
  void whatCannotBeEstimatedIsOneLine() {
    assertOneLine("at most 512", "estimate", "demo", "--context=1000");
    assertOneLine("from 1 to", "estimate", "demo", "--batch=0");
    assertOneLine("are not packed as f16", "estimate", "demo", "--precision=f16");
    assertOneLine("There is no directory", "estimate", "nothing");
    assertOneLine("there is no such file", "estimate", "nothing.chasqui");
    assertOneLine("whole number", shape("--parameters=1.5"));
    assertOneLine("parameters must be from 1", shape("--parameters=-6e9"));
    assertMistake("Give a MODEL, or", "estimate");
    assertMistake("--layers", "estimate", "--parameters=6e9");
    assertMistake("Give a MODEL, or", shape("--parameters=6e9", "demo"));
    assertMistake("'many' is not an int", "estimate", "demo", "--context=many");
    assertMistake("was 'q3'", "estimate", "demo", "--precision=q3");
    assertMistake("was 'tpu'", "estimate", "demo", "--device=tpu");
    assertMistake("--contxt", "estimate", "demo", "--contxt=5");
  }

  private static String[] shape(String... more) {
    List<String> words = new ArrayList<>();
    words.add("estimate");
    words.addAll(
        List.of(
            "--layers=32",
            "--hidden=4096",
            "--intermediate=11008",
            "--kv-heads=32",
            "--head-dim=128"));
    words.addAll(List.of(more));
    return words.toArray(String[]::new);
  }

  private JsonNode json() throws IOException {
    JsonNode json = new JsonMapper().readTree(output.toString());
    output.getBuffer().setLength(0);
    return json;
  }

  private void assertMistake(String part, String... arguments) {
    assertOneLine(2, part, arguments);
  }

  private void assertOneLine(String part, String... arguments) {
    assertOneLine(1, part, arguments);
  }

  private void assertOneLine(int code, String part, String... arguments) {
    errors.getBuffer().setLength(0);
    assertEquals(code, run(arguments));
    assertTrue(errors.toString().matches("chasqui: [^\n]*\n"), errors.toString());
    assertTrue(errors.toString().contains(part), errors.toString());
  }

  private int run(String... arguments) {
    CommandLine commandLine = Main.commandLine();
    commandLine.setErr(new PrintWriter(errors, true));
    commandLine.setOut(new PrintWriter(output, true));
    return commandLine.execute(arguments);
  }
}
