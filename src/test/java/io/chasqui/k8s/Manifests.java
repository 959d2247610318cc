package io.chasqui.k8s;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.introspect.Annotated;
import com.fasterxml.jackson.databind.introspect.JacksonAnnotationIntrospector;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.autoscaling.v2.HorizontalPodAutoscaler;
import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicy;
import io.fabric8.kubernetes.api.model.policy.v1.PodDisruptionBudget;
import io.fabric8.openshift.api.model.monitoring.v1.PrometheusRule;
import io.fabric8.openshift.api.model.monitoring.v1.ServiceMonitor;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * The documents of a YAML stream, each in the class of its kind: Fabric8's where it has one. A
 * field that the class does not have is an error.
 */
record Manifests(List<JsonNode> trees, List<Object> documents) {
  private static final Map<String, Class<?>> KINDS =
      Map.ofEntries(
          Map.entry("serving.knative.dev/v1 Service", io.fabric8.knative.serving.v1.Service.class),
          Map.entry("operator.knative.dev/v1beta1 KnativeServing", KnativeServing.class),
          Map.entry("serving.kserve.io/v1alpha1 ServingRuntime", ServingRuntime.class),
          Map.entry("keda.sh/v1alpha1 ScaledObject", ScaledObject.class),
          Map.entry("v1 Service", io.fabric8.kubernetes.api.model.Service.class),
          Map.entry("v1 ConfigMap", ConfigMap.class),
          Map.entry("apps/v1 Deployment", Deployment.class),
          Map.entry("autoscaling/v2 HorizontalPodAutoscaler", HorizontalPodAutoscaler.class),
          Map.entry("policy/v1 PodDisruptionBudget", PodDisruptionBudget.class),
          Map.entry("networking.k8s.io/v1 NetworkPolicy", NetworkPolicy.class),
          Map.entry("monitoring.coreos.com/v1 ServiceMonitor", ServiceMonitor.class),
          Map.entry("monitoring.coreos.com/v1 PrometheusRule", PrometheusRule.class));

  private static final ObjectMapper STRICT =
      new YAMLMapper().setAnnotationIntrospector(new NoPlaceForUnknownFields());

  static Manifests parse(String yaml) throws IOException {
    List<JsonNode> trees = new ArrayList<>();
    List<Object> documents = new ArrayList<>();
    try (var read = STRICT.readerFor(JsonNode.class).<JsonNode>readValues(yaml)) {
      while (read.hasNextValue()) {
        JsonNode tree = read.nextValue();
        trees.add(tree);
        documents.add(document(tree));
      }
    }
    return new Manifests(trees, documents);
  }

  /** A document that has no kind. */
  static <T> T parse(String yaml, Class<T> type) throws JsonProcessingException {
    return STRICT.readValue(yaml, type);
  }

  private static Object document(JsonNode tree) throws JsonProcessingException {
    String kind = tree.path("apiVersion").asText() + " " + tree.path("kind").asText();
    Class<?> type = KINDS.get(kind);
    if (type == null) {
      throw new IllegalArgumentException("no class is known for " + kind);
    }
    return STRICT.treeToValue(tree, type);
  }

  /** The one document of its kind. */
  <T> T only(Class<T> type) {
    List<T> found = all(type).toList();
    if (found.size() != 1) {
      throw new AssertionError(found.size() + " documents are a " + type.getSimpleName());
    }
    return found.getFirst();
  }

  <T> Stream<T> all(Class<T> type) {
    return documents.stream().filter(type::isInstance).map(type::cast);
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
