package io.chasqui.benchmark.quality;

import io.chasqui.benchmark.forward.ModelBench;
import io.chasqui.benchmark.results.Results;
import io.chasqui.kernel.KvLayout;
import io.chasqui.model.CpuLimit;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import picocli.CommandLine.Option;

/** What quality is measured with: options of the benchmarks that do so. */
public final class QualityOptions {
  /** Text that the demo model was not trained on, and tasks that it can do. */
  private static final Path DEFAULT_TEXT = Path.of("src/test/resources/demo/valid.jsonl");

  private static final Path DEFAULT_TASKS = Path.of("benchmark/data/quality");

  @Option(
      names = "--text",
      paramLabel = "FILE",
      description =
          "a text to predict; of a .jsonl file the fields 'text' (default: text of the demo model's"
              + " kind)")
  private List<Path> texts = List.of();

  @Option(
      names = "--tokens",
      paramLabel = "N",
      description = "how many tokens of the texts are predicted, at most (default: all)")
  private long tokens = Long.MAX_VALUE;

  @Option(
      names = "--tasks",
      arity = "1..*",
      paramLabel = "FILE",
      description =
          "lines of {\"prompt\" or \"messages\", \"answer\": TEXT} or {…, \"choices\": [TEXT, …],"
              + " \"answer\": INDEX} (default: what the demo model can do)")
  private List<Path> tasks = List.of();

  @Option(
      names = {"-ctk", "-ctv", "--cache-type"},
      paramLabel = "TYPE",
      description = "how keys and values are stored, both alike: f16 or i8 (default: f16)")
  private KvLayout.Type kvType = KvLayout.Type.F16;

  @Option(
      names = {"-t", "--threads"},
      paramLabel = "N",
      description = "default: as many processors as this process may use")
  private int threads = CpuLimit.processors();

  public KvLayout.Type kvType() {
    return kvType;
  }

  public int threads() {
    return threads;
  }

  /** Checks the numbers before anything runs. */
  public void check() {
    if (threads < 1 || tokens < 1) {
      throw new IllegalArgumentException("-t and --tokens must be at least 1");
    }
  }

  /** Reads all files, whose bad lines it refuses. */
  public QualityMeter meter() throws IOException {
    List<Document> documents = new ArrayList<>();
    for (Path file : texts.isEmpty() ? List.of(root().resolve(DEFAULT_TEXT)) : texts) {
      documents.addAll(Document.read(file));
    }
    List<Task> all = new ArrayList<>();
    for (Path file : tasks.isEmpty() ? defaultTasks() : tasks) {
      all.add(Task.read(file));
    }
    return new QualityMeter(documents, tokens, all, tasks.isEmpty());
  }

  private static List<Path> defaultTasks() throws IOException {
    try (Stream<Path> files = Files.list(root().resolve(DEFAULT_TASKS))) {
      return files.filter(file -> file.toString().endsWith(".jsonl")).sorted().toList();
    }
  }

  /** The repository, which the script {@code chasqui} tells. */
  private static Path root() {
    return Path.of(System.getProperty("chasqui.root", "."));
  }

  public void tell(Results.Builder results) {
    results.option("text", texts.isEmpty() ? DEFAULT_TEXT : texts);
    results.option("tasks", tasks.isEmpty() ? DEFAULT_TASKS : tasks);
    results.option("tokens", tokens == Long.MAX_VALUE ? "all" : tokens);
    results.option("cache_type", ModelBench.optionName(kvType));
    results.option("threads", threads);
  }
}
