package io.chasqui;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.util.List;

/**
 * Text that the demo model was not trained on, with the loss that Hugging Face's arithmetic in
 * float32 gave; see MODEL_CARD.md.
 *
 * @param ids tokens
 * @param loss sum over the tokens but the first of −ln p(token | all before it)
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
public record UnseenText(int[] ids, double loss) {

  /** The first documents. */
  public static List<UnseenText> documents(int count) throws IOException {
    try (var file = UnseenText.class.getResourceAsStream("/demo/valid.jsonl");
        var lines = new BufferedReader(new InputStreamReader(file, UTF_8))) {
      return lines.lines().limit(count).map(UnseenText::parse).toList();
    }
  }

  private static UnseenText parse(String line) {
    var json = new ObjectMapper();
    try {
      JsonNode document = json.readTree(line);
      int[] ids = json.treeToValue(document.get("ids"), int[].class);
      return new UnseenText(ids, document.get("nll").doubleValue());
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(line, e);
    }
  }

  /** −ln p(token), of a row of logits. */
  public static double loss(float[] logits, int token) {
    double max = Double.NEGATIVE_INFINITY;
    for (float logit : logits) {
      max = Math.max(max, logit);
    }
    double sum = 0;
    for (float logit : logits) {
      sum += Math.exp(logit - max);
    }
    return max + Math.log(sum) - logits[token];
  }
}
