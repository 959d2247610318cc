package io.chasqui.benchmark.quality;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.chasqui.benchmark.TinyModels;
import io.chasqui.benchmark.quality.Task.Item;
import io.chasqui.chat.ChatMessage;
import io.chasqui.kernel.DType;
import io.chasqui.kernel.KvLayout;
import io.chasqui.pack.EmbeddedModel;
import io.chasqui.pack.PackedModel;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TaskScoreTest {
  private static final Path TASKS = Path.of("data/quality");

  @TempDir static Path directory;

  private static Scorer scorer(PackedModel model) {
    return new Scorer(model, KvLayout.Type.F16, 2);
  }

  private static Task choose(String prompt, int answer, String... choices) {
    return new Task(
        "task",
        List.of(
            new Item(
                "task.jsonl:1",
                Optional.of(prompt),
                List.of(),
                List.of(choices),
                answer,
                choices[answer])));
  }

  private static Task write(String question, String answer) {
    return new Task(
        "task",
        List.of(
            new Item(
                "task.jsonl:1",
                Optional.empty(),
                List.of(ChatMessage.user(question)),
                List.of(),
                0,
                answer)));
  }

  private static double byHand(PackedModel model, String prompt, String choice) {
    int from = model.tokenizer().encode(prompt, true).length;
    int[] ids = model.tokenizer().encode(prompt + choice, true);
    double[][] rows = PlainDecoder.probabilities(model, ids);
    double sum = 0;
    for (int i = from; i < ids.length; i++) {
      sum += Math.log(rows[i - 1][ids[i]]);
    }
    return sum;
  }

  @Test
  void aChoiceIsWorthTheProbabilitiesOfItsTokensWhateverWasReadBefore() throws IOException {
    try (PackedModel model = TinyModels.random(directory, DType.Q8);
        Scorer scorer = scorer(model)) {
      for (String choice : List.of("!", " 17 of them, and then no more at all: 3", "!")) {
        assertEquals(
            byHand(model, "How many?", choice),
            TaskScore.logProbability(scorer, "How many?", choice),
            1e-9);
      }
    }
  }

  @Test
  void theSumAndTheSumByLengthEachChooseTheLargest() throws IOException {
    String prompt = "Which?";
    String[] choices = {"!", " some more words, which cost much", " 0"};
    try (PackedModel model = TinyModels.random(directory, DType.Q8);
        Scorer scorer = scorer(model)) {
      int right = 0;
      int rightByLength = 0;
      for (int answer = 0; answer < choices.length; answer++) {
        double own = byHand(model, prompt, choices[answer]);
        double best = Double.NEGATIVE_INFINITY;
        boolean bestByLength = true;
        for (int i = 0; i < choices.length; i++) {
          double sum = byHand(model, prompt, choices[i]);
          best = i == answer ? best : Math.max(best, sum);
          bestByLength &= own / length(choices[answer]) >= sum / length(choices[i]);
        }

        TaskScore score = TaskScore.of(scorer, choose(prompt, answer, choices));

        assertEquals(own - best, score.margin(), 1e-9);
        assertEquals(own > best ? 1 : 0, score.rightBySum());
        assertEquals(bestByLength ? 1 : 0, score.rightByLength());
        right += score.rightBySum();
        rightByLength += score.rightByLength();
      }
      assertEquals(1, right);
      assertEquals(1, rightByLength);
    }
  }

  private static int length(String text) {
    return text.getBytes(StandardCharsets.UTF_8).length;
  }

  @Test
  void anAnswerMustBeTheTextAndEnd() {
    try (PackedModel demo = new EmbeddedModel().packed();
        Scorer scorer = scorer(demo)) {
      String question = "What is 3 + 4?";
      assertEquals(1, TaskScore.of(scorer, write(question, "3 + 4 = 7.")).exact());
      assertEquals(1, TaskScore.of(scorer, write(question, " 3 + 4 = 7.\n")).exact());
      for (String wrong : List.of("3 + 4 = 8.", "3 + 4 = 7", "3 + 4", "3 + 4 = 7. It is.")) {
        assertEquals(0, TaskScore.of(scorer, write(question, wrong)).exact(), wrong);
      }
    }
  }

  @Test
  void theDemoModelDoesWhatItsTasksSayItCan() throws IOException {
    try (PackedModel demo = new EmbeddedModel().packed();
        Scorer scorer = scorer(demo)) {
      assertEquals(1, TaskScore.of(scorer, task("facts")).shareBySum());
      assertEquals(1, TaskScore.of(scorer, task("sums")).shareBySum());
      assertEquals(1, TaskScore.of(scorer, task("copying")).shareExact());
      assertEquals(1, TaskScore.of(scorer, task("memory")).shareExact());
      assertTrue(TaskScore.of(scorer, task("reading")).shareBySum() > 0.5);
      assertTrue(TaskScore.of(scorer, task("formats")).shareExact() > 0.5);
    }
  }

  private static Task task(String name) throws IOException {
    return Task.read(TASKS.resolve(name + ".jsonl"));
  }

  @Test
  void noQuestionOfTheTasksIsAskedTwice() throws IOException {
    try (var files = Files.list(TASKS)) {
      for (Path file : files.toList()) {
        List<Item> items = Task.read(file).items();
        assertEquals(
            items.size(), items.stream().map(Item::messages).distinct().count(), file.toString());
      }
    }
  }

  @Test
  void aQuestionThatCannotBeAskedIsNamed() throws IOException {
    try (PackedModel model = TinyModels.random(directory, DType.Q8);
        Scorer scorer = scorer(model)) {
      for (Task task :
          List.of(write("Hello", "Hi"), choose("!".repeat(TinyModels.CONTEXT), 0, "a", "b"))) {
        var refused =
            assertThrows(IllegalArgumentException.class, () -> TaskScore.of(scorer, task));
        assertTrue(refused.getMessage().startsWith("task.jsonl:1: "), refused.getMessage());
      }
    }
  }
}
