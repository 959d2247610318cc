package io.chasqui.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** The bill of materials that Quarkus writes, which is in the images. */
class BillOfMaterialsIT {
  private static final Path PROGRAM = Path.of("target/quarkus-app");
  private static final Path BILL = Path.of("target/quarkus-run-cyclonedx.json");

  @Test
  void itListsEveryJarOfTheProgramAndNoOther() throws Exception {
    assumeTrue(Files.isRegularFile(BILL), "an executable has no jars");

    var listed = new TreeMap<String, String>();
    for (JsonNode component : new ObjectMapper().readTree(BILL.toFile()).get("components")) {
      for (JsonNode place : component.at("/evidence/occurrences")) {
        String location = place.get("location").asText();
        if (location.startsWith("lib/")) {
          listed.put(location, digest(component));
        }
      }
    }
    assertEquals(jars(), listed);
  }

  private static String digest(JsonNode component) {
    for (JsonNode hash : component.get("hashes")) {
      if (hash.get("alg").asText().equals("SHA-256")) {
        return hash.get("content").asText();
      }
    }
    throw new AssertionError("no digest of " + component.get("bom-ref"));
  }

  /** Their digests by their places. */
  private static Map<String, String> jars() throws Exception {
    var jars = new TreeMap<String, String>();
    try (var files = Files.walk(PROGRAM.resolve("lib"))) {
      for (Path jar : files.filter(Files::isRegularFile).toList()) {
        jars.put(PROGRAM.relativize(jar).toString(), sha256(jar));
      }
    }
    return jars;
  }

  private static String sha256(Path file) throws Exception {
    byte[] digest = MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file));
    return HexFormat.of().formatHex(digest);
  }
}
