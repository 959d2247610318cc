package io.chasqui.k8s;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.exc.UnrecognizedPropertyException;
import io.chasqui.config.ChasquiConfig;
import io.chasqui.model.KvBudget;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.autoscaling.v2.HorizontalPodAutoscaler;
import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicy;
import io.fabric8.kubernetes.api.model.policy.v1.PodDisruptionBudget;
import io.fabric8.openshift.api.model.monitoring.v1.ServiceMonitor;
import io.smallrye.config.ConfigMappings;
import io.smallrye.config.ConfigMappings.ConfigClass;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * What {@code kubectl apply -k} would send of each overlay has no mistyped field, and the values
 * that an operator relies on.
 */
class ManifestTest {
  private static final String AUTOSCALING = "autoscaling.knative.dev/";

  /** Of a service that does not set its own, in seconds. */
  private static final long KNATIVES_TIMEOUT = 300;

  /** Fields of a pod that Knative takes only with a feature flag, from its own list of them. */
  private static final Map<String, String> FLAGS =
      Map.ofEntries(
          Map.entry("nodeSelector", "kubernetes.podspec-nodeselector"),
          Map.entry("tolerations", "kubernetes.podspec-tolerations"),
          Map.entry("runtimeClassName", "kubernetes.podspec-runtimeclassname"),
          Map.entry("affinity", "kubernetes.podspec-affinity"),
          Map.entry("topologySpreadConstraints", "kubernetes.podspec-topologyspreadconstraints"),
          Map.entry("hostAliases", "kubernetes.podspec-hostaliases"),
          Map.entry("dnsPolicy", "kubernetes.podspec-dnspolicy"),
          Map.entry("dnsConfig", "kubernetes.podspec-dnsconfig"),
          Map.entry("schedulerName", "kubernetes.podspec-schedulername"),
          Map.entry("priorityClassName", "kubernetes.podspec-priorityclassname"),
          Map.entry("shareProcessNamespace", "kubernetes.podspec-shareprocessnamespace"),
          Map.entry("initContainers", "kubernetes.podspec-init-containers"),
          Map.entry("fieldRef", "kubernetes.podspec-fieldref"),
          Map.entry("hostPath", "kubernetes.podspec-volumes-hostpath"),
          Map.entry("persistentVolumeClaim", "kubernetes.podspec-persistent-volume-claim"));

  private static final Map<Applied, String> RENDERED = new EnumMap<>(Applied.class);

  /** What a user may apply: folders below {@code k8s}, components after the first. */
  enum Applied {
    BASE("base"),
    CPU("overlays/cpu"),
    GPU("overlays/gpu"),
    GPU_NO_FLAGS("overlays/gpu-no-flags"),
    KSERVE("overlays/kserve"),
    PLAIN("overlays/plain"),
    CPU_MONITORED("overlays/cpu monitoring"),
    PLAIN_MODEL_IMAGE("overlays/plain components/model-image"),
    PLAIN_KEDA_MONITORED("overlays/plain components/keda monitoring");

    private final String folders;

    Applied(String folders) {
      this.folders = folders;
    }

    String yaml() throws Exception {
      String rendered = RENDERED.get(this);
      if (rendered == null) {
        List<String> all = List.of(folders.split(" "));
        rendered = Kustomize.render(all.getFirst(), all.subList(1, all.size()));
        RENDERED.put(this, rendered);
      }
      return rendered;
    }

    Manifests manifests() throws Exception {
      return Manifests.parse(yaml());
    }

    Pod pod() throws Exception {
      return Pod.of(manifests());
    }

    io.fabric8.knative.serving.v1.Service knative() throws Exception {
      return manifests().only(io.fabric8.knative.serving.v1.Service.class);
    }
  }

  @BeforeEach
  void kubectlIsHere() {
    boolean required = Boolean.parseBoolean(System.getenv("CHASQUI_REQUIRE_KUBECTL"));
    assumeTrue(required || Kustomize.isHere(), "kubectl is not installed");
  }

