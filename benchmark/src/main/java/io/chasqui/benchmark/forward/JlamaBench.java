package io.chasqui.benchmark.forward;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.github.tjake.jlama.model.AbstractModel;
import com.github.tjake.jlama.model.llama.LlamaConfig;
import com.github.tjake.jlama.model.llama.LlamaModel;
import com.github.tjake.jlama.safetensors.DType;
import com.github.tjake.jlama.safetensors.SafeTensorSupport;
import com.github.tjake.jlama.tensor.AbstractTensor;
import com.github.tjake.jlama.tensor.KvBufferCache;
import com.github.tjake.jlama.tensor.KvBufferCache.KvBuffer;
import com.github.tjake.jlama.tensor.operations.TensorOperationsProvider;
import com.github.tjake.jlama.util.JsonSupport;
import com.github.tjake.jlama.util.PhysicalCoreExecutor;
import io.chasqui.benchmark.CompilerWarmUp;
import io.chasqui.benchmark.Samples;
import io.chasqui.benchmark.Tool;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * Measures Jlama's forward pass of a Llama as {@link ModelBench} measures ours: one test of a
 * prompt, and one of generation, each after a depth that is not timed. Prints an object of JSON a
 * test, with llama-bench's names.
 *
 * <p>Jlama runs its kernels in C where {@code jlama-native} is on the class path, and those in Java
 * with {@code --java-kernels}. With those in C (0.8.4) the logits of Chasqui's demo model are off
 * by more than 2: their speed is that of a wrong result.
 */
@Command(
    name = "JlamaBench",
    description = "Measures Jlama's forward pass.",
    mixinStandardHelpOptions = true)
final class JlamaBench implements Callable<Integer> {
  private static final JsonMapper JSON = new JsonMapper();
  private static final int WARM_UP_STEPS = 64;

  @Parameters(paramLabel = "DIRECTORY", description = "a Llama that Jlama can read")
  private Path directory;

  @Option(names = "-p", description = "tokens of a prompt; 0: no such test")
  private int prompt;

  @Option(names = "-n", description = "tokens to generate; 0: no such test")
  private int generated;

  @Option(names = "-d", description = "tokens before those that are timed")
  private int depth;

  @Option(names = "-t", required = true, description = "threads")
  private int threads;

  @Option(names = "-r", description = "how many times each test runs")
  private int repetitions = 1;

  @Option(names = "--java-kernels", description = "instead of those in C")
  private boolean javaKernels;

  private final SplittableRandom random = new SplittableRandom(1);
  private AbstractModel model;
  private KvBufferCache kvBuffers;
  private AbstractTensor logits;

  /** Runs the command line. */
  public static void main(String... args) {
    System.exit(Tool.commandLine(new JlamaBench()).execute(args));
  }

  @Override
  public Integer call() throws IOException {
    System.setProperty("jlama.force_panama_tensor_operations", String.valueOf(javaKernels));
    PhysicalCoreExecutor.overrideThreadCount(threads);
    String kernels = TensorOperationsProvider.get().name();
    open();
    warmUp();
    if (prompt > 0) {
      report(kernels, prompt, 0);
    }
    if (generated > 0) {
      report(kernels, 0, generated);
    }
    return 0;
  }

  private void open() throws IOException {
    ObjectNode json =
        (ObjectNode) JsonSupport.om.readTree(directory.resolve("config.json").toFile());
    int positions = depth + Math.max(prompt, Math.max(generated, WARM_UP_STEPS));
    // Jlama makes tables for the whole context, and reads them two rows a head further on.
    json.put("max_position_embeddings", positions + 2 * json.path("num_attention_heads").asInt());
    LlamaConfig config = JsonSupport.om.treeToValue(json, LlamaConfig.class);
    model =
        new LlamaModel(
            AbstractModel.InferenceType.FULL_GENERATION,
            config,
            SafeTensorSupport.loadWeights(directory.toFile()),
            null, // asked for nothing as long as it gets token ids
            DType.F32,
            DType.I8,
            Optional.empty());
    kvBuffers = new KvBufferCache(model);
    logits = model.makeDenseTensor(1, config.vocabularySize);
  }

  private void warmUp() {
    try (KvBuffer kv = kvBuffers.getEphemeralKvBuffer()) {
      prefill(Math.max(prompt, 1), 0, kv);
      CompilerWarmUp.run(WARM_UP_STEPS, steps -> generate(steps, 0, kv));
    }
  }

  private void report(String kernels, int prompt, int generated) {
    Samples samples = new Samples(prompt + generated, nanos(prompt, generated));
    ObjectNode result =
        JSON.createObjectNode()
            .put("kernels", kernels)
            .put("n_threads", threads)
            .put("n_prompt", prompt)
            .put("n_gen", generated)
            .put("n_depth", depth)
            .put("avg_ts", samples.meanSpeed())
            .put("stddev_ts", samples.deviationSpeed());
    ArrayNode speeds = result.putArray("samples_ts");
    samples.tokensPerSecond().forEach(speeds::add);
    System.out.println(result);
  }

  private List<Long> nanos(int prompt, int generated) {
    List<Long> nanos = new ArrayList<>();
    try (KvBuffer kv = kvBuffers.getEphemeralKvBuffer()) {
      prefill(depth, 0, kv);
      for (int i = 0; i < repetitions; i++) {
        long begin = System.nanoTime();
        prefill(prompt, depth, kv);
        generate(generated, depth, kv);
        nanos.add(System.nanoTime() - begin);
      }
    }
    return nanos;
  }

  private void prefill(int tokens, int position, KvBuffer kv) {
    if (tokens > 0) {
      forward(random.ints(tokens, 0, model.getConfig().vocabularySize).toArray(), position, kv);
    }
  }

  private void generate(int tokens, int position, KvBuffer kv) {
    for (int i = 0; i < tokens; i++) {
      int[] token = {random.nextInt(model.getConfig().vocabularySize)};
      forward(token, position + i, kv);
    }
  }

  private void forward(int[] tokens, int position, KvBuffer kv) {
    try (AbstractTensor hidden = model.batchForward(tokens, position, kv)) {
      model.sample(hidden.slice(hidden.shape().first() - 1), 0, 0, logits);
    }
  }
}
