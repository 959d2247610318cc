package io.chasqui.engine;

import io.chasqui.pack.EmbeddedModel;
import io.chasqui.pack.ModelDirectory;
import io.chasqui.pack.ModelLocation;
import io.chasqui.pack.PackedCache;
import io.chasqui.pack.PackedModel;
import io.chasqui.pack.Progress;
import io.chasqui.pack.UnknownFamilyException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.System.Logger.Level;
import java.nio.file.Path;

/**
 * Decides what runs a model: our own decoder wherever it can, on a packed copy if need be, and
 * Jlama otherwise.
 */
final class EngineLoader {
  private static final System.Logger LOG = System.getLogger(EngineLoader.class.getName());

  private final PackedCache cache;
  private final EngineOptions options;
  private final boolean verifies;

  /**
   * @param verifies whether a model's digests are computed before it is opened
   */
  EngineLoader(PackedCache cache, EngineOptions options, boolean verifies) {
    this.cache = cache;
    this.options = options;
    this.verifies = verifies;
  }

  /** See {@link Engine#open(String)}. */
  Engine open(String model) {
    if (model.endsWith(PackedModel.SUFFIX)) {
      return open(PackedModel.open(Path.of(model)));
    }
    return switch (ModelLocation.resolve(model)) {
      case EmbeddedModel demo -> open(demo.packed());
      case ModelDirectory directory -> open(directory);
    };
  }

  private Engine open(ModelDirectory model) {
    PackedModel packed;
    try {
      packed = cache.open(model);
    } catch (UnknownFamilyException e) {
      LOG.log(
          Level.WARNING,
          "Model {0} runs on Jlama, because our own decoder does not know its family: {1}",
          model.name(),
          e.getMessage());
      return LocalEngine.open(model, options);
    } catch (IOException e) {
      throw new UncheckedIOException(
          "Model %s cannot be packed (%s): set XDG_CACHE_HOME to a directory that can be written to and has room, or pack it yourself with `chasqui pack`"
              .formatted(model.name(), e),
          e);
    }
    return open(packed);
  }

  private Engine open(PackedModel model) {
    if (verifies) {
      verify(model);
    }
    return LocalEngine.open(model, options);
  }

  private static void verify(PackedModel model) {
    try {
      model.verifyDigests(Progress.NONE);
    } catch (RuntimeException e) {
      model.close();
      throw e;
    }
  }
}
