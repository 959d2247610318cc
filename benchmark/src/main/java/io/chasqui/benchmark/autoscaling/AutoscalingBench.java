package io.chasqui.benchmark.autoscaling;

import io.chasqui.benchmark.Tool;
import io.chasqui.benchmark.servers.RunningServer;
import io.chasqui.benchmark.streams.StepTimes;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Simulates how Knative scales pods that stream text, and tells how many it takes, what a cold
 * start does, and which settings are best: {@link Study}.
 */
@Command(
    name = "chasqui bench autoscaling",
    description = "Simulates how Knative scales pods that stream text.",
    sortOptions = false,
    mixinStandardHelpOptions = true)
final class AutoscalingBench implements Callable<Integer> {
  @Option(
      names = "--times",
      paramLabel = "FILE",
      description =
          "what ./chasqui bench streams --record has written, or --calibrate (default: the times in"
              + " benchmark/RESULTS.md)")
  private Path times;

  @Option(
      names = "--calibrate",
      paramLabel = "URL",
      description = "measures the server there first, and writes FILE")
  private URI calibrate;

  @Option(names = "--model", paramLabel = "NAME", description = "the model to ask that server for")
  private String model;

  @Option(
      names = "--rates",
      split = ",",
      paramLabel = "N",
      description = "how many pods for so many requests a second? (default: 1,100,10000)")
  private List<Double> rates = List.of(1.0, 100.0, 10_000.0);

  @Option(
      names = "--cold-starts",
      split = ",",
      paramLabel = "SECONDS",
      description =
          "from the decision to a ready pod, to compare; the first counts elsewhere (default: 0.3,5)")
  private List<Double> coldStarts = List.of(0.3, 5.0);

  @Option(
      names = "--peak",
      paramLabel = "N",
      description =
          "requests a second at a day's busiest time; bursts have twice as many (default: ${DEFAULT-VALUE})")
  private double peak = 5;

  @Option(
      names = "--prompt",
      paramLabel = "N",
      description = "tokens of a prompt, the mean (default: ${DEFAULT-VALUE})")
  private int prompt = 128;

  @Option(
      names = "--answer",
      paramLabel = "N",
      description = "tokens of an answer, the mean (default: ${DEFAULT-VALUE})")
  private int answer = 128;

  @Option(
      names = "--slots",
      paramLabel = "N",
      description =
          "requests that a pod runs at once, chasqui.max-num-seqs (default: ${DEFAULT-VALUE})")
  private int slots = 16;

  @Option(
      names = "--seed",
      paramLabel = "N",
      description = "another one gives other requests (default: ${DEFAULT-VALUE})")
  private long seed = 1;

  @Option(
      names = {"-o", "--output"},
      paramLabel = "FORMAT",
      description = "md or json (default: md)")
  private AutoscalingResults.Format format = AutoscalingResults.Format.MD;

  @Option(names = "--charts", paramLabel = "FILE", description = "an HTML page with charts")
  private Path charts;

  @Option(
      names = "--patch",
      paramLabel = "FILE",
      description = "the annotations that it recommends, for kustomize")
  private Path patch;

  /** Runs the command line. */
  public static void main(String... args) {
    System.setProperty("java.awt.headless", "true");
    System.exit(commandLine().execute(args));
  }

  static CommandLine commandLine() {
    return Tool.commandLine(new AutoscalingBench());
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    if (calibrate != null) {
      calibrate();
    }
    ServiceTimes steps = times == null ? ServiceTimes.MEASURED : StepTimes.read(times);
    var options =
        new Study.Options(
            steps, slots, new Lengths(prompt, answer), coldStarts, rates, peak, Limits.CHAT, seed);
    Study study = Study.run(options, AutoscalingBench::tell);
    new AutoscalingResults(study).print(format, System.out);
    if (charts != null) {
      Files.writeString(charts, new Charts(study).html());
    }
    if (patch != null) {
      Files.writeString(patch, new KustomizePatch(study).yaml());
    }
    return 0;
  }

  private void calibrate() throws IOException, InterruptedException {
    if (model == null || times == null) {
      throw new IllegalArgumentException(
          "--calibrate needs --model, a name that the server knows, and --times, the file to write");
    }
    if (calibrate.getHost() == null) {
      throw new IllegalArgumentException(
          "--calibrate takes a URL as http://localhost:8080, not '%s'".formatted(calibrate));
    }
    try (HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build()) {
      StepTimes.measure(new RunningServer(client, calibrate, model), seed, AutoscalingBench::tell)
          .write(times);
    }
  }

  private static void tell(String message) {
    System.err.println("chasqui: " + message);
  }
}
