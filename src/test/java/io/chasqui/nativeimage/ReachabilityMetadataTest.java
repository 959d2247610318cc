package io.chasqui.nativeimage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.hubspot.jinjava.Jinjava;
import com.hubspot.jinjava.interpret.Context;
import com.hubspot.jinjava.lib.fn.ELFunctionDefinition;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.io.IOException;
import java.io.InputStream;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * What an executable finds by reflection has to be listed. What is missing there shows in an
 * executable only, so it is looked for here.
 */
class ReachabilityMetadataTest {
  private static final String DIRECTORY = "/META-INF/native-image/";

  @Test
  void whatJinjavaMakesByReflectionIsListed() throws IOException {
    Map<String, JsonNode> listed = read("com.hubspot.jinjava/jinjava");
    Context context = new Jinjava().getGlobalContext();
    var missing = new TreeSet<String>();
    Stream.of(context.getAllFilters(), context.getAllExpTests(), context.getAllTags())
        .flatMap(library -> library.stream().map(item -> item.getClass().getName()))
        .filter(name -> !isListed(listed.get(name), "<init>"))
        .forEach(missing::add);
    Stream.of(context.getAllFilters(), context.getAllExpTests())
        .flatMap(library -> library.stream().map(item -> item.getClass().getName()))
        .filter(name -> !listed.get(name).path("allPublicMethods").asBoolean())
        .forEach(missing::add);
    context.getAllFunctions().stream()
        .map(ELFunctionDefinition::getMethod)
        .filter(
            method -> !isListed(listed.get(method.getDeclaringClass().getName()), method.getName()))
        .forEach(method -> missing.add(method.toString()));
    assertEquals(List.of(), List.copyOf(missing));
  }

  /** Those without an annotation are few, and the integration tests read each of them. */
  @Test
  void whatIsAnnotatedForJsonIsListed() throws IOException {
    Map<String, JsonNode> listed = read("io.chasqui/chasqui");
    List<String> written =
        new ClassFileImporter()
                .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
                .importPackages("io.chasqui")
                .stream()
                .filter(type ->
                    type.isAnnotatedWith(JsonNaming.class)
                        || type.isAnnotatedWith(JsonInclude.class))
                .map(JavaClass::getName)
                .toList();
    assertFalse(written.isEmpty());
    assertEquals(List.of(), written.stream().filter(name -> !listed.containsKey(name)).toList());
  }

  private static boolean isListed(JsonNode type, String method) {
    if (type == null) {
      return false;
    }
    boolean isPublic = !method.equals("<init>") && type.path("allPublicMethods").asBoolean();
    return isPublic
        || type.path("methods").valueStream().anyMatch(m -> m.path("name").asText().equals(method));
  }

  private static Map<String, JsonNode> read(String artifact) throws IOException {
    String file = DIRECTORY + artifact + "/reachability-metadata.json";
    try (InputStream in = ReachabilityMetadataTest.class.getResourceAsStream(file)) {
      var types = new HashMap<String, JsonNode>();
      new JsonMapper()
          .readTree(in)
          .path("reflection")
          .forEach(entry -> types.put(entry.path("type").asText(), entry));
      return types;
    }
  }
}
