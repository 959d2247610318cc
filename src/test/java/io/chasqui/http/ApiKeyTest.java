package io.chasqui.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.chasqui.Await;
import io.chasqui.engine.AdmissionException;
import io.chasqui.engine.Engine;
import io.chasqui.engine.EngineListener;
import io.chasqui.engine.EngineOptions;
import io.chasqui.engine.Generation;
import io.chasqui.engine.GenerationEvent;
import io.chasqui.engine.GenerationRequest;
import io.chasqui.engine.Speculation;
import io.chasqui.kernel.KvLayout;
import io.chasqui.sampling.BeamParameters;
import io.chasqui.sampling.EarlyStopping;
import io.chasqui.sampling.SamplingParameters;
import io.smallrye.mutiny.Multi;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What requests cost a key of the tokens that it may have in a minute. */
@Timeout(120)
class ApiKeyTest {
  private static final int[] PROMPT = {1, 2, 3};
  private static final int CONTEXT = 512;
  private static final int TOKENS = 600;

  private final AtomicLong now = new AtomicLong();
  private final Quota tokens = new Quota(TOKENS, now::get);
  private final Quota requests = new Quota(1000, now::get);
  private final ApiKey key =
      new ApiKey("team", new byte[0], Optional.of(requests), Optional.of(tokens), 0);

  private volatile CountDownLatch held = new CountDownLatch(0);
  private final AtomicLong steps = new AtomicLong();

