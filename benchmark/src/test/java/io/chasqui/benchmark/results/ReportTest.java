package io.chasqui.benchmark.results;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.List;
import java.util.regex.Pattern;
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
  void aLineAloneIsNamedInTheTitle() throws IOException {
    String html = html(run().add("by rate", SPEED, "jvm", 1, 5).add("by rate", SPEED, "jvm", 2, 9));
    assertTrue(html.contains("alt=\"by rate: decode\""), "the line has no name");
  }

  @Test
  void countsAndRatiosAreInTheTableAlone() throws IOException {
    Results.Builder run = run();
    run.add("steps", Quantity.exact("steps"), "jvm", 3);
    run.add("steps", Quantity.exact("blocks"), "jvm", 4);
    assertEquals(0, charts(html(run)));
  }

  @Test
  void moreLinesThanColoursAreDrawnByTheBeginningOfTheirNamesAndThenBySubject() throws IOException {
    Results.Builder run = run();
    List<String> names =
        List.of(
            "TTFT p50", "TTFT p99", "ITL p50", "part a", "part b", "part c", "part d", "part e");
    for (double rate : new double[] {1, 2}) {
      for (String name : names) {
        run.add("rates", Quantity.lower(name, "ms", 1), "jvm", rate, 5);
        run.add("rates", Quantity.lower(name, "ms", 1), "llama-cpp", rate, 5);
      }
    }
    assertEquals(
        List.of("rates: TTFT", "rates: ITL p50", "rates: part, JVM", "rates: part, llama-server"),
        Pattern.compile("<img alt=\"([^\"]*)\"")
            .matcher(html(run))
            .results()
            .map(image -> image.group(1))
            .toList());
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
