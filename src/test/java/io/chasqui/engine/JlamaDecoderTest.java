package io.chasqui.engine;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.github.tjake.jlama.safetensors.SafeTensorSupport;
import io.chasqui.UnseenText;
import io.chasqui.pack.EmbeddedModel;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import org.junit.jupiter.api.Test;

class JlamaDecoderTest {
  private static final int DOCUMENTS = 30;

  @Test
  void theLossOnUnseenTextIsThatOfTheModelCard() throws IOException {
    double ours = 0;
    double expected = 0;
    var model = new EmbeddedModel();
    String config = new String(model.require("config.json"), UTF_8);
    var weights =
        SafeTensorSupport.readWeights(ByteBuffer.wrap(model.require("model.safetensors")));
    try (JlamaDecoder decoder = new JlamaDecoder("demo", config, weights, 512)) {
      for (UnseenText document : UnseenText.documents(DOCUMENTS)) {
        ours += loss(decoder, document.ids());
        expected += document.loss();
      }
    }
    // Jlama rounds activations to BF16, as the weights are.
    assertEquals(expected, ours, 0.005 * expected);
  }

  private static double loss(JlamaDecoder decoder, int[] ids) {
    double sum = 0;
    float[] logits = new float[2048];
    try (TokenDecoder.Sequence sequence = decoder.newSequence()) {
      for (int i = 0; i + 1 < ids.length; i++) {
        decoder.forward(List.of(new TokenDecoder.Run(sequence, new int[] {ids[i]}, 1)));
        decoder.logits(0, logits);
        sum += UnseenText.loss(logits, ids[i + 1]);
      }
    }
    return sum;
  }
}