  private final Engine engine =
      Engine.open(
          "demo",
          new EngineOptions(
              CONTEXT,
              KvLayout.Type.F16,
              OptionalLong.empty(),
              OptionalInt.of(16),
              16,
              Duration.ofSeconds(60),
              Speculation.OFF,
              new EngineListener() {
                @Override
                public void stepped(int sequences, int tokens) {
                  steps.incrementAndGet();
                  try {
                    held.await();
                  } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                  }
                }
              }));

  @AfterEach
  void close() {
    held.countDown();
    engine.close();
  }

  private Generation submit(GenerationRequest.Builder builder) {
    GenerationRequest request = builder.build();
    return key.submit(request.maxTotalTokens(CONTEXT), () -> engine.submit(request));
  }

  private static GenerationRequest.Builder endless() {
    return GenerationRequest.forPrompt(PROMPT)
        .sampling(SamplingParameters.builder().temperature(1).ignoreEos(true).build());
  }

  /** Reads an answer to its end, after which the key has paid for it. */
  private static int total(Generation generation) {
    GenerationEvent last =
        Multi.createFrom()
            .publisher(generation)
            .collect()
            .last()
            .await()
            .atMost(Duration.ofMinutes(1));
    return ((GenerationEvent.Finished) last).usage().totalTokens();
  }

  /** What the key has spent, to the token: its clock stands still. */
  private long spent() {
    return Math.round(tokens.until(TOKENS).toNanos() * (TOKENS / 60e9));
  }

  private ApiException assertRefused(GenerationRequest.Builder builder) {
    var refused = assertThrows(ApiException.class, () -> submit(builder));
    assertEquals(429, refused.status());
    assertEquals("rate_limit_exceeded", refused.body().error().code());
    return refused;
  }

  @Test
  void theBestOfSeveralCostWhatAllOfThemTook() {
    assertEquals(3 + 16 * 20, total(submit(endless().bestOf(16).maxTokens(20))));
    assertEquals(3 + 16 * 20, spent());
  }

  @Test
  void aSearchCostsWhatItsBeamsTook() {
    var beams =
        GenerationRequest.forPrompt(PROMPT)
            .maxTokens(20)
            .beams(new BeamParameters(16, 1, 1, EarlyStopping.NEVER));
    int total = total(submit(beams));

    assertEquals(0, (total - 3) % 16);
    assertTrue(total > 3 + 16, total + " tokens");
    assertEquals(total, spent());
  }

  @Test
  void theBestOfSeveralThatAreCancelledCostWhatTheyHadTaken() {
    held = new CountDownLatch(1);
    long before = steps.get();
    Generation cancelled = submit(endless().bestOf(16).maxTokens(400));
    Await.until("their prompt is computed", () -> steps.get() == before + 1);
    held.countDown();
    Await.until("they have computed more", () -> steps.get() > before + 10);
    cancelled.cancel();

    int total = total(cancelled);
    assertTrue(total > 3 + 9 * 16, total + " tokens");
    assertEquals(total, spent());
  }

  @Test
  void aRequestThatMayCostMoreThanIsLeftGoesAlone() {
    tokens.spend(TOKENS - 1);
    assertEquals(CONTEXT, total(submit(endless())));
    assertEquals(TOKENS - 1 + CONTEXT, spent());
    ApiException refused = assertRefused(endless().maxTokens(1));
    assertEquals(Optional.of(Duration.ofSeconds(52)), refused.retryAfter()); // 512 at ten a second
    assertTrue(refused.getMessage().contains("has used up its tokens"), refused.getMessage());
  }

  @Test
  void requestsSideBySideCannotOweMoreThanOneOfThemCosts() {
    held = new CountDownLatch(1);
    List<Generation> admitted = new ArrayList<>();
    admitted.add(submit(endless().maxTokens(400)));
    admitted.add(submit(endless()));
    for (int i = 0; i < 10; i++) {
      ApiException refused = assertRefused(endless().maxTokens(1));
      assertEquals(Optional.of(Duration.ofSeconds(1)), refused.retryAfter());
      assertTrue(refused.getMessage().contains("limit their 'max_tokens'"), refused.getMessage());
    }
    var early = assertThrows(ApiException.class, () -> key.admit(true));
    assertEquals(Optional.of(Duration.ofSeconds(1)), early.retryAfter());
    assertEquals(Duration.ZERO, requests.until(1000), "a refused request counts for nothing");
    key.admit(false); // what takes no tokens need not wait

    held.countDown();
    int all = 0;
    for (Generation each : admitted) {
      all += total(each);
    }
    assertEquals(403 + CONTEXT, all);
    assertTrue(all <= TOKENS + CONTEXT);
    assertEquals(all, spent());
  }

  @Test
  void manyShortRequestsGoSideBySide() {
    held = new CountDownLatch(1);
    List<Generation> all = new ArrayList<>();
    for (int i = 0; i < 16; i++) {
      all.add(submit(endless().maxTokens(20)));
    }
    held.countDown();
    for (Generation each : all) {
      assertEquals(23, total(each));
    }
    assertEquals(16 * 23, spent());
  }

  @Test
  void aSubmissionThatIsRefusedCostsNothing() {
    var refusal = AdmissionException.closed();
    for (int i = 0; i < 3; i++) {
      var thrown =
          assertThrows(
              AdmissionException.class,
              () ->
                  key.submit(
                      CONTEXT,
                      () -> {
                        throw refusal;
                      }));
      assertSame(refusal, thrown);
    }
    assertEquals(0, spent());
    assertTrue(tokens.hasUnreserved());
    engine.close();
    assertThrows(AdmissionException.class, () -> submit(endless()));
    assertTrue(tokens.hasUnreserved());
  }

  @Test
  void aRequestThatIsCancelledBeforeItsTurnGivesBackWhatItReserved() {
    held = new CountDownLatch(1);
    Generation running = engine.submit(endless().choices(16).build());
    Await.until("the engine is held", () -> engine.running() > 0);
    Generation waiting = submit(endless());
    Generation second = submit(endless().maxTokens(100));
    assertRefused(endless().maxTokens(1));
    waiting.cancel();

    assertEquals(3, total(waiting));
    assertTrue(tokens.hasUnreserved());
    second.cancel();
    running.cancel();
  }
}
