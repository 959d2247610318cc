package io.chasqui.pack;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadFeature;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The header of a safetensors file, checked against the file's length before any of its data is
 * touched: eight bytes little endian with the length of a JSON object, the object (tensor name to
 * {@code dtype}, {@code shape}, {@code data_offsets}), then the tensors' data, which the offsets
 * must tile without a hole, an overlap or a rest.
 *
 * <p>Besides the dtypes of the format, Jlama's {@code Q4} is known: two values in a byte, the shape
 * counted in values, with the scales in a second tensor {@code NAME.qb}. Dtypes that no reader here
 * understands (8-bit floats, for instance) are refused by name.
 *
 * @param dataOffset where the data section starts, in bytes from the start of the file; the
 *     tensors' offsets count from here
 * @param metadata the free text pairs under {@code __metadata__}
 * @param tensors the tensors by name, in the order of their data
 * @see <a href="https://huggingface.co/docs/safetensors">The format</a>
 */
public record SafetensorsHeader(
    long dataOffset, Map<String, String> metadata, Map<String, Tensor> tensors) {

  /** The longest header accepted, in bytes; the format's own implementation has the same limit. */
  public static final long MAX_HEADER_BYTES = 100_000_000;

  private static final String METADATA = "__metadata__";
  private static final int PREFIX_BYTES = Long.BYTES;
  private static final int MAX_DIMENSIONS = 64;

  private static final JsonFactory JSON =
      JsonFactory.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .disable(StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION)
          .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
          .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
          .build();

  /** The element types that are understood, with the bits one value takes. */
  public enum Dtype {
    BOOL(8),
    U8(8),
    I8(8),
    I16(16),
    U16(16),
    F16(16),
    BF16(16),
    I32(32),
    U32(32),
    F32(32),
    F64(64),
    I64(64),
    U64(64),
    /** Jlama's 4-bit blocks of 32 values. */
    Q4(4);

    private final int bits;

    Dtype(int bits) {
      this.bits = bits;
    }

    /** The bits one value takes. */
    public int bits() {
      return bits;
    }

    private static final Map<String, Dtype> BY_NAME = new HashMap<>();

    static {
      for (Dtype dtype : values()) {
        BY_NAME.put(dtype.name(), dtype);
      }
    }

    static Optional<Dtype> named(String name) {
      return Optional.ofNullable(BY_NAME.get(name));
    }
  }

  /**
   * One tensor of the file.
   *
   * @param shape the dimensions, outermost first; empty for a scalar
   * @param begin its first byte, counted from {@link SafetensorsHeader#dataOffset}
   * @param end the byte after its last
   */
  public record Tensor(String name, Dtype dtype, List<Long> shape, long begin, long end) {
    /** The bytes it takes. */
    public long bytes() {
      return end - begin;
    }
  }

  /**
   * Reads and checks the header of a file.
   *
   * @throws ModelFormatException when the file cannot be read or breaks a rule of the format
   */
  public static SafetensorsHeader read(Path path) {
    String file = path.getFileName().toString();
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      long fileLength = channel.size();
      int headerLength =
          headerLength(
              file, fileLength, ByteBuffer.wrap(readFully(file, channel, 0, PREFIX_BYTES)));
      return parse(file, fileLength, readFully(file, channel, PREFIX_BYTES, headerLength));
    } catch (NoSuchFileException e) {
      throw new ModelFormatException(file, "header", "there is no such file: " + path);
    } catch (IOException e) {
      ModelFormatException failure =
          new ModelFormatException(file, "header", "the file cannot be read: " + e.getMessage());
      failure.initCause(e);
      throw failure;
    }
  }

  /**
   * Checks the header of a file that is in memory.
   *
   * @param file the name for error messages
   * @param contents the whole file, from position to limit; neither is changed
   * @throws ModelFormatException when it breaks a rule of the format
   */
  public static SafetensorsHeader read(String file, ByteBuffer contents) {
    ByteBuffer whole = contents.slice();
    int prefix = Math.min(PREFIX_BYTES, whole.remaining());
    int headerLength = headerLength(file, whole.remaining(), whole.slice(0, prefix));
    byte[] json = new byte[headerLength];
    whole.get(PREFIX_BYTES, json);
    return parse(file, whole.remaining(), json);
  }

  private static byte[] readFully(String file, FileChannel channel, long position, int length)
      throws IOException {
    byte[] contents = new byte[length];
    ByteBuffer bytes = ByteBuffer.wrap(contents);
    int count = 0;
    while (bytes.hasRemaining() && count >= 0) {
      count = channel.read(bytes, position + bytes.position());
    }
    if (bytes.hasRemaining() && position > 0) {
      throw new ModelFormatException(file, "header", "the file became shorter while it was read");
    }
    return bytes.hasRemaining() ? Arrays.copyOf(contents, bytes.position()) : contents;
  }

  private static int headerLength(String file, long fileLength, ByteBuffer prefix) {
    if (prefix.remaining() < PREFIX_BYTES) {
      throw new ModelFormatException(
          file,
          "header",
          0,
          "the file has %d bytes and is too short to be a safetensors file; download it again"
              .formatted(fileLength));
    }
    long length = prefix.order(ByteOrder.LITTLE_ENDIAN).getLong(prefix.position());
    if (length < 2 || length > MAX_HEADER_BYTES) {
      throw new ModelFormatException(
          file,
          "header",
          0,
          "the header's length is given as %s bytes, outside 2 to %d: not a safetensors file"
              .formatted(Long.toUnsignedString(length), MAX_HEADER_BYTES));
    }
    if (length > fileLength - PREFIX_BYTES) {
      throw new ModelFormatException(
          file,
          "header",
          0,
          "the header should have %d bytes, but the file ends after %d; download it again"
              .formatted(length, fileLength - PREFIX_BYTES));
    }
    return (int) length;
  }

  private static SafetensorsHeader parse(String file, long fileLength, byte[] json) {
    // The format wants the brace first; this also keeps a byte order mark out.
    if (json[0] != '{') {
      throw new ModelFormatException(
          file, "header", PREFIX_BYTES, "the header is not a JSON object");
    }
    Map<String, String> metadata = new LinkedHashMap<>();
    List<Tensor> tensors = new ArrayList<>();
    try (JsonParser parser = JSON.createParser(utf8(json))) {
      parser.nextToken();
      for (String name = parser.nextFieldName(); name != null; name = parser.nextFieldName()) {
        if (name.equals(METADATA)) {
          readMetadata(file, parser, metadata);
        } else {
          tensors.add(readTensor(file, name, parser));
        }
      }
      if (parser.nextToken() != null) {
        throw new ModelFormatException(
            file, "header", "there is more than one JSON value in the header");
      }
    } catch (JsonProcessingException e) {
      throw new ModelFormatException(
          file, "header", "the header is not well-formed JSON: " + e.getOriginalMessage());
    } catch (IOException e) {
      throw new ModelFormatException(
          file, "header", PREFIX_BYTES, "the header is not UTF-8: " + e.getMessage());
    }
    long dataOffset = (long) PREFIX_BYTES + json.length;
    tensors.sort(Comparator.comparingLong(Tensor::begin).thenComparingLong(Tensor::end));
    checkTiling(file, tensors, dataOffset, fileLength);
    Map<String, Tensor> byName = new LinkedHashMap<>();
    for (Tensor tensor : tensors) {
      byName.put(tensor.name(), tensor);
    }
    return new SafetensorsHeader(
        dataOffset, Collections.unmodifiableMap(metadata), Collections.unmodifiableMap(byName));
  }

  /** Jackson would guess UTF-16 or UTF-32 from the first bytes, and let malformed UTF-8 pass. */
  private static Reader utf8(byte[] json) {
    return new InputStreamReader(
        new ByteArrayInputStream(json), StandardCharsets.UTF_8.newDecoder());
  }

  private static void readMetadata(String file, JsonParser parser, Map<String, String> metadata)
      throws IOException {
    expect(file, METADATA, parser.nextToken(), JsonToken.START_OBJECT, "must be an object");
    for (String key = parser.nextFieldName(); key != null; key = parser.nextFieldName()) {
      expect(
          file, METADATA, parser.nextToken(), JsonToken.VALUE_STRING, "'" + key + "' must be text");
      metadata.put(key, parser.getText());
    }
  }

  private static Tensor readTensor(String file, String name, JsonParser parser) throws IOException {
    expect(file, name, parser.nextToken(), JsonToken.START_OBJECT, "must be an object");
    Dtype dtype = null;
    List<Long> shape = null;
    List<Long> offsets = null;
    for (String field = parser.nextFieldName(); field != null; field = parser.nextFieldName()) {
      JsonToken value = parser.nextToken();
      switch (field) {
        case "dtype" -> {
          expect(file, name, value, JsonToken.VALUE_STRING, "dtype must be text");
          dtype = dtype(file, name, parser.getText());
        }
        case "shape" -> shape = readLongs(file, name, field, parser);
        case "data_offsets" -> offsets = readLongs(file, name, field, parser);
        default -> throw new ModelFormatException(file, name, "unknown field '" + field + "'");
      }
    }
    if (dtype == null || shape == null || offsets == null) {
      throw new ModelFormatException(file, name, "dtype, shape and data_offsets must all be there");
    }
    if (offsets.size() != 2) {
      throw new ModelFormatException(file, name, "data_offsets must be two numbers");
    }
    long begin = offsets.getFirst();
    long end = offsets.getLast();
    if (begin > end) {
      throw new ModelFormatException(
          file, name, "its data_offsets end (%d) before they begin (%d)".formatted(end, begin));
    }
    long bytes = bytes(file, name, dtype, shape);
    if (bytes != end - begin) {
      throw new ModelFormatException(
          file,
          name,
          "%s of shape %s takes %d bytes, but data_offsets %s span %d"
              .formatted(dtype, shape, bytes, offsets, end - begin));
    }
    return new Tensor(name, dtype, shape, begin, end);
  }

  private static Dtype dtype(String file, String tensor, String name) {
    return Dtype.named(name)
        .orElseThrow(() ->
            new ModelFormatException(
                file,
                tensor,
                "dtype '%s' is not supported; take a BF16, F16, F32 or Jlama Q4/I8 variant of the model"
                    .formatted(name)));
  }

  private static List<Long> readLongs(String file, String tensor, String field, JsonParser parser)
      throws IOException {
    String rule = field + " must be an array of whole numbers";
    expect(file, tensor, parser.currentToken(), JsonToken.START_ARRAY, rule);
    List<Long> numbers = new ArrayList<>();
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      expect(file, tensor, parser.currentToken(), JsonToken.VALUE_NUMBER_INT, rule);
      long number = parser.getLongValue();
      if (number < 0) {
        throw new ModelFormatException(file, tensor, field + " holds a negative number: " + number);
      }
      if (numbers.size() == MAX_DIMENSIONS) {
        throw new ModelFormatException(
            file, tensor, field + " has more than " + MAX_DIMENSIONS + " numbers");
      }
      numbers.add(number);
    }
    return List.copyOf(numbers);
  }

  private static long bytes(String file, String tensor, Dtype dtype, List<Long> shape) {
    try {
      long values = 1;
      for (long dimension : shape) {
        values = Math.multiplyExact(values, dimension);
      }
      long bits = Math.multiplyExact(values, dtype.bits());
      if (bits % Byte.SIZE != 0) {
        throw new ModelFormatException(
            file, tensor, "%s of shape %s does not fill whole bytes".formatted(dtype, shape));
      }
      return bits / Byte.SIZE;
    } catch (ArithmeticException e) {
      throw new ModelFormatException(
          file, tensor, "shape %s has more values than any file can hold".formatted(shape));
    }
  }

  private static void checkTiling(
      String file, List<Tensor> inOrder, long dataOffset, long fileLength) {
    long dataBytes = fileLength - dataOffset;
    long position = 0;
    for (Tensor tensor : inOrder) {
      if (tensor.end() > dataBytes) {
        throw new ModelFormatException(
            file,
            tensor.name(),
            dataOffset + dataBytes,
            "its data ends at byte %d of the data section, which has %d; the file is incomplete, download it again"
                .formatted(tensor.end(), dataBytes));
      }
      if (tensor.begin() != position) {
        throw new ModelFormatException(
            file,
            tensor.name(),
            dataOffset + position,
            tensor.begin() < position
                ? "its data overlaps that of the tensor before it"
                : "%d bytes before its data belong to no tensor"
                    .formatted(tensor.begin() - position));
      }
      position = tensor.end();
    }
    if (position != dataBytes) {
      throw new ModelFormatException(
          file,
          "data",
          dataOffset + position,
          "%d bytes after the last tensor belong to none".formatted(dataBytes - position));
    }
  }

  private static void expect(
      String file, String section, JsonToken found, JsonToken wanted, String rule) {
    if (found != wanted) {
      throw new ModelFormatException(file, section, rule);
    }
  }
}
