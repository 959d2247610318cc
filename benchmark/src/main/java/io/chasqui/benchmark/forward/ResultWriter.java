package io.chasqui.benchmark.forward;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectWriter;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.chasqui.benchmark.Samples;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Collectors;

/** Writes results in one of llama-bench's formats, each as soon as it is there. */
abstract sealed class ResultWriter {
  /** A format by the name that the command line has for it. */
  enum Format {
    MD,
    CSV,
    JSON,
    JSONL
  }

  private final PrintStream out;

  private ResultWriter(PrintStream out) {
    this.out = out;
  }

  /**
   * @param tests all that will be run: a column that tells none of them apart is left out of a
   *     table
   */
  static ResultWriter of(Format format, PrintStream out, List<ModelTest> tests) {
    return switch (format) {
      case MD -> new Markdown(out, tests);
      case CSV -> new Csv(out);
      case JSON -> new Json(out);
      case JSONL -> new JsonLines(out);
    };
  }

  abstract void begin();

  abstract void write(TestResult result);

  abstract void end();

  final void line(String text) {
    print(text + "\n");
  }

  final void print(String text) {
    out.print(text);
    out.flush();
  }

  /** The table, with what all rows share below it. */
  private static final class Markdown extends ResultWriter {
    private record Column(String name, int width, Function<TestResult, String> value) {
      String cell(String text) {
        boolean left = name.equals("model");
        return ("%" + (left ? "-" : "") + width + "s").formatted(text);
      }

      String rule() {
        return name.equals("model") ? "-".repeat(width) : "-".repeat(width - 1) + ":";
      }
    }

    private final List<Column> columns = new ArrayList<>();
    private final TreeSet<String> captions = new TreeSet<>();

    Markdown(PrintStream out, List<ModelTest> tests) {
      super(out);
      columns.add(new Column("model", 20, TestResult::modelType));
      columns.add(new Column("size", 10, result -> binary(result.modelBytes())));
      columns.add(new Column("params", 8, result -> decimal(result.modelParameters())));
      columns.add(new Column("kernels", 11, result -> result.setting().kernels()));
      columns.add(new Column("threads", 7, result -> number(result.test().threads())));
      addIfVaried(tests, "n_batch", ModelTest::batch);
      addIfVaried(tests, "n_ubatch", ModelTest::ubatch);
      if (tests.stream().map(ModelTest::kvType).distinct().count() > 1) {
        columns.add(new Column("type_kv", 7, TestResult::kvType));
      }
      columns.add(new Column("test", 15, result -> result.test().name()));
      columns.add(new Column("t/s", 20, result -> speed(result.samples())));
    }

    private void addIfVaried(List<ModelTest> tests, String name, Function<ModelTest, Integer> of) {
      if (tests.stream().map(of).distinct().count() > 1) {
        columns.add(new Column(name, 8, result -> number(of.apply(result.test()))));
      }
    }

    @Override
    void begin() {
      row(column -> column.cell(column.name()));
      row(Column::rule);
    }

    @Override
    void write(TestResult result) {
      row(column -> column.cell(column.value().apply(result)));
      TestResult.Setting setting = result.setting();
      captions.add(
          "build: %s; CPU: %s; JVM: %s; %s: weights' SHA-256 %s"
              .formatted(
                  setting.commit(),
                  setting.cpu(),
                  setting.jvm(),
                  result.test().model().getFileName(),
                  result.modelDigest()));
    }

    @Override
    void end() {
      line("");
      captions.forEach(this::line);
    }

    private void row(Function<Column, String> cell) {
      line(columns.stream().map(cell).collect(Collectors.joining(" | ", "| ", " |")));
    }

    private static String number(int number) {
      return String.valueOf(number);
    }

    private static String binary(long bytes) {
      return bytes < 1 << 30
          ? format("%.2f MiB", bytes / 0x1p20)
          : format("%.2f GiB", bytes / 0x1p30);
    }

    private static String decimal(long count) {
      return count < 1e9 ? format("%.2f M", count / 1e6) : format("%.2f B", count / 1e9);
    }

    private static String speed(Samples samples) {
      return format("%.2f ± %.2f", samples.meanSpeed(), samples.deviationSpeed());
    }

    private static String format(String format, Object... values) {
      return String.format(Locale.ROOT, format, values);
    }
  }

  /** All fields that are no lists, each in quotes; the first line names them. */
  private static final class Csv extends ResultWriter {
    private boolean hasNames;

    Csv(PrintStream out) {
      super(out);
    }

    @Override
    void begin() {}

    @Override
    void write(TestResult result) {
      Map<String, Object> fields = result.fields();
      fields.values().removeIf(List.class::isInstance);
      if (!hasNames) {
        line(String.join(",", fields.keySet()));
        hasNames = true;
      }
      line(fields.values().stream().map(Csv::quoted).collect(Collectors.joining(",")));
    }

    private static String quoted(Object value) {
      String text =
          value instanceof Double number
              ? String.format(Locale.ROOT, "%.6f", number)
              : value.toString();
      return '"' + text.replace("\"", "\"\"") + '"';
    }

    @Override
    void end() {}
  }

  /** An array of objects. */
  private static final class Json extends ResultWriter {
    private static final ObjectWriter WRITER = new JsonMapper().writerWithDefaultPrettyPrinter();

    private boolean hasResult;

    Json(PrintStream out) {
      super(out);
    }

    @Override
    void begin() {
      print("[");
    }

    @Override
    void write(TestResult result) {
      print((hasResult ? ",\n" : "\n") + json(WRITER, result));
      hasResult = true;
    }

    @Override
    void end() {
      line("\n]");
    }
  }

  /** An object a line. */
  private static final class JsonLines extends ResultWriter {
    private static final ObjectWriter WRITER = new JsonMapper().writer();

    JsonLines(PrintStream out) {
      super(out);
    }

    @Override
    void begin() {}

    @Override
    void write(TestResult result) {
      line(json(WRITER, result));
    }

    @Override
    void end() {}
  }

  private static String json(ObjectWriter writer, TestResult result) {
    try {
      return writer.writeValueAsString(result.fields());
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("fields that cannot be written as JSON", e);
    }
  }
}
