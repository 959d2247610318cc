package io.chasqui.benchmark;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.chasqui.kernel.DType;
import io.chasqui.pack.EmbeddedModel;
import io.chasqui.pack.ModelLocation;
import io.chasqui.pack.ModelPacker;
import io.chasqui.pack.PackedModel;
import io.chasqui.pack.Progress;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Models that tests run: one with random weights and without a chat template, and the demo model.
 */
public final class TinyModels {
  /** Positions of the random model. */
  public static final int CONTEXT = 64;

  private TinyModels() {}

  /** The directory of a random model, made when it is not there. */
  public static Path source(Path directory) {
    Path source = directory.resolve("tiny");
    if (!Files.exists(source)) {
      String[] shape = {
        "--hidden=64",
        "--feed-forward=96",
        "--layers=2",
        "--heads=4",
        "--kv-heads=2",
        "--vocabulary=300",
        "--context=" + CONTEXT,
        source.toString()
      };
      assertEquals(0, Tool.commandLine(new RandomModel()).execute(shape));
    }
    return source;
  }

  /** The random model, packed. */
  public static PackedModel random(Path directory, DType type) throws IOException {
    return PackedModel.open(pack(source(directory).toString(), directory, type));
  }

  /** The demo model, packed as it is not in the program. */
  public static PackedModel demo(Path directory, DType type) throws IOException {
    return PackedModel.open(pack(EmbeddedModel.NAME, directory, type));
  }

  /** A packed file. */
  public static Path pack(String source, Path directory, DType type) throws IOException {
    Path file = directory.resolve(Path.of(source).getFileName() + "-" + type + ".chasqui");
    ModelPacker.pack(ModelLocation.resolve(source), file, type, Progress.NONE);
    return file;
  }
}
