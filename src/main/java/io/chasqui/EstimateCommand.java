package io.chasqui;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.chasqui.engine.ServerMemory;
import io.chasqui.estimate.Device;
import io.chasqui.estimate.MemoryEstimate;
import io.chasqui.estimate.MemoryQuestion;
import io.chasqui.estimate.ModelShape;
import io.chasqui.estimate.Precision;
import io.chasqui.estimate.RuleOfThumb;
import io.chasqui.estimate.Workload;
import io.chasqui.kernel.KvLayout;
import io.chasqui.pack.EmbeddedModel;
import io.chasqui.pack.ModelFiles;
import io.chasqui.pack.ModelLocation;
import io.chasqui.pack.PackedModel;
import io.chasqui.pack.PackedSizes;
import java.io.IOException;
import java.io.PrintWriter;
import java.math.BigDecimal;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code chasqui estimate}. */
@Command(
    name = "estimate",
    description = {
      "Tells how much memory a model takes.",
      "",
      "On the CPU it is what this program takes to serve the model, once all sequences are as long as"
          + " the context. Of a GPU, of training, and of a shape that is given by hand, it is a rule"
          + " of thumb for any program.",
      ""
    })
final class EstimateCommand implements Callable<Integer> {
  private static final JsonMapper JSON = new JsonMapper();
  private static final double MEGABYTE = 1e6;

  @Parameters(
      index = "0",
      arity = "0..1",
      paramLabel = "MODEL",
      description =
          "a packed file (.chasqui), demo (built in), a directory in Hugging Face's layout, or"
              + " hf:OWNER/NAME, whose weights are not downloaded")
  String model;

  @ArgGroup(exclusive = false, heading = "Or, in place of MODEL, a shape:%n")
  Shape shape;

  /** A model that is not at hand. */
  static final class Shape {
    @Option(names = "--parameters", paramLabel = "N", required = true, description = "such as 6e9")
    BigDecimal parameters;

    @Option(names = "--layers", paramLabel = "N", required = true)
    int layers;

    @Option(
        names = "--hidden",
        paramLabel = "N",
        required = true,
        description = "width of the residual stream")
    int hidden;

    @Option(
        names = "--intermediate",
        paramLabel = "N",
        required = true,
        description = "width inside the feed-forward network")
    int intermediate;

    @Option(names = "--kv-heads", paramLabel = "N", required = true)
    int kvHeads;

    @Option(names = "--head-dim", paramLabel = "N", required = true)
    int headDim;

    ModelShape read() {
      try {
        return new ModelShape(
            parameters.longValueExact(), layers, hidden, intermediate, kvHeads, headDim);
      } catch (ArithmeticException e) {
        throw new IllegalArgumentException(
            "parameters must be a whole number that is not too large, not " + parameters, e);
      }
    }
  }

  @Option(
      names = "--context",
      paramLabel = "N",
      description = "positions of a sequence (default: the model's, 8192 at most; of a shape 2048)")
  Integer context;

  @Option(
      names = "--batch",
      paramLabel = "N",
      description = "sequences at once (default: 16; by the rule of thumb 1)")
  Integer batch;

  @Option(
      names = "--precision",
      paramLabel = "TYPE",
      description =
          "of the weights: f32, f16, bf16, q8, i8 or q4 (default: as they are packed, or would be;"
              + " of a shape f16)")
  Precision precision;

  @Option(
      names = "--kv",
      paramLabel = "TYPE",
      description = "of keys and values: f16 or i8 (default: f16)")
  KvLayout.Type kv;

  @Option(
      names = "--device",
      paramLabel = "DEVICE",
      description = "cpu or gpu, whose own memory alone it is then (default: cpu)")
  Device device;

  @Option(names = "--training", description = "for training with AdamW instead of generating")
  boolean training;

  @Option(names = "--json", description = "writes what GET /v1/estimate answers")
  boolean json;

  @Spec CommandSpec spec;

  @Override
  public Integer call() throws IOException {
    if ((model == null) == (shape == null)) {
      throw new ParameterException(
          spec.commandLine(), "Give a MODEL, or in its place a shape (--parameters and so on)");
    }
    var question =
        new MemoryQuestion(
            Optional.ofNullable(device),
            training,
            Optional.ofNullable(precision),
            Optional.ofNullable(kv),
            Optional.ofNullable(context),
            Optional.ofNullable(batch));
    print(estimate(question));
    return 0;
  }

  private MemoryEstimate estimate(MemoryQuestion question) throws IOException {
    return shape != null
        ? RuleOfThumb.estimate(shape.read(), question.over(Workload.USUAL))
        : ServerMemory.ofServer(sizes(model)).estimate(question);
  }

  private static PackedSizes sizes(String model) throws IOException {
    if (model.endsWith(PackedModel.SUFFIX)) {
      try (PackedModel packed = PackedModel.open(Path.of(model))) {
        return packed.sizes();
      }
    }
    ModelFiles files = ModelLocation.resolveSettings(model);
    if (files instanceof EmbeddedModel demo) {
      try (PackedModel packed = demo.packed()) {
        return packed.sizes();
      }
    }
    return PackedSizes.of(files);
  }

  private void print(MemoryEstimate estimate) throws JsonProcessingException {
    String name = shape != null ? "shape" : model;
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      out.println(JSON.writeValueAsString(estimate.fields(name)));
    } else {
      out.println(head(name, estimate.workload()));
      estimate
          .parts()
          .forEach((part, bytes) -> {
            if (bytes > 0) {
              out.println(row(part.replace('_', ' '), bytes));
            }
          });
      out.println(row("total", estimate.total()));
    }
    out.flush();
  }

  private static String head(String name, Workload workload) {
    return "%s: %s on the %s, weights %s, %d x %d positions"
            .formatted(
                name,
                workload.training() ? "training" : "generating",
                workload.device(),
                lowerCase(workload.precision()),
                workload.batch(),
                workload.context())
        + (workload.training() ? "" : ", keys and values " + lowerCase(workload.kv()));
  }

  private static String row(String part, long bytes) {
    return String.format(Locale.ROOT, "%-12s%,14.1f MB", part, bytes / MEGABYTE);
  }

  private static String lowerCase(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }
}
