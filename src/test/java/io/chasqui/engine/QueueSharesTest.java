package io.chasqui.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class QueueSharesTest {
  private static final int CAPACITY = 16;

  private final List<String> waiting = new ArrayList<>();

  /** So many requests of one owner; tells how many may wait. */
  private int submit(String owner, int requests) {
    int before = waiting.size();
    for (int i = 0; i < requests; i++) {
      if (QueueShares.hasRoom(owner, waiting, CAPACITY, 0)) {
        waiting.add(owner);
      }
    }
    return waiting.size() - before;
  }

  @Test
  void oneOwnerAloneMayFillTheQueue() {
    assertEquals(CAPACITY, submit("a", 100));
  }

  @Test
  void anotherThenHasItsEqualShare() {
    submit("a", 100);
    assertEquals(CAPACITY / 2, submit("b", 100));
    assertEquals(CAPACITY / 3, submit("c", 100));
    assertEquals(0, submit("a", 100));
  }

  @Test
  void whoeverHasNoneMayWaitUntilTwiceAsManyDo() {
    submit("a", 100);
    for (int i = 0; i < CAPACITY; i++) {
      assertEquals(1, submit("owner " + i, 1));
    }
    assertEquals(0, submit("one more", 1));
  }

  @Test
  void noMoreThanTwiceAsManyWaitWhateverComes() {
    long seed = Long.getLong("chasqui.test.seed", System.nanoTime());
    var random = new Random(seed);
    for (int i = 0; i < 1000; i++) {
      submit("owner " + random.nextInt(40), 1 + random.nextInt(3));
    }
    assertEquals(2 * CAPACITY, waiting.size(), "seed " + seed);
    int most =
        waiting.stream().mapToInt(owner -> Collections.frequency(waiting, owner)).max().orElse(0);
    assertTrue(most <= CAPACITY, "seed " + seed);
  }
}
