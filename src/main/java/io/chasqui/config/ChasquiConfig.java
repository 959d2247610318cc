package io.chasqui.config;

import io.chasqui.engine.Speculation;
import io.chasqui.kernel.KvLayout;
import io.quarkus.runtime.configuration.MemorySize;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalInt;

/** Every setting of the function. Each is also an environment variable: CHASQUI_MODEL and so on. */
@ConfigMapping(prefix = "chasqui")
public interface ChasquiConfig {
  /**
   * The model: {@code demo} for the built-in one, a packed file, a directory in Hugging Face's
   * layout, or {@code hf:OWNER/NAME}, which is downloaded once. The last two are packed once.
   */
  @WithDefault("demo")
  String model();

  /**
   * Whether all of a packed model is read, and compared with its digests, before it is served.
   * Where this is not set, that happens slowly after the start.
   */
  @WithDefault("false")
  boolean verify();

  /** The name that clients use for the model; its own name where this is not set. */
  Optional<String> servedModelName();

  /**
   * Tokens that prompt and answer may have together, if the model and the memory for keys and
   * values allow as many.
   */
  @WithDefault("8192")
  int maxModelLen();

  /**
   * Sequences that run at once, on one pass over the weights: a request is as many as it has
   * choices. What their keys and values may take together is the budget of {@link KvCache#memory},
   * which also decides how many they are where this is not set: one for 512 tokens, and 16 at most.
   */
  OptionalInt maxNumSeqs();

  KvCache kvCache();

  /** Memory for keys and values. */
  interface KvCache {
    /** How they are stored: {@code f16}, or {@code i8} for half the memory. */
    @WithDefault("f16")
    KvLayout.Type dtype();

    /**
     * How much they may take together, such as {@code 512M}: what the container's memory limit
     * leaves beside weights, heap and program where this is not set. If it is too little for {@link
     * #maxModelLen}, the context is shorter.
     */
    Optional<MemorySize> memory();
  }

  /**
   * Whether tokens are guessed ahead for requests that do not say: {@code off}, or {@code
   * prompt-lookup}, for answers that repeat their prompt. Changes the speed, never the text.
   */
  @WithDefault("off")
  Speculation speculation();

  /**
   * The most that a request may take, from its arrival to its last token; a header {@code
   * X-Request-Timeout} can only ask for less. A platform that cuts a request off after some time
   * wants a few seconds less here: then a stream ends by itself, whole. Without a limit where this
   * is not set.
   */
  Optional<Duration> requestTimeout();

  /** How long the head of a request may take to arrive; then its connection is closed. */
  @WithDefault("10s")
  Duration headTimeout();

  /** How long a request's body may take to arrive; then its connection is closed. */
  @WithDefault("30s")
  Duration bodyTimeout();

  /**
   * How large a body may be, such as {@code 2M}. Where this is not set, 64 KiB and 64 bytes for
   * each token of {@link #maxModelLen}. In any case it is at most a 160th of the heap, because work
   * on a body takes many times its size.
   */
  Optional<MemorySize> maxBodySize();

  /**
   * A file with the keys of which a client of the API must have one; README.md tells its form. It
   * is read again when it changes. Nobody needs a key where this is not set.
   */
  Optional<Path> apiKeysFile();

  Queue queue();

  /** Where requests wait. */
  interface Queue {
    /** Requests that may wait; one more is refused with 429. */
    @WithDefault("16")
    int capacity();
  }

  DrainSettings drain();

  /** What happens to open requests when the process is told to stop, by SIGTERM. */
  interface DrainSettings {
    /**
     * How long they have; what is left then ends with an error. Less than what the platform waits
     * before it kills the process, which is 30 seconds in Kubernetes.
     */
    @WithDefault("25s")
    Duration timeout();

    /** The process ends when all are answered and, since it was told, for so long none has come. */
    @WithDefault("1s")
    Duration quietPeriod();
  }

  Stream stream();

  /** How answers are streamed. */
  interface Stream {
    /**
     * How long a client may leave a stream unread, once what is computed ahead for it is full,
     * before its answer is given up. Meanwhile its turn is another's.
     */
    @WithDefault("30s")
    Duration stallTimeout();

    /** A comment line is sent when a stream was silent for so long, so that no proxy closes it. */
    @WithDefault("10s")
    Duration keepAlive();
  }
}
