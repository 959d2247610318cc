package io.chasqui.benchmark.quantizations;

import io.chasqui.benchmark.forward.BenchedModel.Temporary;
import io.chasqui.benchmark.forward.ModelBench;
import io.chasqui.kernel.DType;
import io.chasqui.pack.PackedModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;

/** One model packed as several types, and as F32 in any case. */
final class QuantizedModels implements AutoCloseable {
  private final Map<DType, Path> files = new EnumMap<>(DType.class);
  private final Map<DType, PackedModel> models = new EnumMap<>(DType.class);

  /**
   * Packs and opens them.
   *
   * @param directory which must outlast this
   * @param source a model as `chasqui pack` takes it
   * @param progress is told what is packed
   */
  QuantizedModels(Temporary directory, String source, Set<DType> types, Consumer<String> progress)
      throws IOException {
    Set<DType> all = EnumSet.of(DType.F32);
    all.addAll(types);
    for (DType type : all) {
      progress.accept("packing " + ModelBench.optionName(type));
      files.put(type, directory.pack(source, type));
    }
    files.forEach((type, file) -> models.put(type, PackedModel.open(file)));
  }

  Path file(DType type) {
    return files.get(type);
  }

  long fileBytes(DType type) throws IOException {
    return Files.size(file(type));
  }

  PackedModel get(DType type) {
    return models.get(type);
  }

  @Override
  public void close() {
    models.values().forEach(PackedModel::close);
  }
}
