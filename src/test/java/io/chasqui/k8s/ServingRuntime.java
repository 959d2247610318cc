package io.chasqui.k8s;

import io.fabric8.kubernetes.api.model.Affinity;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.LocalObjectReference;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.api.model.Toleration;
import io.fabric8.kubernetes.api.model.Volume;
import java.util.List;
import java.util.Map;

/** KServe's {@code serving.kserve.io/v1alpha1}, less what serves ModelMesh and several nodes. */
record ServingRuntime(String apiVersion, String kind, ObjectMeta metadata, Spec spec) {
  record Spec(
      List<ModelFormat> supportedModelFormats,
      List<String> protocolVersions,
      Boolean multiModel,
      Boolean disabled,
      Map<String, String> labels,
      Map<String, String> annotations,
      List<Container> containers,
      List<Volume> volumes,
      Map<String, String> nodeSelector,
      Affinity affinity,
      List<Toleration> tolerations,
      List<LocalObjectReference> imagePullSecrets) {}

  record ModelFormat(String name, String version, Boolean autoSelect, Integer priority) {}
}
