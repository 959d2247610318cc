package io.chasqui;

import static org.junit.jupiter.api.Assertions.assertNotEquals;

import io.chasqui.pack.EmbeddedModel;
import io.chasqui.pack.ModelDirectory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** The files that the demo model was packed from, in a directory, for tests that change them. */
public final class DemoFiles {
  private DemoFiles() {}

  /** Writes them to a directory that is made, and that gives the model its name. */
  public static ModelDirectory copyTo(Path directory) throws IOException {
    EmbeddedModel demo = new EmbeddedModel();
    Files.createDirectories(directory);
    for (String file :
        List.of("config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors")) {
      Files.write(directory.resolve(file), demo.require(file));
    }
    return new ModelDirectory(directory.getFileName().toString(), directory);
  }

  /**
   * Replaces what matches a regular expression in one of a model's files.
   *
   * @throws AssertionError if that changes nothing
   */
  public static void edit(ModelDirectory model, String file, String regex, String replacement)
      throws IOException {
    Path path = model.directory().resolve(file);
    String before = Files.readString(path);
    String after = before.replaceAll(regex, replacement);
    assertNotEquals(before, after, "nothing was replaced in " + path);
    Files.writeString(path, after);
  }
}
