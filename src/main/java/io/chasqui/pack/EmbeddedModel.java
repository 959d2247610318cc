package io.chasqui.pack;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Optional;

/**
 * The demo model that is part of the program: packed, to be served, and the files that it was
 * packed from. No file is written to use it.
 */
public record EmbeddedModel() implements ModelFiles {
  /** Its name, which is also how one asks for it. */
  public static final String NAME = "demo";

  /** Made from {@link #SOURCE} by {@code ./chasqui pack demo FILE --quant q8}. */
  static final String PACKED = "/models/" + NAME + PackedModel.SUFFIX;

  private static final String SOURCE = "/models/" + NAME + "/";

  @Override
  public String name() {
    return NAME;
  }

  /**
   * The same model as `chasqui pack` writes it, in native memory: 5 MB. The digests of its sections
   * are not computed: a test compares the resource with its source, byte for byte.
   *
   * @return to be closed; another one at each call
   */
  public PackedModel packed() {
    try (InputStream in = EmbeddedModel.class.getResourceAsStream(PACKED)) {
      if (in == null) {
        throw new IllegalStateException("the program lacks its resource " + PACKED);
      }
      return PackedModel.copy(NAME + PackedModel.SUFFIX, in);
    } catch (IOException e) {
      throw new UncheckedIOException("the program's resource " + PACKED, e);
    }
  }

  @Override
  public Optional<byte[]> read(String file) {
    if (!PlainNames.isPlain(file)) {
      throw new IllegalArgumentException("not a plain file name: " + file);
    }
    return resource(SOURCE + file);
  }

  private static Optional<byte[]> resource(String name) {
    try (InputStream in = EmbeddedModel.class.getResourceAsStream(name)) {
      return in == null ? Optional.empty() : Optional.of(in.readAllBytes());
    } catch (IOException e) {
      throw new UncheckedIOException("the program's resource " + name, e);
    }
  }
}
