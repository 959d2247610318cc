package io.chasqui.pack;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.chasqui.pack.SafetensorsHeader.Dtype;
import io.chasqui.pack.SafetensorsHeader.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * The weights of a model directory: {@code model.safetensors}, or the shards that {@code
 * model.safetensors.index.json} names. The index wins where both are there, as it does for Jlama.
 *
 * @param headers the checked header of each file, by file name
 * @see <a href="https://huggingface.co/docs/safetensors">The format</a>
 */
public record SafetensorsFiles(Map<String, SafetensorsHeader> headers) {
  /** The file that holds all weights of a model that is not split. */
  public static final String SINGLE = "model.safetensors";

  /** The file that says which shard holds which tensor. */
  public static final String INDEX = "model.safetensors.index.json";

  private static final String SCALES_SUFFIX = ".qb";
  private static final int SCALES_BLOCK = 32;

  private static final JsonMapper JSON =
      JsonMapper.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();

  /** Whether the directory holds an index or a single file; neither is looked into. */
  public static boolean isIn(Path directory) {
    return Files.isRegularFile(directory.resolve(INDEX))
        || Files.isRegularFile(directory.resolve(SINGLE));
  }

  /** The files that hold a directory's weights, in alphabetical order. */
  static SortedSet<String> names(Path directory) {
    Path index = directory.resolve(INDEX);
    return Files.isRegularFile(index)
        ? new TreeSet<>(weightMap(readIndex(index)).values())
        : new TreeSet<>(Set.of(SINGLE));
  }

  /**
   * Checks the headers of a directory's weights, and that the index and the shards agree.
   *
   * @throws ModelFormatException naming the file and tensor that break a rule, or the shard that is
   *     missing
   */
  public static SafetensorsFiles check(Path directory) {
    Map<String, SafetensorsHeader> headers = new LinkedHashMap<>();
    Path index = directory.resolve(INDEX);
    if (Files.isRegularFile(index)) {
      Map<String, String> shardOf = weightMap(readIndex(index));
      for (String shard : new TreeSet<>(shardOf.values())) {
        Path path = directory.resolve(shard);
        if (!Files.isRegularFile(path)) {
          throw new ModelFormatException(
              INDEX, "weight_map", "the shard " + shard + " is missing from " + directory);
        }
        headers.put(shard, SafetensorsHeader.read(path));
      }
      shardOf.forEach((tensor, shard) -> checkPresent(tensor, shard, headers.get(shard)));
    } else {
      headers.put(SINGLE, SafetensorsHeader.read(directory.resolve(SINGLE)));
    }
    checkScales(headers);
    return new SafetensorsFiles(Collections.unmodifiableMap(headers));
  }

  /**
   * Which shard holds which tensor.
   *
   * @param index the contents of {@link #INDEX}
   * @throws ModelFormatException when it is not an index, or names a shard that is not a plain file
   *     name
   */
  static Map<String, String> weightMap(byte[] index) {
    JsonNode weightMap;
    try {
      weightMap = JSON.readTree(index).path("weight_map");
    } catch (JsonProcessingException e) {
      throw new ModelFormatException(INDEX, "JSON", "not well-formed: " + e.getOriginalMessage());
    } catch (IOException e) {
      throw new ModelFormatException(INDEX, "JSON", "not UTF-8: " + e.getMessage());
    }
    if (!weightMap.isObject() || weightMap.isEmpty()) {
      throw new ModelFormatException(
          INDEX, "weight_map", "must be an object that maps each tensor to its file");
    }
    Map<String, String> shardOf = new TreeMap<>();
    for (Map.Entry<String, JsonNode> entry : weightMap.properties()) {
      String shard = entry.getValue().textValue();
      if (shard == null || !PlainNames.isPlain(shard)) {
        throw new ModelFormatException(
            INDEX, entry.getKey(), "its shard must be a plain file name, not " + entry.getValue());
      }
      shardOf.put(entry.getKey(), shard);
    }
    return shardOf;
  }

  private static byte[] readIndex(Path index) {
    return ModelDirectory.readSmall(index)
        .orElseThrow(() -> new ModelFormatException(INDEX, "", "vanished while it was read"));
  }

  private static void checkPresent(String tensor, String shard, SafetensorsHeader header) {
    if (!header.tensors().containsKey(tensor)) {
      throw new ModelFormatException(
          shard, tensor, INDEX + " places the tensor in this shard, which does not hold it");
    }
  }

  /** Jlama's Q4 and I8 matrices keep their scales in {@code NAME.qb}: one F32 for 32 values. */
  private static void checkScales(Map<String, SafetensorsHeader> headers) {
    Map<String, Tensor> all = new LinkedHashMap<>();
    headers.forEach((file, header) ->
        header
            .tensors()
            .forEach((name, tensor) -> {
              if (all.put(name, tensor) != null) {
                throw new ModelFormatException(file, name, "another shard holds it too");
              }
            }));
    headers.forEach((file, header) ->
        header.tensors().values().stream()
            .filter(tensor -> tensor.dtype() == Dtype.Q4 || tensor.dtype() == Dtype.I8)
            .forEach(tensor -> checkScales(file, tensor, all)));
  }

  private static void checkScales(String file, Tensor tensor, Map<String, Tensor> all) {
    Tensor scales = all.get(tensor.name() + SCALES_SUFFIX);
    if (scales == null) {
      throw new ModelFormatException(
          file,
          tensor.name(),
          "%s needs its scales in a tensor %s%s, which is missing"
              .formatted(tensor.dtype(), tensor.name(), SCALES_SUFFIX));
    }
    if (scales.dtype() != Dtype.F32 || !scales.shape().equals(scalesShape(file, tensor))) {
      throw new ModelFormatException(
          file,
          scales.name(),
          "the scales of a %s tensor of shape %s must be F32 of shape %s, not %s of shape %s"
              .formatted(
                  tensor.dtype(),
                  tensor.shape(),
                  scalesShape(file, tensor),
                  scales.dtype(),
                  scales.shape()));
    }
  }

  private static List<Long> scalesShape(String file, Tensor tensor) {
    List<Long> shape = tensor.shape();
    if (shape.isEmpty() || shape.getLast() % SCALES_BLOCK != 0) {
      throw new ModelFormatException(
          file,
          tensor.name(),
          "the last dimension of %s must be a multiple of %d: %s"
              .formatted(tensor.dtype(), SCALES_BLOCK, shape));
    }
    List<Long> scales = new ArrayList<>(shape);
    scales.set(scales.size() - 1, shape.getLast() / SCALES_BLOCK);
    return scales;
  }
}
