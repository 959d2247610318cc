package io.chasqui.benchmark.results;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A report is one page, with a chart for what has a common axis. */
class ReportTest {
  private static final Quantity SPEED = Quantity.higher("decode", "tokens/s", 1);
  private static final Quantity PREFILL = Quantity.higher("prefill", "tokens/s", 1);
  private static final Quantity WAIT = Quantity.lower("TTFT <p50>", "ms", 0);

  private static String html(Results.Builder run) throws IOException {
    return new Report(List.of(new KeptRun("run", run.build()))).html();
  }

  private static Results.Builder run() {
    return Results.begin("serve", 1, ResultsTest.environment())
        .subject(Subject.of("jvm", "JVM"))
        .subject(Subject.of("llama-cpp", "llama-server").asBaseline());
  }

  private static int charts(String html) {
    return html.split("<img ", -1).length - 1;
  }

  @Test
  void eachUnitHasAChartOfItsOwn() throws IOException {
    Results.Builder run = run();
    for (String subject : List.of("jvm", "llama-cpp")) {
      run.add("4 streams", SPEED, subject, 20);
      run.add("4 streams", PREFILL, subject, 200);
      run.add("4 streams", WAIT, subject, 3);
    }
    assertEquals(2, charts(html(run)));
  }

  @Test
  void aScaleIsDrawnAndASinglePointIsNot() throws IOException {
    assertEquals(0, charts(html(run().add("by rate", WAIT, "jvm", 1, 5))));
    assertEquals(
        1, charts(html(run().add("by rate", WAIT, "jvm", 1, 5).add("by rate", WAIT, "jvm", 2, 9))));
  }

  @Test
  void thePageNeedsNothingElseAndTextIsNoMarkup() throws IOException {
    String html = html(run().add("a & b", WAIT, "jvm", 5).note("<script>"));

    assertTrue(html.contains("TTFT &lt;p50&gt;, ms"), html);
    assertTrue(html.contains("a &amp; b"), html);
    for (String outside : List.of("<script", "http://", "https://", "src=\"/", "<link")) {
      assertFalse(html.contains(outside), outside);
    }
  }
}
