package io.chasqui.benchmark;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.PrintStream;
import java.util.List;
import java.util.Map;

/** What a benchmark of servers came to. */
interface ServerResults {
  /** How results are written. */
  enum Format {
    MD,
    JSON
  }

  /** The lines of Markdown tables, and below them what was measured on. */
  List<String> tables();

  /** The fields of each result, to be written as JSON. */
  List<Map<String, Object>> fields();

  /** Writes all results. */
  default void print(Format format, PrintStream out) throws JsonProcessingException {
    switch (format) {
      case MD -> tables().forEach(out::println);
      case JSON ->
          out.println(
              new JsonMapper().writerWithDefaultPrettyPrinter().writeValueAsString(fields()));
    }
  }
}
