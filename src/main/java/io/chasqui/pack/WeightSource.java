package io.chasqui.pack;

import io.chasqui.kernel.DType;
import io.chasqui.pack.SafetensorsHeader.Dtype;
import io.chasqui.pack.SafetensorsHeader.Tensor;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The weights of a model in Hugging Face's or Jlama's layout, read a stretch at a time whatever
 * their size: through one buffer of {@value #BUFFER_BYTES} bytes.
 */
final class WeightSource implements Closeable {
  static final int BUFFER_BYTES = 1 << 20;

  private static final String SCALES_SUFFIX = ".qb";
  private static final int BLOCK = DType.BLOCK_COLUMNS;

  private final Map<String, Located> tensors = new HashMap<>();
  private final List<FileChannel> channels = new ArrayList<>();
  private final ByteBuffer buffer =
      ByteBuffer.allocateDirect(BUFFER_BYTES).order(ByteOrder.LITTLE_ENDIAN);

  /** Bytes that can be read from any place. */
  @FunctionalInterface
  private interface Bytes {
    /** Fills the buffer's remaining space as far as there are bytes; returns their number or -1. */
    int read(ByteBuffer into, long position) throws IOException;
  }

  private record Located(String file, Bytes bytes, long dataOffset, Tensor tensor) {
    ModelFormatException fail(String reason) {
      return new ModelFormatException(file, tensor.name(), reason);
    }
  }

  private WeightSource() {}

  /**
   * Opens the weights and checks their headers.
   *
   * @throws ModelFormatException if a file is missing or malformed
   */
  static WeightSource open(ModelFiles files) throws IOException {
    var source = new WeightSource();
    switch (files) {
      case ModelDirectory directory -> {
        try {
          for (var shard : SafetensorsFiles.check(directory.directory()).headers().entrySet()) {
            FileChannel channel =
                FileChannel.open(
                    directory.directory().resolve(shard.getKey()), StandardOpenOption.READ);
            source.channels.add(channel);
            source.add(shard.getKey(), channel::read, shard.getValue());
          }
        } catch (IOException | RuntimeException e) {
          source.close();
          throw e;
        }
      }
      case EmbeddedModel embedded -> {
        ByteBuffer weights =
            ByteBuffer.wrap(embedded.require(SafetensorsFiles.SINGLE))
                .order(ByteOrder.LITTLE_ENDIAN);
        source.add(
            SafetensorsFiles.SINGLE,
            (into, position) -> {
              int length = Math.min(into.remaining(), weights.capacity() - (int) position);
              into.put(weights.slice((int) position, length));
              return length;
            },
            SafetensorsHeader.read(SafetensorsFiles.SINGLE, weights));
      }
    }
    return source;
  }

  private void add(String file, Bytes bytes, SafetensorsHeader header) {
    header
        .tensors()
        .forEach((name, tensor) ->
            tensors.put(name, new Located(file, bytes, header.dataOffset(), tensor)));
  }

  Set<String> names() {
    return tensors.keySet();
  }

  /**
   * The element type of a tensor.
   *
   * @param shape the dimensions that it must have
   * @throws ModelFormatException if it is missing, or has another shape or a type that holds no
   *     weights
   */
  Dtype require(String name, List<Long> shape) {
    Located located = tensors.get(name);
    if (located == null) {
      throw new ModelFormatException(
          SafetensorsFiles.SINGLE,
          name,
          "the model does not have this tensor, which its config.json asks for");
    }
    if (!withoutOnes(located.tensor().shape()).equals(withoutOnes(shape))) {
      throw located.fail(
          "has the shape %s, but config.json asks for %s"
              .formatted(located.tensor().shape(), shape));
    }
    return switch (located.tensor().dtype()) {
      case BF16, F16, F32, Q4, I8 -> located.tensor().dtype();
      case BOOL, U8, I16, U16, I32, U32, F64, I64, U64 ->
          throw located.fail(
              "weights of type %s are not supported".formatted(located.tensor().dtype()));
    };
  }

  /** Jlama writes a vector as a matrix of one row. */
  private static List<Long> withoutOnes(List<Long> shape) {
    return shape.stream().dropWhile(dimension -> dimension == 1).toList();
  }

  /**
   * Reads elements as floats.
   *
   * @param from the first, counted in row-major order; a multiple of 32 in quantized tensors, as is
   *     {@code count}
   * @param out receives them from its start
   */
  void readFloats(String name, long from, int count, float[] out) throws IOException {
    Located located = tensors.get(name);
    switch (located.tensor().dtype()) {
      case F32 ->
          read(located, from, count, Float.BYTES, (i, n) -> buffer.asFloatBuffer().get(out, i, n));
      case BF16 ->
          read(
              located,
              from,
              count,
              Short.BYTES,
              (i, n) -> {
                for (int k = 0; k < n; k++) {
                  out[i + k] = Float.intBitsToFloat(buffer.getShort(k * Short.BYTES) << Short.SIZE);
                }
              });
      case F16 ->
          read(
              located,
              from,
              count,
              Short.BYTES,
              (i, n) -> {
                for (int k = 0; k < n; k++) {
                  out[i + k] = Float.float16ToFloat(buffer.getShort(k * Short.BYTES));
                }
              });
      default -> {
        byte[] quants = new byte[count];
        float[] scales = new float[count / BLOCK];
        readQuants(name, from, count, quants, scales);
        for (int i = 0; i < count; i++) {
          out[i] = quants[i] * scales[i / BLOCK];
        }
      }
    }
  }

  /**
   * Reads elements of Jlama's quantized types as they are: blocks of 32 along the row with a scale
   * each; a 4-bit byte holds a value of the first half of the block in its low and one of the
   * second half in its high half, each 8 too large.
   *
   * @param from the first, a multiple of 32 as is {@code count}
   */
  void readQuants(String name, long from, int count, byte[] quants, float[] scales)
      throws IOException {
    Located located = tensors.get(name);
    if (located.tensor().dtype() == Dtype.I8) {
      read(located, from, count, Byte.BYTES, (i, n) -> buffer.get(0, quants, i, n));
    } else {
      read(
          located,
          from / 2,
          count / 2,
          Byte.BYTES,
          (i, n) -> {
            for (int k = i; k < i + n; k++) {
              int pair = buffer.get(k - i);
              int block = k / (BLOCK / 2) * BLOCK;
              int column = k % (BLOCK / 2);
              quants[block + column] = (byte) ((pair & 0xF) - 8);
              quants[block + BLOCK / 2 + column] = (byte) ((pair >>> 4 & 0xF) - 8);
            }
          });
    }
    readFloats(name + SCALES_SUFFIX, from / BLOCK, count / BLOCK, scales);
  }

  @FunctionalInterface
  private interface Taker {
    /** Takes elements {@code i} to {@code i + n} from the start of the buffer. */
    void take(int i, int n);
  }

  private void read(Located located, long from, int count, int elementBytes, Taker taker)
      throws IOException {
    long begin = located.dataOffset() + located.tensor().begin();
    for (int i = 0; i < count; ) {
      int n = Math.min(count - i, BUFFER_BYTES / elementBytes);
      buffer.clear().limit(n * elementBytes);
      while (buffer.hasRemaining()) {
        long position = begin + (from + i) * elementBytes + buffer.position();
        if (located.bytes().read(buffer, position) < 0) {
          throw located.fail("the file became shorter while it was read");
        }
      }
      buffer.flip();
      taker.take(i, n);
      i += n;
    }
  }

  @Override
  public void close() throws IOException {
    for (FileChannel channel : channels) {
      channel.close();
    }
  }
}
