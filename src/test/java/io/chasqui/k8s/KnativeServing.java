package io.chasqui.k8s;

import io.fabric8.kubernetes.api.model.ObjectMeta;
import java.util.Map;

/**
 * What Knative's operator reads, {@code operator.knative.dev/v1beta1}, less all but its
 * configuration.
 */
record KnativeServing(String apiVersion, String kind, ObjectMeta metadata, Spec spec) {
  /** By ConfigMap without its {@code config-}, then by key. */
  record Spec(Map<String, Map<String, String>> config) {}
}
