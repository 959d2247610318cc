package io.chasqui.benchmark.autoscaling;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.chasqui.benchmark.autoscaling.Study.Run;
import io.chasqui.benchmark.autoscaling.Timeline.Series;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** A small study, of a slow pod and a low peak. */
class StudyTest {
  private static final Path BASE = Path.of("../k8s/base");
  private static final Pattern IMAGE = Pattern.compile("src=\"data:image/png;base64,(.*)\"");

  private static final List<String> asked = new ArrayList<>();
  private static Study study;

  private static Study.Options options(double peak) {
    return new Study.Options(
        ServiceTimes.MEASURED,
        16,
        new Lengths(32, 32),
        List.of(0.5, 8.0),
        List.of(1.0, 5.0),
        peak,
        Limits.CHAT,
        11);
  }

  @BeforeAll
  static void run() {
    System.setProperty("java.awt.headless", "true");
    study = Study.run(options(0.5), asked::add);
  }

  private static Stream<Run> all() {
    return Stream.of(
            study.concurrencies(),
            study.windows(),
            study.burstCapacities(),
            study.rates(),
            study.days(),
            study.bursts())
        .flatMap(List::stream);
  }

  @Test
  void everyRunIsTold() {
    assertEquals(all().count(), asked.size());
  }

  @Test
  void littlesLawHoldsInEveryRun() {
    all()
        .forEach(run -> {
          Outcome outcome = run.outcome();
          double expected = outcome.total().mean() * outcome.total().count() / outcome.seconds();
          assertEquals(expected, outcome.meanRequests(), 0.02 * expected, run.toString());
        });
  }

  @Test
  void noSettingGivesMoreThanTwoPercentMoreGoodAnswersForAPodHour() {
    Scaling chosen = study.recommended();
    Scaling usualBurst = chosen.withTargetBurstCapacity(211);
    assertBest(study.concurrencies(), usualBurst.withWindow(60));
    assertBest(study.windows(), usualBurst);
    assertBest(study.burstCapacities(), chosen);
  }

  private static void assertBest(List<Run> runs, Scaling chosen) {
    Run best = runs.stream().filter(run -> run.isOf(chosen)).findFirst().orElseThrow();
    for (Run run : runs) {
      assertTrue(run.goodPerPodHour() <= 1.02 * best.goodPerPodHour(), run + " beats " + best);
      assertEquals(
          run.outcome().goodShare() * run.outcome().requests() / run.outcome().podHours(),
          run.goodPerPodHour(),
          1e-6);
    }
  }

  @Test
  void aDayWithoutRequestsHasNoPodsUnlessOneIsKept() {
    for (Run run : study.days()) {
      // Half an hour before the first morning hour, in which there may be a request or two.
      double[] pods = run.outcome().timeline().means(Series.PODS, 6 * 3600, 7 * 3600, 1);
      long idle = Arrays.stream(pods).filter(count -> count == 0).count();
      if (run.scaling().minScale() == 0) {
        assertTrue(idle > 1800, () -> idle + " s without pods");
      } else {
        assertEquals(0, idle);
        assertEquals(0, run.outcome().coldFirstToken().count());
      }
    }
  }

  @Test
  void aSlowColdStartIsWaitedFor() {
    Run fast = study.days().get(0);
    Run slow = study.days().get(1);

    assertTrue(fast.outcome().coldFirstToken().percentile(0.5) >= 0.5);
    assertTrue(slow.outcome().coldFirstToken().percentile(0.5) >= 8.0);
    assertTrue(slow.outcome().goodShare() < fast.outcome().goodShare());
  }

  @Test
  void ratesNeedNoLessPodsThanFullStepsWould() {
    for (Run run : study.rates()) {
      double least = study.leastPods(run.scaling(), run.setup().traffic().mostRate());
      assertTrue(run.outcome().meanPods() > least, run.toString());
    }
  }

  @Test
  void whatCannotBeIsRefused() {
    var refusal = assertThrows(IllegalArgumentException.class, () -> options(0));
    assertEquals("--peak must be above 0", refusal.getMessage());
  }

  @Test
  void thePageHasItsChartsInside() throws IOException {
    String page = new Charts(study).html();

    List<byte[]> charts =
        IMAGE
            .matcher(page)
            .results()
            .map(image -> Base64.getDecoder().decode(image.group(1)))
            .toList();
    assertEquals(9, charts.size());
    for (byte[] png : charts) {
      BufferedImage image = ImageIO.read(new ByteArrayInputStream(png));
      long colors =
          Arrays.stream(
                  image.getRGB(
                      0, 0, image.getWidth(), image.getHeight(), null, 0, image.getWidth()))
              .distinct()
              .count();
      assertTrue(colors > 2, "nothing is drawn");
    }
    assertFalse(page.contains("src=\"http"));
  }

  @Test
  void thePatchFitsTheManifests() throws Exception {
    boolean required = Boolean.parseBoolean(System.getenv("CHASQUI_REQUIRE_KUBECTL"));
    assumeTrue(required || isOnPath("kubectl"), "kubectl is not installed");
    Path directory = Files.createTempDirectory(Path.of("target").toAbsolutePath(), "patch");
    Files.writeString(directory.resolve("patch.yaml"), new KustomizePatch(study).yaml());
    Files.writeString(
        directory.resolve("kustomization.yaml"),
        "resources:\n  - %s\npatches:\n  - path: patch.yaml\n"
            .formatted(directory.relativize(BASE.toAbsolutePath().normalize())));

    String manifests = kustomize(directory);

    Scaling chosen = study.recommended();
    Map<String, Object> expected =
        Map.of(
            "containerConcurrency: ",
            chosen.containerConcurrency(),
            "autoscaling.knative.dev/target: ",
            quoted(chosen.containerConcurrency()),
            "autoscaling.knative.dev/target-utilization-percentage: ",
            quoted(chosen.utilization()),
            "autoscaling.knative.dev/window: ",
            chosen.window() + "s",
            "autoscaling.knative.dev/target-burst-capacity: ",
            quoted(chosen.targetBurstCapacity()),
            "autoscaling.knative.dev/min-scale: ",
            quoted(0));
    expected.forEach(
        (field, value) -> assertTrue(manifests.contains(field + value + "\n"), manifests));
    assertTrue(manifests.contains("readinessProbe"), manifests);
  }

  private static String quoted(int number) {
    return "\"" + number + "\"";
  }

  private static boolean isOnPath(String program) {
    return Stream.of(System.getenv("PATH").split(File.pathSeparator))
        .anyMatch(directory -> Files.isExecutable(Path.of(directory, program)));
  }

  private static String kustomize(Path directory) throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder("kubectl", "kustomize", directory.toString())
            .redirectErrorStream(true)
            .start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor(), output);
    return output;
  }
}
