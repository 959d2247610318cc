package io.chasqui.benchmark.forward;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.chasqui.benchmark.Samples;
import io.chasqui.benchmark.results.Measurement;
import io.chasqui.benchmark.results.Results;
import io.chasqui.kernel.KvLayout;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class TestResultTest {
  private static TestResult result(int threads, int generated, long... seconds) {
    var test =
        new ModelTest(
            Path.of("models", "a.chasqui"), 2048, 512, KvLayout.Type.I8, threads, 0, 0, generated);
    List<Long> nanos = LongStream.of(seconds).map(each -> each * 1_000_000_000).boxed().toList();
    return new TestResult(
        new TestResult.Setting("abc1234", "a CPU", "avx2", "a JVM"),
        test,
        "llama 1B Q4",
        "Q4",
        "00ff",
        709_000_000,
        1_235_814_400,
        Instant.EPOCH,
        new Samples(generated, nanos));
  }

  @Test
  void aRecordHasTheSpeedOfEachRepetitionOfEachSubject() {
    Results.Builder builder = Results.begin("model", 1, null);
    result(1, 64, 1, 2).addTo(builder);
    result(2, 64, 1).addTo(builder);

    Results results = builder.build();

    assertEquals(2, results.subjects().size());
    assertEquals("00ff", results.subjects().getFirst().modelDigest());
    assertEquals("i8", results.subjects().getFirst().kvType());
    Measurement first = results.measurements().getFirst();
    assertEquals("tg64", first.quantity().name());
    assertEquals(List.of(64.0, 32.0), first.values());
    assertEquals(results.subjects().getFirst().id(), first.subject());
    assertEquals(2, results.measurements().size());
  }
}
