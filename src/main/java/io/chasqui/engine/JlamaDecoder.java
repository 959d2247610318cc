package io.chasqui.engine;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.github.tjake.jlama.model.AbstractModel;
import com.github.tjake.jlama.model.ModelSupport.ModelType;
import com.github.tjake.jlama.safetensors.Config;
import com.github.tjake.jlama.safetensors.DType;
import com.github.tjake.jlama.safetensors.WeightLoader;
import com.github.tjake.jlama.safetensors.tokenizer.Tokenizer;
import com.github.tjake.jlama.tensor.AbstractTensor;
import com.github.tjake.jlama.tensor.KvBufferCache;
import com.github.tjake.jlama.tensor.KvBufferCache.KvBuffer;
import com.github.tjake.jlama.util.JsonSupport;
import io.chasqui.pack.ModelFormatException;
import java.lang.reflect.InvocationTargetException;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * Jlama's forward pass and nothing else of it: token ids in, a row of logits out. KV memory belongs
 * to one {@link Sequence} and lives in memory only; Jlama's own sessions, which become files that
 * nobody deletes, are not used.
 *
 * <p>For one thread at a time.
 */
final class JlamaDecoder implements TokenDecoder {
  static {
    // With Jlama's native kernels the demo model's logits are off by more than 2. Those in Java, on
    // the Vector API, give the losses that the model card has.
    System.setProperty("jlama.force_panama_tensor_operations", "true");
  }

  /** So many that a cancelled prompt does not run on for long. */
  private static final int MAX_TOKENS = 128;

  private static final String CONTEXT = "max_position_embeddings";

  private final AbstractModel model;
  private final KvBufferCache kvBuffers;
  private final AbstractTensor logits;

  /**
   * @param configJson the text of {@code config.json}
   * @param context the most positions of a sequence, for Jlama makes tables of that length
   * @param name what to call the model in an error
   * @throws ModelFormatException if Jlama does not know the model's family, or its weights do not
   *     fit its configuration
   */
  JlamaDecoder(String name, String configJson, WeightLoader weights, int context) {
    JsonNode json = parse(name, configJson);
    ModelType type = typeOf(name, json);
    try {
      Config config = JsonSupport.om.treeToValue(withContext(json, context), type.configClass);
      WeightShapes.check(name, config, weights.tensorInfoMap());
      model =
          type.modelClass
              .getConstructor(
                  AbstractModel.InferenceType.class,
                  Config.class,
                  WeightLoader.class,
                  Tokenizer.class,
                  DType.class,
                  DType.class,
                  Optional.class)
              // Jlama asks its tokenizer for nothing as long as it is given token ids.
              .newInstance(
                  AbstractModel.InferenceType.FULL_GENERATION,
                  config,
                  weights,
                  null,
                  DType.F32,
                  DType.I8,
                  Optional.empty());
    } catch (JsonProcessingException e) {
      throw new ModelFormatException(name, "config.json", e.getOriginalMessage());
    } catch (InvocationTargetException e) {
      throw new ModelFormatException(
          name, "weights", "do not fit config.json: " + e.getTargetException());
    } catch (ReflectiveOperationException e) {
      throw new LinkageError("Jlama's model class has no such constructor: " + type.modelClass, e);
    }
    kvBuffers = new KvBufferCache(model);
    logits = model.makeDenseTensor(1, model.getConfig().vocabularySize);
  }

  private static JsonNode parse(String name, String configJson) {
    try {
      return JsonSupport.om.readTree(configJson);
    } catch (JsonProcessingException e) {
      throw new ModelFormatException(name, "config.json", e.getOriginalMessage());
    }
  }

  private static ModelType typeOf(String name, JsonNode config) {
    try {
      String type = config.path("model_type").asText("");
      ModelType known = ModelType.valueOf(type.toUpperCase(Locale.ROOT));
      if (known != ModelType.BERT) {
        return known;
      }
    } catch (IllegalArgumentException e) {
      // Not a name that Jlama knows: said below, with the names that it does.
    }
    throw new ModelFormatException(
        name,
        "config.json",
        "its model_type is not among the families that can generate text: llama, mistral,"
            + " mixtral, qwen2, gemma, gemma2, granite, gpt2");
  }

  /**
   * Jlama takes the rotation of head {@code h} at position {@code p} from row {@code p + 2h} of its
   * table, for queries and keys alike. That is as good as row {@code p}, but for the last positions
   * of the context the table must be longer than the context.
   */
  private static JsonNode withContext(JsonNode config, int length) {
    JsonNode heads = config.path("num_attention_heads");
    if (config instanceof ObjectNode object && heads.isInt()) {
      object.put(CONTEXT, length + 2 * heads.intValue());
    }
    return config;
  }

  @Override
  public String kernels() {
    return "jlama";
  }

  /** One: there is one row for logits, and nothing is gained by more. */
  @Override
  public int maxSequences() {
    return 1;
  }

  @Override
  public int maxTokens() {
    return MAX_TOKENS;
  }

  @Override
  public int maxOutputs() {
    return 1;
  }

  /** No: Jlama's sums depend on the batch, so that a draft could change the text. */
  @Override
  public boolean verifiesDrafts() {
    return false;
  }

  /** Always: a sequence has its memory from the start. */
  @Override
  public boolean hasRoom(int positions) {
    return true;
  }

  @Override
  public long maxPositions() {
    return Long.MAX_VALUE;
  }

  /** Jlama has no budget. */
  @Override
  public double usage() {
    return 0;
  }

  @Override
  public TokenDecoder.Sequence newSequence() {
    return new Sequence();
  }

  @Override
  public void forward(List<Run> step) {
    for (Run run : step) {
      ((Sequence) run.sequence()).forward(run.tokens(), run.outputs());
    }
  }

  @Override
  public int members() {
    return 1;
  }

  @Override
  public void share(int pieces, SharedWork work) {
    TokenDecoder.inTurn(pieces, work);
  }

  @Override
  public void logits(int row, float[] into) {
    logits
        .getMemorySegment()
        .asByteBuffer()
        .order(ByteOrder.LITTLE_ENDIAN)
        .asFloatBuffer()
        .get(into);
  }

  private final class Sequence implements TokenDecoder.Sequence {
    private final KvBuffer kv = kvBuffers.getEphemeralKvBuffer();
    private int length;

    void forward(int[] tokens, int outputs) {
      try (AbstractTensor hidden = model.batchForward(tokens, length, kv)) {
        length += tokens.length;
        if (outputs > 0) {
          // At temperature 0 this leaves the plain logits, the model's own scaling included.
          model.sample(hidden.slice(hidden.shape().first() - 1), 0, 0, logits);
        }
      }
    }

    @Override
    public int length() {
      return length;
    }

    /** Nothing: Jlama's sequences have memory of their own. */
    @Override
    public int adopt(int[] tokens, long salt) {
      return 0;
    }

    @Override
    public TokenDecoder.Sequence fork() {
      return newSequence();
    }

    @Override
    public boolean reserve(int positions) {
      return true;
    }

    @Override
    public void truncate(int newLength) {
      if (newLength != length) {
        throw new UnsupportedOperationException("Jlama's sequences only grow");
      }
    }

    @Override
    public void close() {
      kv.close();
    }
  }

  @Override
  public void close() {
    logits.close();
    model.close();
  }
}
