package io.chasqui.pack;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;

/** The demo model that is part of the program. No file is written to use it. */
public record EmbeddedModel() implements ModelFiles {
  /** Its name, which is also how one asks for it. */
  public static final String NAME = "demo";

  private static final String RESOURCES = "/models/" + NAME + "/";

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public Optional<byte[]> read(String file) {
    if (!PlainNames.isPlain(file)) {
      throw new IllegalArgumentException("not a plain file name: " + file);
    }
    try (InputStream in = EmbeddedModel.class.getResourceAsStream(RESOURCES + file)) {
      return in == null ? Optional.empty() : Optional.of(in.readAllBytes());
    } catch (IOException e) {
      throw new UncheckedIOException("the program's resource " + RESOURCES + file, e);
    }
  }

  /**
   * Copies the weights, a whole safetensors file, out of the program: 10 MB.
   *
   * @return a direct buffer, little endian, whose header has been checked; another one at each call
   */
  public ByteBuffer weights() {
    byte[] file = require(SafetensorsFiles.SINGLE);
    ByteBuffer weights =
        ByteBuffer.allocateDirect(file.length).put(file).flip().order(ByteOrder.LITTLE_ENDIAN);
    SafetensorsHeader.read(SafetensorsFiles.SINGLE, weights);
    return weights;
  }
}
