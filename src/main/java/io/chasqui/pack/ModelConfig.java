package io.chasqui.pack;

import io.chasqui.kernel.KvLayout;
import java.util.Locale;
import java.util.OptionalInt;

/**
 * The shape of a decoder and the constants of its arithmetic: what Hugging Face's {@code
 * config.json} says, with every default filled in.
 *
 * @param architecture the family
 * @param layers decoder layers
 * @param hidden width of the residual stream, a multiple of 32
 * @param feedForward width inside the feed-forward network, a multiple of 32
 * @param heads query heads
 * @param kvHeads key-value heads, a divisor of {@code heads}
 * @param headSize width of a head, a multiple of 16 up to {@value KvLayout#MAX_HEAD_SIZE}; {@code
 *     heads * headSize} is a multiple of 32
 * @param vocabulary rows of the embedding and of the output matrix
 * @param context positions that the model was made for
 * @param rmsNormEps what is added to the mean square
 * @param ropeTheta base of the rotary embedding's frequencies
 * @param ropeScaling how those are stretched
 * @param tiedEmbeddings whether the embedding is the output matrix too
 * @param attentionBias whether the projections to queries, keys and values have a bias
 * @param attentionOutputBias whether the projection of the attention's output has one
 * @param embeddingMultiplier what embeddings are multiplied by; 1 but for Granite
 * @param attentionMultiplier what scores are multiplied by; 1 ÷ √headSize but for Granite
 * @param residualMultiplier what is multiplied before it is added to the residual stream; 1 but for
 *     Granite
 * @param logitsScaling what logits are divided by; 1 but for Granite
 * @param slidingWindow how many positions a position sees, itself included; empty for all
 */
public record ModelConfig(
    Architecture architecture,
    int layers,
    int hidden,
    int feedForward,
    int heads,
    int kvHeads,
    int headSize,
    int vocabulary,
    int context,
    float rmsNormEps,
    double ropeTheta,
    RopeScaling ropeScaling,
    boolean tiedEmbeddings,
    boolean attentionBias,
    boolean attentionOutputBias,
    float embeddingMultiplier,
    float attentionMultiplier,
    float residualMultiplier,
    float logitsScaling,
    OptionalInt slidingWindow) {

  private static final int MAX_LAYERS = 1024;
  private static final int MAX_WIDTH = 1 << 18;
  private static final int MAX_VOCABULARY = 1 << 22;
  private static final int MAX_CONTEXT = 1 << 24;
  private static final int BLOCK = 32;
  private static final int HEAD_STEP = 16;

  /** The families of decoders that the fast path knows. */
  public enum Architecture {
    LLAMA,
    MISTRAL,
    QWEN2,
    GRANITE;

    /** The {@code model_type} of its {@code config.json}. */
    public String modelType() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** How rotary frequencies are changed for contexts longer than those of the first training. */
  public sealed interface RopeScaling {
    /** Not at all. */
    record None() implements RopeScaling {}

    /**
     * Positions are divided by a factor (Chen et al. 2023, "Extending Context Window of Large
     * Language Models via Positional Interpolation").
     */
    record Linear(float factor) implements RopeScaling {
      /**
       * @throws IllegalArgumentException if the factor is not at least 1
       */
      public Linear {
        check("rope scaling factor", factor, 1);
      }
    }

    /**
     * Low frequencies are divided by a factor, high ones are kept, those between are blended (Llama
     * 3.1; {@code rope_type} {@code llama3} of Hugging Face's transformers).
     *
     * @param lowFreqFactor wavelengths above {@code originalContext / lowFreqFactor} are stretched
     * @param highFreqFactor wavelengths below {@code originalContext / highFreqFactor} are kept
     */
    record Llama3(float factor, float lowFreqFactor, float highFreqFactor, int originalContext)
        implements RopeScaling {
      /**
       * @throws IllegalArgumentException if a value is out of range
       */
      public Llama3 {
        check("rope scaling factor", factor, 1);
        check("low_freq_factor", lowFreqFactor, Float.MIN_NORMAL);
        check("high_freq_factor", highFreqFactor, Float.MIN_NORMAL);
        if (highFreqFactor <= lowFreqFactor) {
          throw new IllegalArgumentException("high_freq_factor must be above low_freq_factor");
        }
        ModelConfig.check("original context", originalContext, 1, MAX_CONTEXT);
      }
    }

    private static void check(String what, float value, float least) {
      if (!(value >= least) || Float.isInfinite(value)) {
        throw new IllegalArgumentException(what + " must be at least " + least + ", not " + value);
      }
    }
  }

  /**
   * @throws IllegalArgumentException if a number is out of range, or two do not fit together
   */
  public ModelConfig {
    check("layers", layers, 1, MAX_LAYERS);
    check("hidden", hidden, 1, MAX_WIDTH);
    check("feedForward", feedForward, 1, MAX_WIDTH);
    check("heads", heads, 1, MAX_WIDTH);
    check("kvHeads", kvHeads, 1, heads);
    // Checked here, where a model is packed, and not only where its KV memory is laid out.
    check("headSize", headSize, HEAD_STEP, KvLayout.MAX_HEAD_SIZE);
    check("heads * headSize", heads * headSize, 1, MAX_WIDTH);
    check("vocabulary", vocabulary, 1, MAX_VOCABULARY);
    check("context", context, 1, MAX_CONTEXT);
    slidingWindow.ifPresent(window -> check("slidingWindow", window, 1, Integer.MAX_VALUE));
    multiple("hidden", hidden, BLOCK);
    multiple("feedForward", feedForward, BLOCK);
    multiple("heads * headSize", heads * headSize, BLOCK);
    multiple("heads", heads, kvHeads);
    multiple("headSize", headSize, HEAD_STEP);
    positive("rmsNormEps", rmsNormEps);
    positive("ropeTheta", ropeTheta);
    positive("embeddingMultiplier", embeddingMultiplier);
    positive("attentionMultiplier", attentionMultiplier);
    positive("residualMultiplier", residualMultiplier);
    positive("logitsScaling", logitsScaling);
  }

  /**
   * Reads Hugging Face's {@code config.json}.
   *
   * @throws UnknownFamilyException if the decoder does not know the model's family
   * @throws ModelFormatException if it is missing or malformed, or asks for something that the
   *     decoder lacks, which is named
   */
  public static ModelConfig read(ModelFiles files) {
    return HuggingFaceConfig.read(JsonSection.parse("config.json", files.require("config.json")));
  }

  /** Outputs of the projection to queries. */
  public int queryWidth() {
    return heads * headSize;
  }

  /** Outputs of the projection to keys, and of that to values. */
  public int kvWidth() {
    return kvHeads * headSize;
  }

  /** How KV blocks of this model are laid out. */
  public KvLayout kvLayout(KvLayout.Type type) {
    return new KvLayout(type, kvHeads, headSize);
  }

  private static void check(String what, int value, int least, int most) {
    if (value < least || value > most) {
      throw new IllegalArgumentException(
          "%s must be from %d to %d, not %d".formatted(what, least, most, value));
    }
  }

  private static void multiple(String what, int value, int of) {
    if (value % of != 0) {
      throw new IllegalArgumentException(
          "%s must be a multiple of %d, but is %d".formatted(what, of, value));
    }
  }

  private static void positive(String what, double value) {
    if (!(value > 0) || Double.isInfinite(value)) {
      throw new IllegalArgumentException(what + " must be a positive number, not " + value);
    }
  }
}
