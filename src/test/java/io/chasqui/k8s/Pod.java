package io.chasqui.k8s;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.EnvVar;
import io.fabric8.kubernetes.api.model.Volume;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** What Knative, KServe and a Deployment make of their documents: a pod with one container. */
record Pod(Map<String, String> labels, Container container, List<Volume> volumes) {
  static Pod of(Manifests manifests) {
    List<Pod> pods = manifests.documents().stream().flatMap(Pod::of).toList();
    assertEquals(1, pods.size());
    return pods.getFirst();
  }

  private static Stream<Pod> of(Object document) {
    return switch (document) {
      case io.fabric8.knative.serving.v1.Service service -> {
        var template = service.getSpec().getTemplate();
        var spec = template.getSpec();
        yield of(template.getMetadata().getLabels(), spec.getContainers(), spec.getVolumes());
      }
      case Deployment deployment -> {
        var template = deployment.getSpec().getTemplate();
        var spec = template.getSpec();
        yield of(template.getMetadata().getLabels(), spec.getContainers(), spec.getVolumes());
      }
      case ServingRuntime runtime -> {
        var spec = runtime.spec();
        yield of(spec.labels(), spec.containers(), spec.volumes());
      }
      default -> Stream.empty();
    };
  }

  private static Stream<Pod> of(
      Map<String, String> labels, List<Container> containers, List<Volume> volumes) {
    assertEquals(1, containers.size());
    return Stream.of(new Pod(labels, containers.getFirst(), volumes));
  }

  Map<String, String> environment() {
    return container.getEnv().stream().collect(Collectors.toMap(EnvVar::getName, EnvVar::getValue));
  }

  Volume volumeAt(String path) {
    String name =
        container.getVolumeMounts().stream()
            .filter(mount -> mount.getMountPath().equals(path))
            .findFirst()
            .orElseThrow()
            .getName();
    return volumes.stream()
        .filter(volume -> volume.getName().equals(name))
        .findFirst()
        .orElseThrow();
  }
}
