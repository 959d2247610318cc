package io.chasqui.engine;

import io.chasqui.chat.ChatMessage;
import io.chasqui.chat.ChatTemplate;
import io.chasqui.pack.PackedCache;
import io.chasqui.pack.ProgressBar;
import io.chasqui.tokenizer.Tokenizer;
import java.util.List;
import java.util.Optional;

/** A loaded model that answers requests. Thread-safe. */
public interface Engine extends AutoCloseable {

  /**
   * Loads a model with the default options.
   *
   * <p>Our own decoder runs what is packed. A directory or a download is packed when it is opened
   * for the first time, into the cache that {@code XDG_CACHE_HOME} names (else {@code ~/.cache}),
   * and again when its files have changed. Jlama runs the families that our decoder does not know;
   * the log says so.
   *
   * @param model {@code demo} for the built-in model, the path of a packed file ({@code .chasqui})
   *     or of a directory in Hugging Face's layout, or {@code hf:OWNER/NAME} for a download
   * @throws IllegalArgumentException if there is no such directory
   * @throws io.chasqui.pack.DownloadException if the model cannot be downloaded
   * @throws io.chasqui.pack.ModelFormatException if its files cannot be used
   * @throws java.io.UncheckedIOException if the cache cannot be written
   * @throws IllegalStateException if the memory limit leaves no room for keys and values, or the
   *     JVM was started without the flags that Jlama needs, for a model that it is to run
   */
  static Engine open(String model) {
    return open(model, EngineOptions.DEFAULTS);
  }

  /** As {@link #open(String)}, with options. */
  static Engine open(String model, EngineOptions options) {
    return open(model, options, false);
  }

  /**
   * As {@link #open(String, EngineOptions)}.
   *
   * @param verify whether all of a packed model is read, and compared with its digests, before it
   *     is used
   */
  static Engine open(String model, EngineOptions options, boolean verify) {
    var cache = PackedCache.fromEnvironment(System.getenv(), ProgressBar.forThisProcess());
    return new EngineLoader(cache, options, verify).open(model);
  }

  ModelInfo model();

  Tokenizer tokenizer();

  /** How this model wants a conversation written; empty for a model without a chat format. */
  Optional<ChatTemplate> chatTemplate();

  /**
   * Admits a request. Its generation begins when its turn comes, subscribed to or not.
   *
   * @throws AdmissionException if it cannot be admitted
   * @throws EngineFailedException if the engine {@linkplain #hasFailed has failed}
   * @throws IllegalArgumentException if the request is wrong in itself, such as a token id outside
   *     the vocabulary
   */
  Generation submit(GenerationRequest request);

  /**
   * Whether an error has ended the engine's thread. All answers have ended with an {@link
   * EngineFailedException}, and no request will be taken any more.
   */
  boolean hasFailed();

  /** Answers that run now: of each request one for each of its choices, or one for all beams. */
  int running();

  /** Those of them that wait for their readers, and take no part in steps meanwhile. */
  int parked();

  /** Answers of admitted requests that wait for their turn, for the first time or again. */
  int waiting();

  /** The part of the memory for keys and values that running sequences use, from 0 to 1. */
  double kvUsage();

  /** What it takes of memory, and would take otherwise; empty where Jlama runs the model. */
  default Optional<ServerMemory> memory() {
    return Optional.empty();
  }

  /** The file that it reads; empty for the built-in model, and where Jlama runs the model. */
  default Optional<ModelFile> file() {
    return Optional.empty();
  }

  /** Refuses new requests, cancels those that wait or run, and gives all memory back. */
  @Override
  void close();

  /**
   * The prompt that asks for the next turn of a conversation.
   *
   * @throws IllegalArgumentException if the model has no chat template, or its template refuses the
   *     conversation
   */
  default int[] promptFor(List<ChatMessage> conversation) {
    ChatTemplate template =
        chatTemplate()
            .orElseThrow(() ->
                new IllegalArgumentException(
                    "Model '%s' has no chat template; use a plain completion instead."
                        .formatted(model().name())));
    return Prompts.encode(template, tokenizer(), conversation);
  }
}
