package io.chasqui.k8s;

import java.math.BigDecimal;
import java.util.List;
import java.util.Map;

/** Knative's {@code func.yaml} of specification 0.36.0. */
record Function(
    String specVersion,
    String name,
    String domain,
    String runtime,
    String registry,
    String image,
    String namespace,
    String created,
    String invoke,
    Run run,
    Deploy deploy) {
  record Run(List<Volume> volumes, List<Env> envs, Integer startTimeout) {}

  record Volume(String secret, String configMap, EmptyDir emptyDir, String path) {}

  record EmptyDir(String medium, String sizeLimit) {}

  record Env(String name, String value) {}

  record Deploy(
      String namespace,
      String image,
      Map<String, String> annotations,
      Options options,
      HealthEndpoints healthEndpoints,
      String serviceAccountName) {}

  record HealthEndpoints(String liveness, String readiness) {}

  record Options(Scale scale, Resources resources) {}

  record Scale(int min, int max, String metric, BigDecimal target, BigDecimal utilization) {}

  record Resources(Requests requests, Limits limits) {}

  record Requests(String cpu, String memory) {}

  record Limits(String cpu, String memory, long concurrency) {}
}
