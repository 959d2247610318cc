package io.chasqui.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class PromptLookupTest {
  @Test
  void whatFollowedTheSameTokensIsDrafted() {
    var lookup = lookup(1, 2, 3, 4, 5, 6, 9, 1, 2, 3);

    assertArrayEquals(new int[] {3, 4, 5, 6}, lookup.step(16));
  }

  @Test
  void theLatestOccurrenceDecides() {
    var lookup = lookup(1, 2, 3, 4, 0, 1, 2, 3, 5, 0, 0, 1, 2, 3);

    assertArrayEquals(new int[] {3, 5, 0, 0}, lookup.step(16));
  }

  @Test
  void aLongerMatchGoesBeforeALaterOne() {
    var lookup = lookup(1, 2, 3, 4, 0, 7, 2, 3, 5, 0, 0, 1, 2, 3);

    assertArrayEquals(new int[] {3, 4, 0, 7}, lookup.step(16));
  }

  @Test
  void aLoopIsDraftedAgainAndAgain() {
    assertArrayEquals(new int[] {8, 8, 8, 8}, lookup(1, 8, 8, 8).step(16));
    assertArrayEquals(new int[] {6, 5, 6, 5}, lookup(5, 6, 5, 6).step(16));
  }

  @Test
  void withoutAnEarlierOccurrenceThereIsNoDraft() {
    assertArrayEquals(new int[] {4}, lookup(1, 2, 3, 4).step(16));
    assertArrayEquals(new int[] {1}, lookup(1).step(16));
    // One token alone says too little of what follows it.
    assertArrayEquals(new int[] {1}, lookup(1, 2, 3, 1).step(16));
  }

  @Test
  void aStepIsNotLongerThanItMayBe() {
    var lookup = lookup(1, 2, 3, 4, 5, 6, 1, 2, 3);

    assertArrayEquals(new int[] {3}, lookup.step(1));
    assertArrayEquals(new int[] {3, 4}, lookup.step(2));
  }

  @Test
  void aDraftGrowsWhileItIsRightAndShrinksWhenItIsNot() {
    var lookup = lookup(1, 1, 1, 1);
    int before = 0;
    for (int draft = draft(lookup); draft > before; draft = draft(lookup)) {
      lookup.verified(draft, draft);
      before = draft;
    }
    assertEquals(PromptLookup.MAX_DRAFT, before);

    for (int draft = before; draft > 1; draft = draft(lookup)) {
      lookup.verified(draft, draft - 1);
      assertTrue(draft(lookup) < draft);
    }
    lookup.verified(1, 0);
    assertEquals(1, draft(lookup));
  }

  private static int draft(PromptLookup lookup) {
    return lookup.step(Integer.MAX_VALUE).length - 1;
  }

  /** A search through the whole sequence for each token says the same. */
  @Test
  void itFindsWhatASearchThroughAllTokensFinds() {
    long seed = new Random().nextLong();
    var random = new Random(seed);
    for (int round = 0; round < 200; round++) {
      var lookup = new PromptLookup();
      int[] tokens = new int[random.nextInt(1, 600)];
      int vocabulary = random.nextInt(1, 40);
      int drafts = 0;
      for (int length = 1; length <= tokens.length; length++) {
        tokens[length - 1] = random.nextInt(vocabulary) * 0x01010101;
        lookup.append(tokens[length - 1]);
        int most = random.nextInt(1, 20);
        int[] step = lookup.step(most);

        assertTrue(step.length <= most, "seed " + seed);
        int[] expected = search(tokens, length, step.length);
        assertArrayEquals(expected, step, "seed %d, length %d".formatted(seed, length));
        assertEquals(
            most > 1 && match(tokens, length) > 0,
            step.length > 1,
            "seed %d, length %d".formatted(seed, length));
        if (step.length > 1) {
          drafts++;
          lookup.verified(step.length - 1, random.nextInt(step.length));
        }
      }
      assertTrue(drafts > 0 || tokens.length < 3 * vocabulary * vocabulary, "seed " + seed);
    }
  }

  /** The step as the definition has it, of a given length. */
  private static int[] search(int[] tokens, int length, int stepLength) {
    int[] all = Arrays.copyOf(tokens, length + stepLength - 1);
    int match = match(tokens, length);
    for (int i = length; i < all.length; i++) {
      all[i] = all[match + i - length];
    }
    return Arrays.copyOfRange(all, length - 1, all.length);
  }

  private static int match(int[] tokens, int length) {
    for (int n : new int[] {5, 3, 2}) {
      for (int end = length - 1; end >= n; end--) {
        if (Arrays.equals(tokens, end - n, end, tokens, length - n, length)) {
          return end;
        }
      }
    }
    return 0;
  }

  private static PromptLookup lookup(int... tokens) {
    var lookup = new PromptLookup();
    lookup.append(tokens);
    return lookup;
  }
}