  @ParameterizedTest
  @EnumSource
  void everyDocumentHasKnownFieldsOnly(Applied applied) throws Exception {
    List<JsonNode> trees = applied.manifests().trees();

    assertFalse(trees.isEmpty());
    var names = new HashSet<String>();
    for (JsonNode tree : trees) {
      String name = tree.at("/metadata/name").asText();
      assertTrue(name.startsWith("chasqui"), name);
      assertTrue(names.add(tree.path("apiVersion") + "/" + tree.path("kind") + "/" + name), name);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "BASE, containerConcurrency",
    "BASE, readOnlyRootFilesystem",
    "BASE, failureThreshold",
    "BASE, maxUnavailable",
    "BASE, podSelector",
    "GPU, runtimeClassName",
    "KSERVE, supportedModelFormats",
    "KSERVE, autoSelect",
    "KSERVE, volumeMounts",
    "PLAIN, terminationGracePeriodSeconds",
    "PLAIN, averageValue",
    "PLAIN, targetPort",
    "PLAIN_MODEL_IMAGE, pullPolicy",
    "PLAIN_KEDA_MONITORED, pollingInterval",
    "PLAIN_KEDA_MONITORED, stabilizationWindowSeconds",
    "PLAIN_KEDA_MONITORED, jobLabel",
    "PLAIN_KEDA_MONITORED, expr"
  })
  void aMistypedFieldIsFound(Applied applied, String field) throws Exception {
    String mistyped = applied.yaml().replace(" " + field + ":", " " + field + "s:");

    UnrecognizedPropertyException found =
        assertThrows(UnrecognizedPropertyException.class, () -> Manifests.parse(mistyped));

    assertEquals(field + "s", found.getPropertyName());
  }

  @ParameterizedTest
  @EnumSource
  void imagesAreSetByTheUser(Applied applied) throws Exception {
    for (JsonNode tree : applied.manifests().trees()) {
      Stream.of("image", "reference")
          .flatMap(field -> tree.findValues(field).stream())
          .filter(JsonNode::isTextual)
          .forEach(image -> assertTrue(image.asText().startsWith("registry.example.com/")));
    }
  }

  @ParameterizedTest
  @EnumSource
  void theProbesAskQuarkus(Applied applied) throws Exception {
    Container container = applied.pod().container();

    assertEquals("/q/health/started", container.getStartupProbe().getHttpGet().getPath());
    assertEquals("/q/health/ready", container.getReadinessProbe().getHttpGet().getPath());
    assertEquals("/q/health/live", container.getLivenessProbe().getHttpGet().getPath());
  }

  @ParameterizedTest
  @EnumSource
  void requestsAndLimitsAreSet(Applied applied) throws Exception {
    var resources = applied.pod().container().getResources();

    assertEquals(Set.of("cpu", "memory"), resources.getRequests().keySet());
    assertTrue(resources.getLimits().keySet().containsAll(Set.of("cpu", "memory")));
    resources
        .getRequests()
        .forEach((name, request) ->
            assertTrue(
                request
                        .getNumericalAmount()
                        .compareTo(resources.getLimits().get(name).getNumericalAmount())
                    <= 0,
                () -> name + " is requested above its limit"));
  }

