package io.chasqui.k8s;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.exc.UnrecognizedPropertyException;
import com.fasterxml.jackson.databind.introspect.Annotated;
import com.fasterxml.jackson.databind.introspect.JacksonAnnotationIntrospector;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import io.chasqui.model.KvBudget;
import io.fabric8.knative.serving.v1.RevisionSpec;
import io.fabric8.knative.serving.v1.Service;
import io.fabric8.kubernetes.api.model.Container;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What {@code kubectl apply -k k8s/base} would send is a Knative Service without a mistyped field,
 * and with the values that an operator relies on.
 */
class ManifestTest {
  private static final String AUTOSCALING = "autoscaling.knative.dev/";

  private static final ObjectMapper STRICT =
      new YAMLMapper().setAnnotationIntrospector(new NoPlaceForUnknownFields());

  private String manifests;

  @BeforeEach
  void render() throws Exception {
    boolean required = Boolean.parseBoolean(System.getenv("CHASQUI_REQUIRE_KUBECTL"));
    assumeTrue(required || isOnPath("kubectl"), "kubectl is not installed");
    manifests = kustomize(Path.of("k8s/base"));
  }

  @Test
  void everyDocumentIsAServiceWithKnownFieldsOnly() throws IOException {
    List<Service> services = services(manifests);

    assertEquals(1, services.size());
    Service service = services.getFirst();
    assertEquals("serving.knative.dev/v1", service.getApiVersion());
    assertEquals("Service", service.getKind());
    assertEquals("chasqui", service.getMetadata().getName());
  }

  @ParameterizedTest
  @ValueSource(strings = {"containerConcurrency", "readOnlyRootFilesystem", "failureThreshold"})
  void aMistypedFieldIsFound(String field) {
    String mistyped = manifests.replace(field, field + "s");

    UnrecognizedPropertyException found =
        assertThrows(UnrecognizedPropertyException.class, () -> services(mistyped));

    assertEquals(field + "s", found.getPropertyName());
  }

  @Test
  void theProbesAskQuarkus() throws IOException {
    Container container = container();

    assertEquals("/q/health/started", container.getStartupProbe().getHttpGet().getPath());
    assertEquals("/q/health/ready", container.getReadinessProbe().getHttpGet().getPath());
    assertEquals("/q/health/live", container.getLivenessProbe().getHttpGet().getPath());
  }

  @Test
  void requestsAndLimitsAreSet() throws IOException {
    var resources = container().getResources();

    assertEquals(Set.of("cpu", "memory"), resources.getRequests().keySet());
    assertEquals(Set.of("cpu", "memory"), resources.getLimits().keySet());
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

  @Test
  void scalingIsBounded() throws IOException {
    Map<String, String> annotations =
        service().getSpec().getTemplate().getMetadata().getAnnotations();

    int least = Integer.parseInt(annotations.get(AUTOSCALING + "min-scale"));
    int most = Integer.parseInt(annotations.get(AUTOSCALING + "max-scale"));
    assertTrue(0 <= least && least <= most && most > 0, () -> least + " to " + most);
    assertEquals("100", annotations.get(AUTOSCALING + "target-utilization-percentage"));
  }

  @Test
  void aPodIsGivenWhatItRunsAtOnce() throws IOException {
    Long concurrency = revision().getContainerConcurrency();

    assertNotNull(concurrency);
    int target =
        Integer.parseInt(
            service()
                .getSpec()
                .getTemplate()
                .getMetadata()
                .getAnnotations()
                .get(AUTOSCALING + "target"));
    assertEquals(KvBudget.MOST_SEQUENCES, concurrency.intValue());
    assertTrue(target <= concurrency, "Knative would ignore a target above the hard limit");
  }

  @Test
  void theProcessHasNoMoreRightsThanItNeeds() throws IOException {
    var security = container().getSecurityContext();

    assertTrue(security.getRunAsNonRoot());
    assertTrue(security.getReadOnlyRootFilesystem());
    assertFalse(security.getAllowPrivilegeEscalation());
    assertEquals(List.of("ALL"), security.getCapabilities().getDrop());
    assertEquals("RuntimeDefault", security.getSeccompProfile().getType());
    assertEquals("/tmp", container().getVolumeMounts().getFirst().getMountPath());
    assertNotNull(revision().getVolumes().getFirst().getEmptyDir());
  }

  private Container container() throws IOException {
    assertEquals(1, revision().getContainers().size());
    return revision().getContainers().getFirst();
  }

  private RevisionSpec revision() throws IOException {
    return service().getSpec().getTemplate().getSpec();
  }

  private Service service() throws IOException {
    return services(manifests).getFirst();
  }

  private static List<Service> services(String yaml) throws IOException {
    List<Service> services = new ArrayList<>();
    try (var documents = STRICT.readerFor(JsonNode.class).<JsonNode>readValues(yaml)) {
      while (documents.hasNextValue()) {
        services.add(asService(documents.nextValue()));
      }
    }
    return services;
  }

  private static Service asService(JsonNode document) throws JsonProcessingException {
    return STRICT.treeToValue(document, Service.class);
  }

  private static String kustomize(Path folder) throws IOException, InterruptedException {
    Path errors = Files.createTempFile("kubectl", ".err");
    try {
      Process kubectl =
          new ProcessBuilder("kubectl", "kustomize", folder.toString())
              .redirectError(errors.toFile())
              .start();
      String output = new String(kubectl.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertTrue(kubectl.waitFor(30, TimeUnit.SECONDS), "kubectl did not end");
      assertEquals(0, kubectl.exitValue(), Files.readString(errors));
      return output;
    } finally {
      Files.delete(errors);
    }
  }

  private static boolean isOnPath(String program) {
    return Stream.of(System.getenv("PATH").split(File.pathSeparator))
        .anyMatch(folder -> Files.isExecutable(Path.of(folder, program)));
  }

  /** Fabric8's classes collect fields that they do not know; without that, Jackson refuses them. */
  private static final class NoPlaceForUnknownFields extends JacksonAnnotationIntrospector {
    private static final long serialVersionUID = 1;

    @Override
    public Boolean hasAnySetter(Annotated member) {
      return false;
    }
  }
}
