package io.chasqui.benchmark.jmh;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import com.github.tjake.jlama.model.llama.LlamaTokenizer;
import io.chasqui.pack.TokenizerJson;
import io.chasqui.tokenizer.Tokenizer;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Encoding 10,000 characters of mixed prose (English, Chinese, emoji, code) with the demo model's
 * vocabulary of 2048: ours, Jlama's, and Hugging Face's own library through DJL.
 *
 * <p>Jlama's result is shorter than the text: it drops characters outside ASCII.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 10, time = 1)
@Fork(2)
public class TokenizerBenchmark {
  private static final int LENGTH = 10_000;

  private static final String PROSE =
      """
      The relay runners of the Andes carried messages along the mountain roads, one handing over \
      to the next, day and night; it's said that fresh fish from the coast reached the capital \
      within two days, 400 km away.
      他们在山路上奔跑，一个接一个地传递消息。今天我们用同样的方法传送文字。 😀👍🏽
      for (int i = 0; i < tokens.length; i++) {
          sum += weights[i] * inputs[i]; // accumulate, in order
      }
      "Don't wait," she said, "I'll be there by 10:45." And so the story went on, as stories do…

      """;

  private Path directory;
  private String text;
  private Tokenizer ours;
  private LlamaTokenizer jlama;
  private HuggingFaceTokenizer djl;

  @Setup
  public void open() throws IOException {
    text = PROSE.repeat(1 + LENGTH / PROSE.length()).substring(0, LENGTH);
    directory = Files.createTempDirectory("chasqui-benchmark");
    for (String file : List.of("tokenizer.json", "tokenizer_config.json", "config.json")) {
      try (InputStream in = Tokenizer.class.getResourceAsStream("/models/demo/" + file)) {
        Files.copy(in, directory.resolve(file));
      }
    }
    Path json = directory.resolve("tokenizer.json");
    Path config = directory.resolve("tokenizer_config.json");
    ours = TokenizerJson.read(Files.readAllBytes(json), Optional.of(Files.readAllBytes(config)));
    jlama = new LlamaTokenizer(directory);
    djl =
        HuggingFaceTokenizer.newInstance(
            json, Map.of("truncation", "false", "padding", "false", "maxLength", "1000000"));
  }

  @TearDown
  public void close() throws IOException {
    djl.close();
    try (var files = Files.list(directory)) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
    }
    Files.delete(directory);
  }

  @Benchmark
  public int[] chasqui() {
    return ours.encode(text, false);
  }

  @Benchmark
  public long[] jlama() {
    return jlama.encode(text);
  }

  @Benchmark
  public long[] djl() {
    return djl.encode(text, false, false).getIds();
  }
}