  @ParameterizedTest
  @EnumSource
  void theProcessHasNoMoreRightsThanItNeeds(Applied applied) throws Exception {
    Manifests manifests = applied.manifests();
    Pod pod = Pod.of(manifests);
    var security = pod.container().getSecurityContext();

    assertTrue(security.getRunAsNonRoot());
    assertEquals(10001, security.getRunAsUser());
    assertTrue(security.getReadOnlyRootFilesystem());
    assertFalse(security.getAllowPrivilegeEscalation());
    assertEquals(List.of("ALL"), security.getCapabilities().getDrop());
    assertEquals(List.of(), security.getCapabilities().getAdd());
    assertEquals("RuntimeDefault", security.getSeccompProfile().getType());
    assertNotNull(pod.volumeAt("/tmp").getEmptyDir().getSizeLimit());
    for (String right : List.of("privileged", "hostNetwork", "hostPID", "hostIPC", "hostPath")) {
      for (JsonNode tree : manifests.trees()) {
        assertTrue(tree.findValues(right).isEmpty(), right);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"BASE", "CPU", "GPU", "GPU_NO_FLAGS", "CPU_MONITORED"})
  void knativeScalesWithinBounds(Applied applied) throws Exception {
    Map<String, String> annotations =
        applied.knative().getSpec().getTemplate().getMetadata().getAnnotations();

    int least = Integer.parseInt(annotations.get(AUTOSCALING + "min-scale"));
    int most = Integer.parseInt(annotations.get(AUTOSCALING + "max-scale"));
    assertTrue(0 <= least && least <= most && most > 0, () -> least + " to " + most);
    assertEquals("70", annotations.get(AUTOSCALING + "target-utilization-percentage"));
    assertEquals("-1", annotations.get(AUTOSCALING + "target-burst-capacity"));
  }

  @ParameterizedTest
  @EnumSource(names = {"BASE", "CPU", "GPU", "GPU_NO_FLAGS", "CPU_MONITORED"})
  void aPodIsGivenWhatItRunsAtOnce(Applied applied) throws Exception {
    var template = applied.knative().getSpec().getTemplate();
    Long concurrency = template.getSpec().getContainerConcurrency();

    assertNotNull(concurrency);
    int target =
        Integer.parseInt(template.getMetadata().getAnnotations().get(AUTOSCALING + "target"));
    assertEquals(KvBudget.MOST_SEQUENCES, concurrency.intValue());
    assertTrue(target <= concurrency, "Knative would ignore a target above the hard limit");
  }

  @ParameterizedTest
  @EnumSource(names = {"BASE", "CPU", "GPU_NO_FLAGS", "CPU_MONITORED"})
  void knativeNeedsNoFlag(Applied applied) throws Exception {
    assertEquals(Set.of(), flags(applied));
  }

  @Test
  void theGpuOverlayNeedsTheFlagsThatThePatchesEnable() throws Exception {
    var operator =
        Manifests.parse(read("knative/operator-features.yaml")).only(KnativeServing.class);
    var map = Manifests.parse(read("knative/config-features.yaml")).only(ConfigMap.class);

    Map<String, String> needed =
        flags(Applied.GPU).stream().collect(Collectors.toMap(flag -> flag, flag -> "enabled"));
    assertFalse(needed.isEmpty());
    assertEquals(needed, operator.spec().config().get("features"));
    assertEquals(needed, map.getData());
    assertEquals("config-features", map.getMetadata().getName());
    assertEquals("knative-serving", map.getMetadata().getNamespace());
    assertEquals("knative-serving", operator.metadata().getNamespace());
  }

  @ParameterizedTest
  @EnumSource(names = {"GPU", "GPU_NO_FLAGS"})
  void aGpuIsALimit(Applied applied) throws Exception {
    var limits = applied.pod().container().getResources().getLimits();

    assertEquals("1", limits.get("nvidia.com/gpu").getAmount());
  }

  @Test
  void aPlainPodIsKnativesButForItsEnd() throws Exception {
    Pod plain = Applied.PLAIN.pod();
    Pod knative = Applied.BASE.pod();

    Container container = plain.container();
    // The kubelet knows no period of 0, and what stops without Knative stops by a hook.
    container.getReadinessProbe().setPeriodSeconds(0);
    container.setLifecycle(null);
    container.getPorts().forEach(port -> port.setName(null));
    assertEquals(knative, plain);
    assertEquals(
        Applied.BASE.knative().getSpec().getTemplate().getSpec().getTimeoutSeconds(),
        Applied.PLAIN
            .manifests()
            .only(Deployment.class)
            .getSpec()
            .getTemplate()
            .getSpec()
            .getTerminationGracePeriodSeconds());
  }

  @Test
  void theAutoscalersCountBelowWhatAPodRunsAtOnce() throws Exception {
    var autoscaler = Applied.PLAIN.manifests().only(HorizontalPodAutoscaler.class).getSpec();
    var scaled = Applied.PLAIN_KEDA_MONITORED.manifests().only(ScaledObject.class).spec();

    assertEquals(1, autoscaler.getMinReplicas());
    assertEquals(autoscaler.getMinReplicas(), scaled.minReplicaCount());
    assertEquals(autoscaler.getMaxReplicas(), scaled.maxReplicaCount());
    assertEquals("Deployment", autoscaler.getScaleTargetRef().getKind());
    assertEquals("chasqui", autoscaler.getScaleTargetRef().getName());
    assertEquals("chasqui", scaled.scaleTargetRef().name());
    autoscaler
        .getMetrics()
        .forEach(metric ->
            assertIsBelowWhatRunsAtOnce(
                metric.getPods().getTarget().getAverageValue().getAmount()));
    assertIsBelowWhatRunsAtOnce(scaled.triggers().getFirst().metadata().get("threshold"));
  }

  private static void assertIsBelowWhatRunsAtOnce(String target) {
    int value = Integer.parseInt(target);
    assertTrue(0 < value && value < KvBudget.MOST_SEQUENCES, target);
  }

  @Test
  void oneAutoscalerAtATime() throws Exception {
    Manifests keda = Applied.PLAIN_KEDA_MONITORED.manifests();

    assertEquals(0, keda.all(HorizontalPodAutoscaler.class).count());
    assertEquals(1, keda.all(ScaledObject.class).count());
  }

  @ParameterizedTest
  @EnumSource(names = "KSERVE", mode = EnumSource.Mode.EXCLUDE)
  void everySelectorFindsThePod(Applied applied) throws Exception {
    Manifests manifests = applied.manifests();
    Set<Map.Entry<String, String>> labels = Pod.of(manifests).labels().entrySet();

    Stream.of(
            manifests
                .all(PodDisruptionBudget.class)
                .map(budget -> budget.getSpec().getSelector().getMatchLabels()),
            manifests
                .all(NetworkPolicy.class)
                .map(policy -> policy.getSpec().getPodSelector().getMatchLabels()),
            manifests
                .all(Deployment.class)
                .map(deployment -> deployment.getSpec().getSelector().getMatchLabels()),
            manifests
                .all(io.fabric8.kubernetes.api.model.Service.class)
                .map(service -> service.getSpec().getSelector()))
        .flatMap(selectors -> selectors)
        .forEach(selector -> {
          assertFalse(selector.isEmpty());
          assertTrue(labels.containsAll(selector.entrySet()), selector::toString);
        });
    assertEquals(1, manifests.all(PodDisruptionBudget.class).count());
    assertEquals(1, manifests.all(NetworkPolicy.class).count());
  }

  @ParameterizedTest
  @EnumSource(names = "KSERVE", mode = EnumSource.Mode.EXCLUDE)
  void nothingLeavesThePod(Applied applied) throws Exception {
    var policy = applied.manifests().only(NetworkPolicy.class).getSpec();

    assertEquals(List.of("Ingress", "Egress"), policy.getPolicyTypes());
    assertEquals(List.of(), policy.getEgress());
  }

  @ParameterizedTest
  @EnumSource(names = {"CPU_MONITORED", "PLAIN_KEDA_MONITORED"})
  void prometheusFindsTheProgram(Applied applied) throws Exception {
    Manifests manifests = applied.manifests();
    var monitor = manifests.only(ServiceMonitor.class).getSpec();
    var endpoint = monitor.getEndpoints().getFirst();
    var found =
        manifests
            .all(io.fabric8.kubernetes.api.model.Service.class)
            .filter(service ->
                service
                    .getMetadata()
                    .getLabels()
                    .entrySet()
                    .containsAll(monitor.getSelector().getMatchLabels().entrySet()))
            .toList();

    assertEquals(1, found.size());
    var service = found.getFirst();
    assertEquals("chasqui", service.getMetadata().getLabels().get(monitor.getJobLabel()));
    var port = service.getSpec().getPorts().getFirst();
    assertEquals(endpoint.getPort(), port.getName());
    assertEquals(
        Pod.of(manifests).container().getPorts().getFirst().getContainerPort(), port.getPort());
    assertEquals("/metrics", endpoint.getPath());
  }

  @Test
  void grafanasSidecarFindsTheDashboard() throws Exception {
    ConfigMap map = Applied.CPU_MONITORED.manifests().only(ConfigMap.class);

    assertEquals("1", map.getMetadata().getLabels().get("grafana_dashboard"));
    assertEquals(read("monitoring/chasqui.json"), map.getData().get("chasqui.json"));
  }

  @Test
  void theModelsImageIsMountedWhereTheModelIsLookedFor() throws Exception {
    Pod pod = Applied.PLAIN_MODEL_IMAGE.pod();

    var image = pod.volumeAt("/mnt").getImage();
    assertEquals("registry.example.com/chasqui-model:v2", image.getReference());
    assertEquals(
        "/mnt" + modelIn("deployment/Dockerfile.model"), pod.environment().get("CHASQUI_MODEL"));
  }

  @ParameterizedTest
  @EnumSource(names = {"CPU", "GPU", "GPU_NO_FLAGS"})
  void theModelIsLookedForWhereTheImageHasIt(Applied applied) throws Exception {
    assertEquals(
        modelIn("deployment/Dockerfile.model"), applied.pod().environment().get("CHASQUI_MODEL"));
  }

  @Test
  void kserveNamesTheContainerAndTheModel() throws Exception {
    Pod pod = Applied.KSERVE.pod();

    assertEquals("kserve-container", pod.container().getName());
    assertEquals("{{.Name}}", pod.environment().get("CHASQUI_SERVED_MODEL_NAME"));
    assertEquals("/mnt/models/model.chasqui", pod.environment().get("CHASQUI_MODEL"));
  }

  @Test
  void funcDeploysWhatTheBaseDoes() throws Exception {
    Function function = Manifests.parse(read("func/func.yaml"), Function.class);
    var knative = Applied.BASE.knative();
    Map<String, String> annotations =
        knative.getSpec().getTemplate().getMetadata().getAnnotations();
    Pod pod = Applied.BASE.pod();
    var resources = pod.container().getResources();

    assertEquals(knative.getMetadata().getName(), function.name());
    var scale = function.deploy().options().scale();
    assertEquals(annotations.get(AUTOSCALING + "min-scale"), "" + scale.min());
    assertEquals(annotations.get(AUTOSCALING + "max-scale"), "" + scale.max());
    assertEquals(annotations.get(AUTOSCALING + "metric"), scale.metric());
    assertEquals(annotations.get(AUTOSCALING + "target"), "" + scale.target());
    assertEquals(
        annotations.get(AUTOSCALING + "target-utilization-percentage"), "" + scale.utilization());
    var requests = function.deploy().options().resources().requests();
    var limits = function.deploy().options().resources().limits();
    assertEquals(resources.getRequests().get("cpu").toString(), requests.cpu());
    assertEquals(resources.getRequests().get("memory").toString(), requests.memory());
    assertEquals(resources.getLimits().get("cpu").toString(), limits.cpu());
    assertEquals(resources.getLimits().get("memory").toString(), limits.memory());
    assertEquals(
        knative.getSpec().getTemplate().getSpec().getContainerConcurrency(), limits.concurrency());
    var health = function.deploy().healthEndpoints();
    assertEquals(pod.container().getReadinessProbe().getHttpGet().getPath(), health.readiness());
    assertEquals(pod.container().getLivenessProbe().getHttpGet().getPath(), health.liveness());
    assertEquals("/tmp", function.run().volumes().getFirst().path());
    assertEquals(
        pod.volumeAt("/tmp").getEmptyDir().getSizeLimit().toString(),
        function.run().volumes().getFirst().emptyDir().sizeLimit());
    Map<String, String> environment =
        function.run().envs().stream()
            .collect(Collectors.toMap(Function.Env::name, Function.Env::value));
    assertEquals(pod.environment().keySet(), environment.keySet());
    assertEquals(pod.environment().get("CHASQUI_MODEL"), environment.get("CHASQUI_MODEL"));
    assertEndsBefore(KNATIVES_TIMEOUT, environment);
  }

  @ParameterizedTest
  @EnumSource
  void theProgramKnowsWhatItIsTold(Applied applied) throws Exception {
    Set<String> known =
        ConfigMappings.getProperties(ConfigClass.configClass(ChasquiConfig.class)).keySet().stream()
            .map(name -> name.toUpperCase(Locale.ROOT).replaceAll("[^A-Z]", "_"))
            .collect(Collectors.toSet());

    Set<String> told = applied.pod().environment().keySet();
    assertTrue(known.containsAll(told), told::toString);
  }

  @ParameterizedTest
  @EnumSource(names = {"BASE", "CPU", "GPU", "GPU_NO_FLAGS", "CPU_MONITORED"})
  void theProgramEndsAStreamBeforeKnativeCutsIt(Applied applied) throws Exception {
    Long timeout = applied.knative().getSpec().getTemplate().getSpec().getTimeoutSeconds();

    assertEndsBefore(timeout, applied.pod().environment());
  }

  @Test
  void theProgramEndsItsStreamsBeforeItIsKilled() throws Exception {
    var spec = Applied.PLAIN.manifests().only(Deployment.class).getSpec().getTemplate().getSpec();
    Long hook = spec.getContainers().getFirst().getLifecycle().getPreStop().getSleep().getSeconds();

    assertEndsBefore(
        spec.getTerminationGracePeriodSeconds() - hook, Applied.PLAIN.pod().environment());
  }

  private static void assertEndsBefore(long seconds, Map<String, String> environment) {
    for (String name : List.of("CHASQUI_REQUEST_TIMEOUT", "CHASQUI_DRAIN_TIMEOUT")) {
      Duration limit = Duration.parse("PT" + environment.get(name));
      assertTrue(limit.compareTo(Duration.ofSeconds(seconds)) < 0, () -> name + " is " + limit);
    }
  }

  private static Set<String> flags(Applied applied) throws Exception {
    JsonNode pod =
        applied.manifests().trees().stream()
            .filter(tree -> tree.path("apiVersion").asText().startsWith("serving.knative.dev/"))
            .findFirst()
            .orElseThrow()
            .at("/spec/template/spec");
    var flags = new TreeSet<String>();
    FLAGS.forEach((field, flag) -> {
      if (!pod.findValues(field).isEmpty()) {
        flags.add(flag);
      }
    });
    // A container has both as well, and needs no flag for them.
    if (pod.has("securityContext")) {
      flags.add("kubernetes.podspec-securitycontext");
    }
    pod.path("volumes")
        .forEach(volume -> {
          if (volume.has("image")) {
            flags.add("kubernetes.podspec-volumes-image");
          }
        });
    return flags;
  }

  /** Where an image has its model. */
  private static String modelIn(String dockerfile) throws IOException {
    return Files.readAllLines(Path.of(dockerfile)).stream()
        .filter(line -> line.startsWith("ENV CHASQUI_MODEL="))
        .map(line -> line.substring("ENV CHASQUI_MODEL=".length()))
        .findFirst()
        .orElseThrow();
  }

  private static String read(String file) throws IOException {
    return Files.readString(Path.of("k8s", file));
  }
}
