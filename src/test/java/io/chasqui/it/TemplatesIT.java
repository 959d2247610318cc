package io.chasqui.it;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.chasqui.DemoFiles;
import io.chasqui.http.Api;
import io.chasqui.kernel.DType;
import io.chasqui.pack.ModelDirectory;
import io.chasqui.pack.ModelPacker;
import io.chasqui.pack.ProgressBar;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The executable writes conversations as Jinja does: Jinjava works by reflection, and what it lacks
 * of that in an executable shows in no other test. On a JVM, {@code ChatTemplateTest} has the same
 * cases.
 */
@Tag("native")
class TemplatesIT {
  private static final Path TEMPLATES = Path.of("src/test/resources/chat-templates");

  /** Plain text for Jinja, without blanks, for some expressions take those away. */
  private static final String BORDER = "~~~~";

  private static JsonNode expected() throws IOException {
    return Api.JSON.readTree(TEMPLATES.resolve("expected.json").toFile());
  }

  static List<String> templates() throws IOException {
    return stream(expected().get("cases"))
        .map(expected -> expected.get("template").textValue())
        .filter(template -> template.endsWith(".jinja")) // not the demo model's own
        .distinct()
        .toList();
  }

  @ParameterizedTest
  @MethodSource("templates")
  void everyConversationIsWrittenAsJinjaWritesIt(String template, @TempDir Path directory)
      throws IOException {
    JsonNode all = expected();
    Path model = pack(Files.readString(TEMPLATES.resolve(template)), directory);
    try (var server = new BuiltServer(model, directory.resolve("log"))) {
      URI uri = server.uri();
      assertAll(
          stream(all.get("cases"))
              .filter(expected -> expected.get("template").textValue().equals(template))
              .map(expected -> (Executable) () -> assertWritten(uri, all, expected)));
    }
  }

  /** All in one template: each of them would cost a start. */
  @Test
  void everyFeatureWorksAsInJinja(@TempDir Path directory) throws IOException {
    JsonNode all = expected();
    List<JsonNode> features =
        stream(all.get("expressions")).filter(expected -> expected.has("text")).toList();
    String template =
        features.stream()
            .map(expected -> expected.get("source").textValue())
            .collect(Collectors.joining(BORDER));
    String text =
        features.stream()
            .map(expected -> expected.get("text").textValue())
            .collect(Collectors.joining(BORDER));
    try (var server = new BuiltServer(pack(template, directory), directory.resolve("log"))) {
      String written = written(server.uri(), all.get("conversations").get("three turns"));
      assertEquals(text, written);
    }
  }

  private static Path pack(String template, Path directory) throws IOException {
    ModelDirectory model = DemoFiles.copyTo(directory.resolve("demo"));
    Path file = model.directory().resolve("tokenizer_config.json");
    var config = (ObjectNode) Api.JSON.readTree(file.toFile());
    config.put("chat_template", template).put("bos_token", "<s>").put("eos_token", "</s>");
    config.put("add_bos_token", false); // these two are text here, and no tokens
    Files.writeString(file, config.toString());
    Path packed = directory.resolve("demo.chasqui");
    ModelPacker.pack(model, packed, DType.Q8, ProgressBar.forThisProcess());
    return packed;
  }

  private static void assertWritten(URI server, JsonNode all, JsonNode expected) {
    JsonNode conversation = all.get("conversations").get(expected.get("conversation").textValue());
    if (expected.has("text")) {
      assertEquals(expected.get("text").textValue(), written(server, conversation));
    } else {
      HttpResponse<String> tokens = tokenize(server, conversation);
      assertEquals(400, tokens.statusCode(), tokens.body());
      String message = Api.parse(tokens.body()).at("/error/message").textValue();
      assertTrue(message.endsWith(expected.get("error").textValue()), message);
    }
  }

  private static String written(URI server, JsonNode conversation) {
    HttpResponse<String> tokens = tokenize(server, conversation);
    assertEquals(200, tokens.statusCode(), tokens.body());
    return Api.answer(server, "/detokenize", tokens.body()).get("prompt").textValue();
  }

  private static HttpResponse<String> tokenize(URI server, JsonNode conversation) {
    ObjectNode body = Api.JSON.createObjectNode().set("messages", conversation);
    return Api.post(server, "/tokenize", body.toString());
  }

  private static Stream<JsonNode> stream(JsonNode array) {
    return StreamSupport.stream(array.spliterator(), false);
  }
}
