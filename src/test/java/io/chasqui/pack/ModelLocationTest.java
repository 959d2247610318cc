package io.chasqui.pack;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ModelLocationTest {
  @TempDir Path directory;

  @Test
  void demoIsTheEmbeddedModel() {
    assertInstanceOf(EmbeddedModel.class, ModelLocation.resolve("demo", noHub()));
  }

  @Test
  void aDirectoryIsUsedWhereItIs() throws IOException {
    Path model = writeDemo();

    ModelFiles files = ModelLocation.resolve(model + "/.", noHub());

    assertEquals(new ModelDirectory("mine", model), files);
    assertEquals(Optional.empty(), files.read("chat_template.jinja"));
    assertEquals(
        new String(new EmbeddedModel().require("config.json"), StandardCharsets.UTF_8),
        new String(files.require("config.json"), StandardCharsets.UTF_8));
  }

  @Test
  void aTildeIsTheUsersHome() throws IOException {
    Path model = writeDemo();
    String home = System.getProperty("user.home");
    System.setProperty("user.home", directory.toString());
    try {
      assertEquals(new ModelDirectory("mine", model), ModelLocation.resolve("~/mine", noHub()));
    } finally {
      System.setProperty("user.home", home);
    }
  }

  @Test
  void aModelOnTheHubIsDownloaded() throws IOException {
    try (FakeHub server = FakeHub.withModel()) {
      HuggingFaceHub hub =
          new HuggingFaceHub(server.endpoint(), Optional.empty(), directory, Progress.NONE);

      ModelFiles files = ModelLocation.resolve("hf:acme/tiny", hub);

      assertEquals("acme/tiny", files.name());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"nowhere", "~nobody", "", " ", "acme/tiny", "a\0b"})
  void whatIsNoModelIsRefusedWithTheFormsThatAre(String spec) {
    String message =
        assertThrows(IllegalArgumentException.class, () -> ModelLocation.resolve(spec, noHub()))
            .getMessage();

    assertTrue(message.contains(ModelLocation.FORMS), message);
  }

  @Test
  void aDirectoryWhoseNameHasALineBreakIsRefused() throws IOException {
    Path model = Files.move(writeDemo(), directory.resolve("a\nb"));

    String message =
        assertThrows(
                IllegalArgumentException.class,
                () -> ModelLocation.resolve(model.toString(), noHub()))
            .getMessage();
    assertEquals(
        "a model's name must not have control characters or line breaks: a\\x{a}b; rename its directory",
        message);
  }

  @Test
  void whatAFileHasReachesAnErrorWithoutItsControlCharacters() {
    var failure = new ModelFormatException("config.json", "", "\"a\u001b[2J\nb\" is unknown");

    assertEquals("config.json: \"a\\x{1b}[2J\\x{a}b\" is unknown", failure.getMessage());
  }

  @ParameterizedTest
  @ValueSource(strings = {"config.json", "tokenizer.json", "model.safetensors"})
  void aMissingFileIsNamed(String file) throws IOException {
    Path model = writeDemo();
    Files.delete(model.resolve(file));

    assertRefused(model, file + ": is missing from " + model);
  }

  @Test
  void truncatedWeightsAreRefused() throws IOException {
    Path model = writeDemo();
    Files.write(
        model.resolve("model.safetensors"),
        Arrays.copyOf(new EmbeddedModel().require("model.safetensors"), 9_000_000));

    assertRefused(model, "the file is incomplete");
  }

  private void assertRefused(Path model, String part) {
    String message =
        assertThrows(
                ModelFormatException.class, () -> ModelLocation.resolve(model.toString(), noHub()))
            .getMessage();
    assertTrue(message.contains(part), message);
  }

  private Path writeDemo() throws IOException {
    Path model = Files.createDirectory(directory.resolve("mine"));
    EmbeddedModel demo = new EmbeddedModel();
    for (String file : List.of("config.json", "tokenizer.json", "model.safetensors")) {
      Files.write(model.resolve(file), demo.require(file));
    }
    return model;
  }

  /** A hub that cannot be asked without an error. */
  private HuggingFaceHub noHub() {
    return new HuggingFaceHub(
        URI.create("http://127.0.0.1:1"),
        Optional.empty(),
        directory.resolve("cache"),
        Progress.NONE,
        _ -> {
          throw new AssertionError("no request was expected");
        },
        Duration.ofSeconds(5));
  }
}
