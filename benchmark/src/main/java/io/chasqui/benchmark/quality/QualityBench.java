package io.chasqui.benchmark.quality;

import io.chasqui.benchmark.Machine;
import io.chasqui.benchmark.Tool;
import io.chasqui.benchmark.forward.BenchedModel;
import io.chasqui.benchmark.forward.BenchedModel.Temporary;
import io.chasqui.benchmark.results.ResultOptions;
import io.chasqui.benchmark.results.Results;
import io.chasqui.kernel.DType;
import io.chasqui.kernel.KvLayout;
import io.chasqui.pack.EmbeddedModel;
import io.chasqui.pack.PackedModel;
import java.io.IOException;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.logging.Level;
import java.util.logging.Logger;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * Measures how good what packed models say is, in this process. Nothing is random: the same files
 * give the same numbers, to the last bit, on every machine.
 */
@Command(
    name = "chasqui bench quality",
    description = {
      "Measures the loss of packed models on a text, their agreement with F32, and tasks.",
      "",
      "The same files give the same numbers each time, whatever the machine and the threads."
    },
    sortOptions = false,
    mixinStandardHelpOptions = true)
final class QualityBench implements Callable<Integer> {
  private static final Logger LOG = Logger.getLogger("io.chasqui");

  /** Nothing is drawn. */
  private static final long SEED = 1;

  private static final String GROUP = "Quality";

  @Parameters(
      arity = "1..*",
      paramLabel = "MODEL",
      description = "packed files, or demo, the model that is built in")
  private List<String> models;

  @Option(
      names = "--reference",
      paramLabel = "FILE",
      description =
          "a packed file that the others are compared with (default: the first of them in F32; of"
              + " demo, its weights in F32)")
  private Optional<String> reference = Optional.empty();

  @Mixin private QualityOptions options = new QualityOptions();

  @Mixin private ResultOptions output = new ResultOptions();

  /** Runs the command line. */
  public static void main(String... args) {
    LOG.setLevel(Level.WARNING); // the kernels' name is in the caption
    System.exit(commandLine().execute(args));
  }

  static CommandLine commandLine() {
    return Tool.commandLine(new QualityBench());
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    options.check();
    QualityMeter meter = options.meter();
    // A wrong name is told before the first is measured.
    models.forEach(model -> BenchedModel.open(model).close());
    reference.ifPresent(model -> BenchedModel.open(model).close());
    var results = Results.begin("quality", SEED, Machine.environment());
    options.tell(results);
    try (var temporary = Temporary.create()) {
      Optional<String> compared = reference(temporary);
      results.option("reference", reference.orElse("F32"));
      if (compared.isEmpty()) {
        results.note("Compared with nothing: give --reference, or a model in F32.");
      }
      for (String model : new LinkedHashSet<>(models)) {
        measure(model, compared, meter, results);
      }
    }
    output.tell(results.build(), System.out);
    return 0;
  }

  private Optional<String> reference(Temporary temporary) throws IOException {
    if (reference.isPresent()) {
      return reference;
    }
    for (String spec : models) {
      try (PackedModel model = BenchedModel.open(spec)) {
        if (model.quantization() == DType.F32) {
          return Optional.of(spec);
        }
      }
    }
    return models.contains(EmbeddedModel.NAME)
        ? Optional.of(temporary.pack(EmbeddedModel.NAME, DType.F32).toString())
        : Optional.empty();
  }

  private void measure(
      String spec, Optional<String> compared, QualityMeter meter, Results.Builder results) {
    try (PackedModel model = BenchedModel.open(spec);
        var scorer = new Scorer(model, options.kvType(), options.threads())) {
      results.subject(
          BenchedModel.subject(spec, title(spec), model, options.kvType(), options.threads()));
      if (!meter.asks(scorer)) {
        results.note(spec + " has no chat template, and is not given the tasks.");
      }
      if (compared.isEmpty()) {
        meter.measure(scorer, Optional.empty(), results, GROUP, spec);
        return;
      }
      try (PackedModel other = BenchedModel.open(compared.get());
          var reading = new Scorer(other, KvLayout.Type.F16, options.threads())) {
        meter.measure(scorer, Optional.of(reading), results, GROUP, spec);
      }
    }
  }

  private static String title(String spec) {
    String file = spec.substring(spec.lastIndexOf('/') + 1);
    return file.endsWith(PackedModel.SUFFIX)
        ? file.substring(0, file.length() - PackedModel.SUFFIX.length())
        : file;
  }
}
