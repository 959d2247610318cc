package io.chasqui.engine;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.github.tjake.jlama.safetensors.SafeTensorSupport;
import io.chasqui.pack.EmbeddedModel;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.util.List;
import org.junit.jupiter.api.Test;

class JlamaDecoderTest {
  private static final int DOCUMENTS = 30;

  /** Hugging Face's arithmetic in float32 gave the losses in the file; see MODEL_CARD.md. */
  @Test
  void theLossOnUnseenTextIsThatOfTheModelCard() throws IOException {
    double ours = 0;
    double expected = 0;
    var model = new EmbeddedModel();
    String config = new String(model.require("config.json"), UTF_8);
    var weights = SafeTensorSupport.readWeights(model.weights());
    try (JlamaDecoder decoder = new JlamaDecoder("demo", config, weights, 512)) {
      for (JsonNode document : documents()) {
        ours += loss(decoder, document.get("ids"));
        expected += document.get("nll").doubleValue();
      }
    }
    // Jlama rounds activations to BF16, as the weights are.
    assertEquals(expected, ours, 0.005 * expected);
  }

  private static List<JsonNode> documents() throws IOException {
    var json = new ObjectMapper();
    try (var file = JlamaDecoderTest.class.getResourceAsStream("/demo/valid.jsonl");
        var lines = new BufferedReader(new InputStreamReader(file, UTF_8))) {
      List<String> first = lines.lines().limit(DOCUMENTS).toList();
      return json.readValue(
          "[" + String.join(",", first) + "]",
          json.getTypeFactory().constructCollectionType(List.class, JsonNode.class));
    }
  }

  /** Sum over the tokens of −ln p(token | all before it). */
  private static double loss(JlamaDecoder decoder, JsonNode ids) {
    double sum = 0;
    float[] logits = new float[2048];
    try (TokenDecoder.Sequence sequence = decoder.newSequence()) {
      for (int i = 0; i + 1 < ids.size(); i++) {
        sequence.forward(new int[] {ids.get(i).intValue()}, logits);
        sum += logOfSumOfExp(logits) - logits[ids.get(i + 1).intValue()];
      }
    }
    return sum;
  }

  private static double logOfSumOfExp(float[] logits) {
    double max = Double.NEGATIVE_INFINITY;
    for (float logit : logits) {
      max = Math.max(max, logit);
    }
    double sum = 0;
    for (float logit : logits) {
      sum += Math.exp(logit - max);
    }
    return max + Math.log(sum);
  }
}
