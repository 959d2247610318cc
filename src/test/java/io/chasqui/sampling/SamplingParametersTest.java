package io.chasqui.sampling;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SamplingParametersTest {

  @ParameterizedTest
  @ValueSource(
      doubles = {
        -0.001,
        2.001,
        Double.NaN,
        Double.POSITIVE_INFINITY,
        Double.NEGATIVE_INFINITY,
        -Double.MIN_VALUE
      })
  void aTemperatureOutsideItsRangeIsRefusedByName(double temperature) {
    refused("temperature", () -> new SamplingParameters(temperature, 0, 1, 0));
  }

  @ParameterizedTest
  @ValueSource(doubles = {0, -0.5, 1.001, Double.NaN, Double.POSITIVE_INFINITY})
  void aTopPOutsideItsRangeIsRefusedByName(double topP) {
    refused("top_p", () -> new SamplingParameters(1, 0, topP, 0));
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, Integer.MIN_VALUE})
  void aNegativeTopKIsRefusedByName(int topK) {
    refused("top_k", () -> new SamplingParameters(1, topK, 1, 0));
  }

  @Test
  void everyOtherValueOutsideItsRangeIsRefusedByName() {
    var nan = Double.NaN;
    for (double wrong : new double[] {-0.1, 1.1, nan}) {
      refused("min_p", () -> SamplingParameters.builder().minP(wrong).build());
      refused("typical_p", () -> SamplingParameters.builder().typicalP(wrong).build());
    }
    refused("typical_p", () -> SamplingParameters.builder().typicalP(0).build());
    for (double wrong : new double[] {0, -1, 101, nan}) {
      refused(
          "repetition_penalty",
          () -> SamplingParameters.builder().repetitionPenalty(wrong).build());
    }
    for (double wrong : new double[] {-2.1, 2.1, nan}) {
      refused(
          "frequency_penalty", () -> SamplingParameters.builder().frequencyPenalty(wrong).build());
      refused(
          "presence_penalty", () -> SamplingParameters.builder().presencePenalty(wrong).build());
    }
    refused(
        "no_repeat_ngram_size", () -> SamplingParameters.builder().noRepeatNgramSize(-1).build());
    refused("min_tokens", () -> SamplingParameters.builder().minTokens(-1).build());
  }

  @Test
  void theEndsOfTheRangesAreAllowed() {
    assertAll(
        () -> new SamplingParameters(0, 0, Double.MIN_VALUE, Long.MIN_VALUE),
        () ->
            new SamplingParameters(
                SamplingParameters.MAX_TEMPERATURE, Integer.MAX_VALUE, 1, Long.MAX_VALUE));
  }

  @Test
  void greedyMeansTemperatureZeroOverTheWholeVocabulary() {
    assertEquals(new SamplingParameters(0, 0, 1, 0), SamplingParameters.GREEDY);
  }

  private static void refused(String name, Runnable creation) {
    var refusal = assertThrows(IllegalArgumentException.class, creation::run);
    assertTrue(refusal.getMessage().startsWith(name), refusal.getMessage());
  }
}
