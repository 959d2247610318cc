package io.chasqui.config;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import java.time.Duration;
import java.util.Optional;

/** Every setting of the function. Each is also an environment variable: CHASQUI_MODEL and so on. */
@ConfigMapping(prefix = "chasqui")
public interface ChasquiConfig {
  /**
   * The model: {@code demo} for the built-in one, a packed file, a directory in Hugging Face's
   * layout, or {@code hf:OWNER/NAME}, which is downloaded once.
   */
  @WithDefault("demo")
  String model();

  /** The name that clients use for the model; its own name where this is not set. */
  Optional<String> servedModelName();

  /**
   * Tokens that prompt and answer may have together, if the model allows as many. Memory for keys
   * and values is reserved for so many.
   */
  @WithDefault("8192")
  int maxModelLen();

  Queue queue();

  /** Where requests wait. */
  interface Queue {
    /** Requests that may wait; one more is refused with 429. */
    @WithDefault("16")
    int capacity();
  }

  Stream stream();

  /** How answers are streamed. */
  interface Stream {
    /**
     * How long a client may leave a stream unread, once what is computed ahead for it is full,
     * before its answer is given up: while one request runs at a time, it keeps all others waiting.
     */
    @WithDefault("30s")
    Duration stallTimeout();

    /** A comment line is sent when a stream was silent for so long, so that no proxy closes it. */
    @WithDefault("10s")
    Duration keepAlive();
  }
}
