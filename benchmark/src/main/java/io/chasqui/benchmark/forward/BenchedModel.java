package io.chasqui.benchmark.forward;

import io.chasqui.benchmark.Machine;
import io.chasqui.benchmark.results.Subject;
import io.chasqui.kernel.DType;
import io.chasqui.kernel.Kernels;
import io.chasqui.kernel.KvLayout;
import io.chasqui.pack.EmbeddedModel;
import io.chasqui.pack.ModelLocation;
import io.chasqui.pack.ModelPacker;
import io.chasqui.pack.PackedModel;
import io.chasqui.pack.Progress;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Models that benchmarks run in their own process. */
public final class BenchedModel {
  private BenchedModel() {}

  /** A directory for files that nobody needs afterwards. */
  public record Temporary(Path directory) implements AutoCloseable {
    public static Temporary create() throws IOException {
      return new Temporary(deletedOnExit(Files.createTempDirectory("chasqui-bench")));
    }

    /** A file of a source, packed. */
    public Path pack(String source, DType quantization) throws IOException {
      Path file = directory.resolve(ModelBench.optionName(quantization) + PackedModel.SUFFIX);
      ModelPacker.pack(ModelLocation.resolve(source), file, quantization, Progress.NONE);
      return deletedOnExit(file);
    }

    /** For those who interrupt a run: models are large. */
    private static Path deletedOnExit(Path path) {
      path.toFile().deleteOnExit();
      return path;
    }

    @Override
    public void close() {
      try (var files = Files.list(directory)) {
        for (Path file : files.toList()) {
          Files.delete(file);
        }
        Files.delete(directory);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  /**
   * Opens a model.
   *
   * @param spec {@code demo}, or a packed file
   */
  public static PackedModel open(String spec) {
    return spec.equals(EmbeddedModel.NAME)
        ? new EmbeddedModel().packed()
        : PackedModel.open(Path.of(spec));
  }

  /** The model as it runs here. */
  public static Subject subject(
      String id, String title, PackedModel model, KvLayout.Type kvType, int threads) {
    return Subject.of(id, title)
        .on(Machine.jvm(), Kernels.best().name(), threads)
        .with(
            model.name(),
            model.weightsDigest(),
            model.weightBytes(),
            model.quantization().toString(),
            ModelBench.optionName(kvType));
  }
}
