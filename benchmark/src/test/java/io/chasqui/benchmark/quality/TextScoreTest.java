package io.chasqui.benchmark.quality;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.json.JsonMapper;
import io.chasqui.benchmark.TinyModels;
import io.chasqui.kernel.DType;
import io.chasqui.kernel.KvLayout;
import io.chasqui.pack.PackedModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TextScoreTest {
  private static final Path UNSEEN = Path.of("../src/test/resources/demo/valid.jsonl");
  private static final String TEXT = "Bells ring at noon, and 42 llamas walk home: niños, 你好!";

  @TempDir static Path directory;

  private static Scorer scorer(PackedModel model, int threads) {
    return new Scorer(model, KvLayout.Type.F16, threads);
  }

  private static TextScore score(
      PackedModel model, PackedModel reference, int threads, String text) {
    try (Scorer ours = scorer(model, threads);
        Scorer theirs = scorer(reference, threads)) {
      return TextScore.of(ours, Optional.of(theirs), documents(text), Long.MAX_VALUE);
    }
  }

  private static List<Document> documents(String... texts) {
    return List.of(texts).stream().map(text -> new Document("text", text)).toList();
  }

  @Test
  void lossAgreementAndDivergenceAreThoseOfProbabilitiesComputedByHand() throws IOException {
    try (PackedModel q4 = TinyModels.random(directory, DType.Q4);
        PackedModel f32 = TinyModels.random(directory, DType.F32)) {
      int[] ids = q4.tokenizer().encode(TEXT, true);
      double[][] ours = PlainDecoder.probabilities(q4, ids);
      double[][] theirs = PlainDecoder.probabilities(f32, ids);
      double loss = 0;
      double divergence = 0;
      int same = 0;
      for (int i = 0; i < ids.length - 1; i++) {
        loss -= Math.log(ours[i][ids[i + 1]]);
        same += PlainDecoder.best(ours[i]) == PlainDecoder.best(theirs[i]) ? 1 : 0;
        for (int v = 0; v < ours[i].length; v++) {
          divergence += theirs[i][v] * Math.log(theirs[i][v] / ours[i][v]);
        }
      }

      TextScore score = score(q4, f32, 2, TEXT);

      int predicted = ids.length - 1;
      assertTrue(predicted > Scorer.STEP, "more than a step is read");
      assertEquals(predicted, score.tokens());
      assertEquals(loss, score.loss(), 1e-9);
      assertEquals(Math.exp(loss / predicted), score.perplexity(), 1e-8);
      assertEquals(loss / Math.log(2) / predicted, score.bitsPerToken(), 1e-9);
      assertEquals((double) same / predicted, score.sameChoices());
      assertEquals(divergence / predicted, score.divergence(), 1e-9);
      assertTrue(score.divergence() > 0);
    }
  }

  @Test
  void bytesAreThoseOfThePredictedTokens() throws IOException {
    try (PackedModel model = TinyModels.random(directory, DType.Q8)) {
      TextScore score = score(model, model, 1, TEXT);
      byte[] unpredicted = model.tokenizer().bytes(model.tokenizer().encode(TEXT, true)[0]);

      assertEquals(TEXT.getBytes(UTF_8).length - unpredicted.length, score.bytes());
    }
  }

  @Test
  void f32AgreesWithItselfEverywhere() throws IOException {
    try (PackedModel f32 = TinyModels.random(directory, DType.F32)) {
      TextScore score = score(f32, f32, 2, TEXT);

      assertEquals(1, score.sameChoices());
      assertEquals(0, score.divergence());
      assertEquals(0, score.lossMoreThanReference());
    }
  }

  @Test
  void theBitsDependNeitherOnTheThreadsNorOnTheRun() throws IOException {
    try (PackedModel q8 = TinyModels.random(directory, DType.Q8);
        PackedModel f32 = TinyModels.random(directory, DType.F32)) {
      TextScore first = score(q8, f32, 1, TEXT);
      assertEquals(first, score(q8, f32, 1, TEXT));
      assertEquals(first, score(q8, f32, 3, TEXT));
    }
  }

  @Test
  void theDemoModelsLossIsThatOfHuggingFace() throws IOException {
    int count = 12;
    double expected = 0;
    for (String line : Files.readAllLines(UNSEEN).subList(0, count)) {
      expected += new JsonMapper().readTree(line).get("nll").asDouble();
    }
    List<Document> documents = Document.read(UNSEEN).subList(0, count);
    try (PackedModel f32 = TinyModels.demo(directory, DType.F32);
        Scorer scorer = scorer(f32, 2)) {
      TextScore score = TextScore.of(scorer, Optional.empty(), documents, Long.MAX_VALUE);

      assertEquals(expected, score.loss(), 1e-4 * expected);
    }
  }

  @Test
  void aTextLongerThanTheContextIsReadInStretches() throws IOException {
    try (PackedModel model = TinyModels.random(directory, DType.Q4);
        Scorer scorer = scorer(model, 1)) {
      String text = "!".repeat(2 * TinyModels.CONTEXT + 10);
      int tokens = model.tokenizer().encode(text, true).length;
      assertEquals(3, Math.ceilDiv(tokens, TinyModels.CONTEXT));

      assertEquals(
          tokens - 3,
          TextScore.of(scorer, Optional.empty(), documents(text), Long.MAX_VALUE).tokens());
    }
  }

  @Test
  void noMoreTokensArePredictedThanAreAskedFor() throws IOException {
    try (PackedModel model = TinyModels.random(directory, DType.Q4);
        Scorer scorer = scorer(model, 1)) {
      for (int most : new int[] {1, Scorer.STEP + 1}) {
        assertEquals(
            most, TextScore.of(scorer, Optional.empty(), documents(TEXT, TEXT), most).tokens());
      }
    }
  }

  @Test
  void aReferenceWithOtherTokensIsRefused() throws IOException {
    try (PackedModel random = TinyModels.random(directory, DType.Q4);
        PackedModel demo = TinyModels.demo(directory, DType.Q8)) {
      assertThrows(IllegalArgumentException.class, () -> score(random, demo, 1, TEXT));
    }
  }
}
