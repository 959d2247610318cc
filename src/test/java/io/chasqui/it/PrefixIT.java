package io.chasqui.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.chasqui.engine.PrefixPacker;
import io.chasqui.engine.SystemPrompt;
import io.chasqui.http.Api;
import io.chasqui.kernel.DType;
import io.chasqui.kernel.KvLayout;
import io.chasqui.pack.EmbeddedModel;
import io.chasqui.pack.ModelPacker;
import io.chasqui.pack.Progress;
import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The built program, on a JVM or native, begins with a system prompt that came with its model. */
class PrefixIT {
  private static final String SYSTEM =
      "You are a friendly fox who tells short stories about animals, and counts to nine.";

  @TempDir Path directory;

  @Test
  void theFirstAnswerSkipsAPackedSystemPromptAndIsTheSame() throws Exception {
    Path plain = directory.resolve("plain.chasqui");
    ModelPacker.pack(new EmbeddedModel(), plain, DType.Q8, Progress.NONE);
    Path packed = directory.resolve("packed.chasqui");
    List<SystemPrompt> prompts = List.of(new SystemPrompt("fox", SYSTEM));
    PrefixPacker.pack(plain, prompts, KvLayout.Type.F16, packed, Progress.NONE);

    JsonNode without = firstAnswer(plain);
    JsonNode with = firstAnswer(packed);

    assertEquals(0, cached(without));
    assertTrue(cached(with) >= 16, with.toString());
    assertEquals(without.get("choices"), with.get("choices"));
  }

  private JsonNode firstAnswer(Path model) throws Exception {
    try (var server = new BuiltServer(model, directory.resolve("log"))) {
      return answer(server.uri());
    }
  }

  private static JsonNode answer(URI server) {
    var messages =
        List.of(
            Map.of("role", "system", "content", SYSTEM),
            Map.of("role", "user", "content", "Tell me a story about a fox"));
    return Api.answer(
        server, Api.CHAT, Api.chat("", "messages", messages, "logprobs", true, "top_logprobs", 2));
  }

  private static int cached(JsonNode answer) {
    return answer.at("/usage/prompt_tokens_details/cached_tokens").intValue();
  }
}
