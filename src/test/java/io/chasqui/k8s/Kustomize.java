package io.chasqui.k8s;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.chasqui.Programs;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/** What {@code kubectl apply -k} would send. */
final class Kustomize {
  /** As {@code kustomize edit set image} would write them. */
  private static final String IMAGES =
      """
      images:
        - {name: chasqui, newName: registry.example.com/chasqui, newTag: v1}
        - {name: chasqui-model, newName: registry.example.com/chasqui-model, newTag: v2}
      """;

  private Kustomize() {}

  static boolean isHere() {
    return Programs.find("kubectl").isPresent();
  }

  /**
   * An overlay as a user has one: with components beside it, and with images from a registry.
   *
   * @param overlay a folder below {@code k8s}
   * @param components further folders below {@code k8s}
   */
  static String render(String overlay, List<String> components)
      throws IOException, InterruptedException {
    // kustomize takes folders by a path from the kustomization's own only.
    Path folder = Files.createTempDirectory(Path.of("target"), "kustomize");
    Path file = folder.resolve("kustomization.yaml");
    try {
      Files.writeString(
          file,
          "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n"
              + paths(List.of(overlay))
              + (components.isEmpty() ? "" : "components:\n" + paths(components))
              + IMAGES);
      return kubectl(folder);
    } finally {
      Files.deleteIfExists(file);
      Files.delete(folder);
    }
  }

  private static String paths(List<String> folders) {
    return folders.stream()
        .map(folder -> "  - ../../k8s/" + folder + "\n")
        .collect(Collectors.joining());
  }

  private static String kubectl(Path folder) throws IOException, InterruptedException {
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
}
